// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "cli/options.hpp"
#include "cli/report.hpp"

namespace seekable::cli {
namespace {

using Words = std::vector<std::string>;

std::string usage_error(const Words& words) {
  try {
    parse_options(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

TEST(CommandLine, HasDefaults) {
  const auto run = std::get<RunOptions>(parse_options({"run", "--", "true"}));
  EXPECT_EQ(run.common.source.path, "-");
  EXPECT_FALSE(run.common.source.command);
  EXPECT_EQ(run.common.memory, 5U * 1024 * 1024);
  EXPECT_FALSE(run.common.disk);
  EXPECT_TRUE(run.common.directories.empty());
  EXPECT_FALSE(run.common.encrypt || run.common.stats || run.common.verbose);
  EXPECT_EQ(run.common.progress, ProgressWhen::automatic);
  EXPECT_FALSE(run.common.timeout);
  EXPECT_EQ(run.command, Words{"true"});
}

TEST(CommandLine, TakesEveryCommonOption) {
  const auto options = std::get<RunOptions>(parse_options(
      {"run",     "in.zip",    "--memory", "64KiB",      "--disk=2GB", "--dir",     "a",
       "--dir=b", "--encrypt", "--stats",  "--progress", "never",      "--verbose", "--timeout",
       "10s",     "--eager",   "--",       "unzip",      "--memory",   "{}"}));
  const CommonOptions& common = options.common;
  EXPECT_EQ(common.source.path, "in.zip");
  EXPECT_EQ(common.memory, 65'536U);
  EXPECT_EQ(common.disk, 2'000'000'000U);
  EXPECT_EQ(common.directories, (std::vector<std::filesystem::path>{"a", "b"}));
  EXPECT_TRUE(common.encrypt && common.stats && common.verbose);
  EXPECT_EQ(common.progress, ProgressWhen::never);
  EXPECT_EQ(common.timeout, std::chrono::seconds(10));
  EXPECT_EQ(options.command, (Words{"unzip", "--memory", "{}"}));
}

TEST(CommandLine, ReadsRangesInOrderAlsoThoseThatCountFromTheEnd) {
  const auto cat = std::get<CatOptions>(
      parse_options({"cat", "--range", "-16", "f", "--range=5-9", "--range", "3-,0-0"}));
  EXPECT_EQ(cat.common.source.path, "f");
  EXPECT_EQ(cat.ranges,
            (std::vector<RangeSpec>{
                {.suffix = 16}, {.first = 5, .last = 9}, {.first = 3}, {.first = 0, .last = 0}}));
}

TEST(CommandLine, ReadsNamesBehindTheDashesAsNames) {
  EXPECT_EQ(std::get<CatOptions>(parse_options({"cat", "--", "--range"})).common.source.path,
            "--range");
  EXPECT_EQ(std::get<StatOptions>(parse_options({"stat", "cat"})).common.source.path, "cat");
  EXPECT_EQ(std::get<StatOptions>(parse_options({"stat", "-"})).common.source.path, "-");
}

TEST(CommandLine, GivesEachOptionOneWord) {
  for (const std::string option : {"--dir", "--exec", "--memory", "--range"}) {
    const std::string value = option == "--memory" ? "5" : "0-1";
    const Words words = {"cat", option, value, "x", "y"};
    EXPECT_NE(usage_error(words).find("one SOURCE too many: 'y'"), std::string::npos) << option;
  }
}

TEST(CommandLine, ReadsUrlsAndTheirOptionsByTheNamesOfCurl) {
  const auto get = std::get<GetOptions>(parse_options(
      {"get", "-H", "A: b", "--header=C: d:e", "-u", "me:pass:word", "-n", "-x", "http://p:1",
       "--cacert", "ca.pem", "-L", "--connections", "3", "HTTPS://h/a%20b?q#f"}));
  const SourceChoice& source = get.common.source;
  EXPECT_EQ(source.url, "HTTPS://h/a%20b?q#f");
  EXPECT_EQ(source.web.headers, (Words{"A: b", "C: d:e"}));
  EXPECT_EQ(source.web.user, "me");
  EXPECT_EQ(source.web.password, "pass:word");
  EXPECT_TRUE(source.web.netrc);
  EXPECT_EQ(source.web.proxy, "http://p:1");
  EXPECT_EQ(source.web.certificates, "ca.pem");
  EXPECT_EQ(source.web.connections, 3U);
  EXPECT_EQ(get.target, "a b");
  EXPECT_FALSE(get.sha256);
}

TEST(CommandLine, ReadsWhatGetWritesAndItsSum) {
  const std::string sum(64, 'A');
  const auto get = std::get<GetOptions>(
      parse_options({"get", "http://h/x", "-o", "dir/y", "--sha256", sum, "--timeout", "1s"}));
  EXPECT_EQ(get.target, "dir/y");
  EXPECT_EQ(get.sha256, std::string(64, 'a'));
  const auto decoded =
      std::get<GetOptions>(parse_options({"get", "--decode", "http://h/backup.tgz"}));
  EXPECT_TRUE(decoded.common.source.decode);
  EXPECT_EQ(decoded.target, "backup.tar");
}

TEST(CommandLine, ShowsNoSecretsOfWhatIsWrong) {
  for (const Words& words : std::vector<Words>{{"cat", "-H", "secret", "http://h/x"},
                                               {"cat", "-u", ":secret", "http://h/x"},
                                               {"cat", "-x", "a secret", "http://h/x"},
                                               {"cat", "http://u:secret@h/a b"},
                                               {"cat", "x", "http://u:secret@h/a?secret#secret"},
                                               {"get", "http://u:secret@h/?secret"},
                                               {"cat", "ftp://u:secret@h/"},
                                               {"cat", "--usr=secret"},
                                               {"cat", "-Zsecret"}}) {
    const std::string line = usage_error(words);
    EXPECT_FALSE(line.empty()) << words.back();
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
  }
}

TEST(CommandLine, LeavesTheCommandOfTheSourceAsItIs) {
  const auto run =
      std::get<RunOptions>(parse_options({"run", "--exec", "a | b -- c", "--", "x", "--", "y"}));
  EXPECT_EQ(run.common.source.command, "a | b -- c");
  EXPECT_EQ(run.command, (Words{"x", "--", "y"}));
}

TEST(CommandLine, GivesHelpAndVersionAsText) {
  for (const Words& words : std::vector<Words>{{"--help"},
                                               {"-h"},
                                               {"help"},
                                               {"--version"},
                                               {"run", "--help"},
                                               {"cat", "-h"},
                                               {"stat", "--help"},
                                               {"run", "--version"}}) {
    EXPECT_FALSE(std::get<TextWanted>(parse_options(words)).text.empty()) << words.back();
  }
}

TEST(CommandLine, RefusesInOneLineWhatItDoesNotKnow) {
  struct Case {
    Words words;
    std::string told;
  };
  const std::vector<Case> table = {
      {{}, "command is missing"},
      {{"walk"}, "'walk' is not a command"},
      {{"--walk"}, "'--walk' is not a command"},
      {{"get"}, "URL is missing"},
      {{"get", "host/x"}, "'host/x' is not a URL"},
      {{"get", "http://h/"}, "give one with -o FILE"},
      {{"get", "http://h/x", "-o", "-"}, "seekable cat URL"},
      {{"get", "http://h/x", "-o", "a", "-o", "b"}, "--output is given more than once"},
      {{"get", "http://h/x", "http://h/y"}, "one SOURCE too many: 'http://h/y'"},
      {{"get", "http://h/x", "--sha256", "12"}, "64 hexadecimal digits"},
      {{"get", "http://h/x", "--memory", "5"}, "'--memory' is not an option of get"},
      {{"cat", "http://h/x", "--connections", "0"}, "--connections: '0'"},
      {{"cat", "http://h/x", "-H", "secret"}, "--header: a header is written"},
      {{"cat", "http://h/x", "-u", ":secret"}, "--user: the name is empty"},
      {{"cat", "x", "-u", "a:b"}, "--user goes with a URL"},
      {{"cat", "x", "-L"}, "--location goes with a URL"},
      {{"serve"}, "'serve' is not part of this version"},
      {{"mount", "x"}, "'mount' is not part of this version"},
      {{"run"}, "COMMAND is missing"},
      {{"run", "--"}, "COMMAND is missing"},
      {{"run", "--", ""}, "COMMAND is an empty name"},
      {{"run", "a", "b", "--", "c"}, "one SOURCE too many: 'b'"},
      {{"run", "a", "--exec", "b", "--", "c"}, "one SOURCE too many"},
      {{"cat", "--exec", "a", "--exec", "b"}, "one SOURCE too many"},
      {{"cat", "--exec", ""}, "--exec: the command is empty"},
      {{"cat", ""}, "SOURCE is an empty name"},
      {{"run", "--window", "5", "--", "c"}, "--window does not go with run"},
      {{"run", "--lazy", "--", "c"}, "--lazy is not part of this version"},
      {{"cat", "--decode=gzip"}, "--decode takes no value"},
      {{"cat", "http://"}, "names no host"},
      {{"cat", "http://h/a b"}, "%20"},
      {{"run", "ftp://h/x", "--", "c"}, "ftp:// is not known"},
      {{"stat", "s3://b/k"}, "not part of this version"},
      {{"cat", "--nonsense"}, "'--nonsense' is not an option of cat"},
      {{"stat", "-z"}, "'-z' is not an option of stat"},
      {{"stat", "--range", "0-1"}, "'--range' is not an option of stat"},
      {{"cat", "--memory"}, "--memory lacks its value"},
      {{"cat", "--range"}, "--range lacks its value"},
      {{"cat", "--stats=1"}, "--stats takes no value"},
      {{"cat", "--memory", "5x"}, "--memory: bad size '5x'"},
      {{"cat", "--memory", ""}, "--memory: bad size ''"},
      {{"cat", "--memory", "1", "--memory", "2"}, "--memory is given more than once"},
      {{"cat", "--disk", "-5"}, "--disk"},
      {{"cat", "--window", "0"}, "--window: at least 1 byte"},
      {{"cat", "--range", "9-1"}, "--range: bad range '9-1'"},
      {{"cat", "--timeout", "10"}, "--timeout: bad time '10'"},
      {{"cat", "--progress", "maybe"}, "--progress: 'maybe' is not known"},
      {{"cat", "--dir", ""}, "--dir: the name is empty"},
  };
  for (const Case& c : table) {
    const std::string line = usage_error(c.words);
    EXPECT_NE(line.find(c.told), std::string::npos) << "expected: " << c.told << "\ngot: " << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace seekable::cli
