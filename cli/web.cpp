// SPDX-License-Identifier: Apache-2.0
#include "cli/web.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "cli/report.hpp"
#include "cli/url.hpp"

// Each is a library of its own, and a build may be without it.
#ifdef SEEKABLE_HAS_HTTP
#include "seekable/http.hpp"
#endif
#ifdef SEEKABLE_HAS_DECODE
#include "seekable/decode.hpp"
#endif

namespace seekable::cli {

#ifdef SEEKABLE_HAS_HTTP

namespace {

HttpOptions http_options(const WebOptions& web, const ExpectedOfUrl& expected) {
  HttpOptions options;
  options.headers = web.headers;
  options.user = web.user;
  options.password = web.password;
  options.netrc = web.netrc;
  options.proxy = web.proxy;
  options.certificates = web.certificates;
  if (web.connections) options.connections = *web.connections;
  options.expected_validator = expected.validator;
  options.expected_size = expected.size;
  return options;
}

/// A file of certificates that is missing is known before anybody is asked for anything.
void check_certificates(const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return;
  throw Failed(fmt::format("--cacert: cannot read '{}': {}; check the name and its permissions",
                           path, std::system_category().message(errno)));
}

}  // namespace

std::unique_ptr<RestartableSource> open_web(const SourceChoice& choice,
                                            const ExpectedOfUrl& expected) {
  check_certificates(choice.web.certificates);
  try {
    return from_url(*choice.url, http_options(choice.web, expected));
  } catch (const std::invalid_argument& bad) {
    throw Failed(fmt::format("'{}': {}", shown_url(*choice.url), bad.what()), exit_usage);
  }
}

WebTraffic web_traffic(const Source& source) {
  const HttpTraffic traffic = http_traffic(source);
  return {traffic.requests, traffic.bytes_received};
}

#else

std::unique_ptr<RestartableSource> open_web(const SourceChoice& choice,
                                            const ExpectedOfUrl& /*expected*/) {
  throw Failed(
      fmt::format("'{}': this build has no HTTP; build with libcurl, or give --exec 'curl "
                  "-fsSL URL'",
                  shown_url(*choice.url)));
}

WebTraffic web_traffic(const Source& /*source*/) { return {}; }

#endif

bool has_no_ranges(const RestartableSource& source) {
  constexpr std::uint64_t longest_gap = std::uint64_t{1} << 62;
  return source.worth_reading_through(longest_gap);
}

#ifdef SEEKABLE_HAS_DECODE

std::unique_ptr<Source> open_decoded(std::unique_ptr<Source> source) {
  return decoded(std::move(source));
}

#else

std::unique_ptr<Source> open_decoded(std::unique_ptr<Source> /*source*/) {
  throw Failed(
      "--decode: this build cannot decompress; pipe the stream through zcat first, or build with "
      "zlib, libbz2, liblzma, libzstd and liblz4");
}

#endif

}  // namespace seekable::cli
