// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/durations.hpp"
#include "cli/help.hpp"
#include "cli/report.hpp"
#include "cli/sizes.hpp"
#include "cli/url.hpp"
#include "cli/web_options.hpp"

namespace seekable::cli {

namespace {

constexpr const char* no_command =
    "COMMAND is missing; write it after --, as in: seekable run -- unzip -l {}";

/// The one value of an option, read by `parse`; nothing if it was not given.
template <typename Parse>
auto value_of(std::string_view option, const Words& words, Parse parse)
    -> std::optional<decltype(parse(words.front()))> {
  if (words.empty()) return std::nullopt;
  if (words.size() > 1) {
    throw UsageError(fmt::format("{} is given more than once; leave one out", option));
  }
  try {
    return parse(words.front());
  } catch (const std::invalid_argument& bad) {
    throw UsageError(fmt::format("{}: {}", option, bad.what()));
  }
}

ProgressWhen parse_progress(const std::string& text) {
  if (text == "auto") return ProgressWhen::automatic;
  if (text == "always") return ProgressWhen::always;
  if (text == "never") return ProgressWhen::never;
  throw std::invalid_argument(fmt::format("'{}' is not known; write auto, always or never", text));
}

/// The URL that a SOURCE is, if it is one.
std::optional<std::string> url_in(const std::string& source) {
  const std::string scheme = url_scheme(source);
  if (scheme.empty()) return std::nullopt;
  if (scheme == "s3") {
    throw UsageError(
        fmt::format("'{}': sources of s3:// are not part of this version; give a URL "
                    "of https:// that is signed for it",
                    shown_url(source)));
  }
  if (scheme != "http" && scheme != "https") {
    throw UsageError(fmt::format(
        "'{}': {}:// is not known; a URL begins with http:// or https:// (a path: ./{}://...)",
        shown_url(source), scheme, scheme));
  }
  try {
    check_url(source);
  } catch (const std::invalid_argument& bad) {
    throw UsageError(bad.what());
  }
  return source;
}

WebOptions web_options(const Written& written) {
  WebOptions web;
  for (const std::string& header : written.headers) {
    web.headers.push_back(*value_of("--header", {header}, parse_header));
  }
  if (const auto user = value_of("--user", written.user, parse_user)) {
    web.user = user->name;
    web.password = user->password;
  }
  web.netrc = written.netrc;
  web.proxy = value_of("--proxy", written.proxy, parse_proxy).value_or("");
  web.certificates = value_of("--cacert", written.certificates, parse_file_name).value_or("");
  web.connections = value_of("--connections", written.connections, parse_connections);
  return web;
}

/// An option that has a meaning for URLs only, if one was written.
std::optional<std::string_view> url_option_in(const Written& written) {
  if (!written.headers.empty()) return "--header";
  if (!written.user.empty()) return "--user";
  if (written.netrc) return "--netrc";
  if (!written.proxy.empty()) return "--proxy";
  if (!written.certificates.empty()) return "--cacert";
  if (written.location) return "--location";
  if (!written.connections.empty()) return "--connections";
  return std::nullopt;
}

SourceChoice chosen_source(const Written& written, std::string_view command) {
  if (written.sources.size() + written.exec.size() > 1) {
    const std::string& second =
        written.sources.empty() ? written.exec.back() : written.sources.back();
    std::string hint = command == "run" ? "write COMMAND after --" : "leave one out";
    throw UsageError(fmt::format("one SOURCE too many: '{}'; {}", shown_url(second), hint));
  }
  SourceChoice source;
  source.decode = written.decode;
  if (!written.exec.empty()) {
    source.command = written.exec.front();
    if (source.command->empty()) throw UsageError("--exec: the command is empty; write one");
  }
  if (!written.sources.empty()) source.path = written.sources.front();
  if (source.path.empty()) throw UsageError("SOURCE is an empty name; write - or a path");
  source.url = url_in(source.path);
  if (const auto option = url_option_in(written); option && !source.url) {
    throw UsageError(fmt::format("{} goes with a URL, and SOURCE is none; leave it out", *option));
  }
  source.web = web_options(written);
  return source;
}

CommonOptions common_options(const Written& written, std::string_view command) {
  CommonOptions common;
  common.source = chosen_source(written, command);
  common.memory = value_of("--memory", written.memory, parse_size).value_or(common.memory);
  common.disk = value_of("--disk", written.disk, parse_size);
  for (const std::string& directory : written.directories) {
    if (directory.empty()) throw UsageError("--dir: the name is empty; write a directory");
    common.directories.emplace_back(directory);
  }
  common.encrypt = written.encrypt;
  common.window = value_of("--window", written.window, parse_size);
  if (common.window == 0U) throw UsageError("--window: at least 1 byte must be kept");
  common.stats = written.stats;
  common.progress =
      value_of("--progress", written.progress, parse_progress).value_or(ProgressWhen::automatic);
  common.verbose = written.verbose;
  common.timeout = value_of("--timeout", written.timeout, parse_duration);
  return common;
}

Request parse_run(const Words& words) {
  const auto dashes = std::ranges::find(words, "--");
  Written written;
  const std::string missing = words.end() - dashes > 1 ? "" : no_command;
  if (auto text = sort_words(run_help, Words(words.begin(), dashes), written, missing)) {
    return TextWanted{*text};
  }
  RunOptions options;
  options.common = common_options(written, "run");
  if (options.common.window) {
    throw UsageError("--window does not go with run: COMMAND needs the whole stream; leave it out");
  }
  options.command.assign(dashes + 1, words.end());
  if (options.command.front().empty()) {
    throw UsageError("COMMAND is an empty name; write a program after --");
  }
  return options;
}

Request parse_cat(const Words& words) {
  Written written;
  if (auto text = sort_words(cat_help, words, written)) return TextWanted{*text};
  CatOptions options;
  options.common = common_options(written, "cat");
  for (const std::string& text : written.ranges) {
    const auto ranges = value_of("--range", Words{text}, parse_ranges);
    options.ranges.insert(options.ranges.end(), ranges->begin(), ranges->end());
  }
  return options;
}

/// The file that `get` writes.
std::string target_of(const Written& written, const SourceChoice& source) {
  if (const auto named = value_of("--output", written.output, parse_file_name)) {
    if (*named == "-") {
      throw UsageError("--output: '-' is no file; for standard output there is: seekable cat URL");
    }
    return *named;
  }
  const auto name = url_file_name(*source.url);
  if (!name) {
    throw UsageError(fmt::format("'{}' does not end in the name of a file; give one with -o FILE",
                                 shown_url(*source.url)));
  }
  return source.decode ? name_without_compression(*name) : *name;
}

Request parse_get(const Words& words) {
  Written written;
  if (auto text = sort_words(get_help, words, written)) return TextWanted{*text};
  if (written.sources.empty()) {
    throw UsageError("URL is missing; write what to get, as in: seekable get https://host/file");
  }
  GetOptions options;
  const std::string& first = written.sources.front();
  if (url_scheme(first).empty()) {
    throw UsageError(
        fmt::format("'{}' is not a URL; write http:// or https:// in front of it", first));
  }
  options.common = common_options(written, "get");
  options.target = target_of(written, options.common.source);
  options.sha256 = value_of("--sha256", written.sha256, parse_sha256);
  return options;
}

Request parse_stat(const Words& words) {
  Written written;
  if (auto text = sort_words(stat_help, words, written)) return TextWanted{*text};
  return StatOptions{common_options(written, "stat")};
}

}  // namespace

Request parse_options(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    throw UsageError("a command is missing: run, cat, get or stat; see seekable --help");
  }
  const std::string& command = arguments.front();
  const Words rest(arguments.begin() + 1, arguments.end());
  if (command == "--help" || command == "-h" || command == "help") return TextWanted{top_help()};
  if (command == "--version") return TextWanted{version_text()};
  if (command == "run") return parse_run(rest);
  if (command == "cat") return parse_cat(rest);
  if (command == "get") return parse_get(rest);
  if (command == "stat") return parse_stat(rest);
  if (command == "serve" || command == "mount") {
    throw UsageError(fmt::format(
        "'{}' is not part of this version, which has run, cat, get and stat; see seekable --help",
        command));
  }
  throw UsageError(fmt::format(
      "'{}' is not a command; the commands are run, cat, get and stat; see seekable --help",
      command));
}

}  // namespace seekable::cli
