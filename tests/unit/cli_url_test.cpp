// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "cli/url.hpp"

namespace seekable::cli {
namespace {

TEST(Url, HasASchemeOrIsAPath) {
  EXPECT_EQ(url_scheme("HTTP://h"), "http");
  EXPECT_EQ(url_scheme("svn+ssh://h"), "svn+ssh");
  for (const std::string path :
       {"", "-", "a/b", "://h", "1://h", "./http://h", "a b://h", "http:/h"}) {
    EXPECT_EQ(url_scheme(path), "") << path;
  }
}

TEST(Url, NamesAHostAndHoldsNoBlank) {
  for (const std::string good : {"http://h", "http://h:80/x", "http://u:p@h/x", "http://[::1]/"}) {
    EXPECT_NO_THROW(check_url(good)) << good;
  }
  for (const std::string bad : {"http://", "http:///x", "http://:80/", "http://u@/x", "http://h/ x",
                                "http://h/\nx", "http://h?x y"}) {
    EXPECT_THROW(check_url(bad), std::invalid_argument) << bad;
  }
}

TEST(Url, IsShownWithoutWhatMayBeSecret) {
  EXPECT_EQ(shown_url("http://u:p@h:8/a/b?k=v#f"), "http://h:8/a/b?...");
  EXPECT_EQ(shown_url("http://u:p@w@h?k"), "http://h?...");
  EXPECT_EQ(shown_url("http://h/a?"), "http://h/a");
  EXPECT_EQ(shown_url("a path?"), "a path?");
  EXPECT_EQ(without_queries("read http://h/x?s=1: 404, see 'http://h/y?t' or http://h/z?"),
            "read http://h/x?...: 404, see 'http://h/y?...' or http://h/z?...");
  EXPECT_EQ(without_queries("no URL? none"), "no URL? none");
}

TEST(Url, IsTheSameStreamWhoeverAsksForIt) {
  EXPECT_EQ(url_identity("http://u:p@h/a?k=v#f"), "http://h/a?k=v");
}

TEST(Url, EndsInTheNameOfAFileOrInNone) {
  const auto name = [](const std::string& url) { return url_file_name(url).value_or("(none)"); };
  EXPECT_EQ(name("http://h/a/b.zip?x=/y#/z"), "b.zip");
  EXPECT_EQ(name("http://h/a%20b%c3%a4"), "a b\xc3\xa4");
  for (const std::string bad :
       {"http://h", "http://h/", "http://h?x", "http://h/a/", "http://h/.", "http://h/..",
        "http://h/%2e%2E", "http://h/a%2fb", "http://h/%2fetc", "http://h/a%00b", "http://h/a%0ab",
        "http://h/%", "http://h/%2", "http://h/%zz", "http://h/%-1"}) {
    EXPECT_EQ(name(bad), "(none)") << bad;
  }
}

TEST(Url, LosesTheEndingOfACompressedFile) {
  EXPECT_EQ(name_without_compression("a.tar.gz"), "a.tar");
  EXPECT_EQ(name_without_compression("a.tgz"), "a.tar");
  EXPECT_EQ(name_without_compression("a.zip"), "a.zip");
  EXPECT_EQ(name_without_compression(".gz"), ".gz");
}

}  // namespace
}  // namespace seekable::cli
