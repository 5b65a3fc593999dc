// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <fmt/format.h>

// CLI11 takes long to compile: this is the only file that sees it.
#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/durations.hpp"
#include "cli/help.hpp"
#include "cli/report.hpp"
#include "cli/sizes.hpp"

namespace seekable::cli {

namespace {

using Words = std::vector<std::string>;

constexpr const char* no_command =
    "COMMAND is missing; write it after --, as in: seekable run -- unzip -l {}";

/// The options as they were written, each time they were.
struct Raw {
  Words sources;
  Words exec;
  Words memory;
  Words disk;
  Words directories;
  Words window;
  Words progress;
  Words timeout;
  Words ranges;
  bool encrypt = false;
  bool stats = false;
  bool verbose = false;
  bool eager = false;
  bool version = false;
};

/// The words of `text` in lines of at most `width` characters.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string lines = text;
  std::size_t line = 0;
  while (lines.size() - line > width) {
    const std::size_t space = lines.rfind(' ', line + width);
    if (space == std::string::npos || space < line) break;
    lines[space] = '\n';
    line = space + 1;
  }
  return lines;
}

/// Writes the help of one command: its purpose, CLI11's list of options, its examples.
class HelpFormatter final : public CLI::Formatter {
 public:
  explicit HelpFormatter(const CommandHelp& help) : help_(help) { column_width(24); }

  std::string make_help(const CLI::App* app, std::string /*name*/,
                        CLI::AppFormatMode /*mode*/) const override {
    return fmt::format("Usage: seekable {} {}\n\n{}{}\n{}", help_.name, help_.usage, help_.purpose,
                       make_groups(app, CLI::AppFormatMode::Normal), help_.examples);
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), 78 - get_column_width());
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }

 private:
  const CommandHelp& help_;
};

void add_value(CLI::App& app, const std::string& name, Words& words, const std::string& type,
               const std::string& what) {
  app.add_option(name, words, what)
      ->type_name(type)
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
}

void add_common_options(CLI::App& app, Raw& raw) {
  add_value(app, "--exec", raw.exec, "'COMMAND'", "read what a command of the shell writes");
  add_value(app, "--memory", raw.memory, "SIZE",
            "memory for the stream at most; 5MiB if not given");
  add_value(app, "--disk", raw.disk, "SIZE",
            "disk for the stream at most; 0: none; no limit if not given");
  add_value(app, "--dir", raw.directories, "DIR",
            "where the unnamed file lies; given again: the next, when one fails; $TMPDIR or "
            "/var/tmp if not given");
  app.add_flag("--encrypt", raw.encrypt, "encrypt on disk, with a key that is in memory alone")
      ->disable_flag_override();
  add_value(app, "--timeout", raw.timeout, "TIME",
            "give up when no byte comes for so long, as 10s, 500ms or 2m");
  app.add_flag("--stats", raw.stats, "at the end one line of JSON on standard error")
      ->disable_flag_override();
  add_value(app, "--progress", raw.progress, "WHEN",
            "a progress bar: auto (on a terminal), always, never");
  app.add_flag("--verbose", raw.verbose, "say on standard error what is done, and why")
      ->disable_flag_override();
  app.set_help_flag("-h,--help", "this text");
  app.add_flag("--version", raw.version, "the version")->disable_flag_override();
}

void add_window(CLI::App& app, Raw& raw) {
  add_value(app, "--window", raw.window, "SIZE", "keep only the last SIZE bytes while reading on");
}

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

void refuse_url(const std::string& path) {
  std::string lower = path;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const std::string_view scheme : {"http://", "https://", "ftp://", "s3://"}) {
    if (lower.starts_with(scheme)) {
      throw UsageError(fmt::format(
          "'{}': sources of {} are not part of this version; give --exec 'curl -fsSL URL'", path,
          scheme));
    }
  }
}

SourceChoice chosen_source(const Raw& raw, std::string_view command) {
  if (raw.sources.size() + raw.exec.size() > 1) {
    const std::string& second = raw.sources.empty() ? raw.exec.back() : raw.sources.back();
    std::string hint = command == "run" ? "write COMMAND after --" : "leave one out";
    throw UsageError(fmt::format("one SOURCE too many: '{}'; {}", second, hint));
  }
  SourceChoice source;
  if (!raw.exec.empty()) {
    source.command = raw.exec.front();
    if (source.command->empty()) throw UsageError("--exec: the command is empty; write one");
  }
  if (!raw.sources.empty()) source.path = raw.sources.front();
  if (source.path.empty()) throw UsageError("SOURCE is an empty name; write - or a path");
  refuse_url(source.path);
  return source;
}

CommonOptions common_options(const Raw& raw, std::string_view command) {
  CommonOptions common;
  common.source = chosen_source(raw, command);
  common.memory = value_of("--memory", raw.memory, parse_size).value_or(common.memory);
  common.disk = value_of("--disk", raw.disk, parse_size);
  for (const std::string& directory : raw.directories) {
    if (directory.empty()) throw UsageError("--dir: the name is empty; write a directory");
    common.directories.emplace_back(directory);
  }
  common.encrypt = raw.encrypt;
  common.window = value_of("--window", raw.window, parse_size);
  if (common.window == 0U) throw UsageError("--window: at least 1 byte must be kept");
  common.stats = raw.stats;
  common.progress =
      value_of("--progress", raw.progress, parse_progress).value_or(ProgressWhen::automatic);
  common.verbose = raw.verbose;
  common.timeout = value_of("--timeout", raw.timeout, parse_duration);
  return common;
}

/// CLI11 takes "-16" for an option: ties the value of --range to it.
Words with_tied_ranges(const Words& words) {
  Words tied;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      tied.insert(tied.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    if (words[i] == "--range" && i + 1 < words.size()) {
      tied.push_back("--range=" + words[i + 1]);
      ++i;
    } else {
      tied.push_back(words[i]);
    }
  }
  return tied;
}

std::string see_help(std::string_view command) {
  return fmt::format("see seekable {} --help", command);
}

/// What CLI11 would take in a way that nobody means.
void check_words(const Words& words, std::string_view command) {
  const auto is = [](std::string_view word, std::string_view option) {
    return word == option || (word.starts_with(option) && word[option.size()] == '=');
  };
  for (const std::string& word : words) {
    if (word == "--") return;
    if (is(word, "--lazy")) throw UsageError("--lazy is not part of this version; leave it out");
    if (is(word, "--decode")) {
      throw UsageError("--decode is not part of this version; pipe the stream through zcat first");
    }
    // An empty variable, as in --exec="$EMPTY": the next word would become the value.
    if (word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1) {
      throw UsageError(fmt::format("{} lacks its value; {}", word.substr(0, word.size() - 1),
                                   see_help(command)));
    }
  }
}

/// What CLI11 has left over are the sources, and options that there are none of. (As an option of
/// its own a SOURCE would not be safe: CLI11 takes the word `[a,b]` for a list.)
void take_sources(const Words& left, Raw& raw, std::string_view command) {
  bool only_sources = false;
  for (const std::string& word : left) {
    if (word == "--" && !only_sources) {
      only_sources = true;
    } else if (only_sources || word == "-" || !word.starts_with('-')) {
      raw.sources.push_back(word);
    } else {
      throw UsageError(
          fmt::format("'{}' is not an option of {}; {}", word, command, see_help(command)));
    }
  }
}

/// Lets CLI11 sort `words` into what `app` is bound to. Returns a text if only that is wanted.
/// `missing` is told before anything else if it is not empty.
std::optional<TextWanted> sort_words(CLI::App& app, const CommandHelp& help, const Words& words,
                                     Raw& raw, const std::string& missing = {}) {
  app.allow_extras();
  check_words(words, help.name);
  try {
    Words reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return TextWanted{app.help()};
  } catch (const CLI::ArgumentMismatch& mismatch) {
    const std::string_view what = mismatch.what();
    if (const auto end = what.find(" was given a disallowed flag"); end != what.npos) {
      throw UsageError(fmt::format("--{} takes no value; leave it out", what.substr(0, end)));
    }
    throw UsageError(
        fmt::format("{} lacks its value; {}", what.substr(0, what.find(':')), see_help(help.name)));
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}; {}", error.what(), see_help(help.name)));
  }
  if (raw.version) return TextWanted{version_text()};
  if (!missing.empty()) throw UsageError(missing);
  take_sources(app.remaining(), raw, help.name);
  return std::nullopt;
}

Request parse_run(const Words& words) {
  const auto dashes = std::ranges::find(words, "--");
  Raw raw;
  CLI::App app("", "run");
  app.formatter(std::make_shared<HelpFormatter>(run_help));
  add_common_options(app, raw);
  add_window(app, raw);
  app.get_option("--window")->group("");  // known, to say why not
  app.add_flag("--eager", raw.eager, "take the whole stream first: what this version always does")
      ->disable_flag_override();
  const std::string missing = words.end() - dashes > 1 ? "" : no_command;
  if (auto text = sort_words(app, run_help, Words(words.begin(), dashes), raw, missing)) {
    return *text;
  }
  RunOptions options;
  options.common = common_options(raw, "run");
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
  Raw raw;
  CLI::App app("", "cat");
  app.formatter(std::make_shared<HelpFormatter>(cat_help));
  add_value(app, "--range", raw.ranges, "A-B",
            "only these bytes: 0-99, 500- or -16; given again: more, in the order given");
  add_common_options(app, raw);
  add_window(app, raw);
  if (auto text = sort_words(app, cat_help, with_tied_ranges(words), raw)) return *text;
  CatOptions options;
  options.common = common_options(raw, "cat");
  for (const std::string& text : raw.ranges) {
    const auto ranges = value_of("--range", Words{text}, parse_ranges);
    options.ranges.insert(options.ranges.end(), ranges->begin(), ranges->end());
  }
  return options;
}

Request parse_stat(const Words& words) {
  Raw raw;
  CLI::App app("", "stat");
  app.formatter(std::make_shared<HelpFormatter>(stat_help));
  add_common_options(app, raw);
  add_window(app, raw);
  if (auto text = sort_words(app, stat_help, words, raw)) return *text;
  return StatOptions{common_options(raw, "stat")};
}

}  // namespace

Request parse_options(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    throw UsageError("a command is missing: run, cat or stat; see seekable --help");
  }
  const std::string& command = arguments.front();
  const Words rest(arguments.begin() + 1, arguments.end());
  if (command == "--help" || command == "-h" || command == "help") return TextWanted{top_help()};
  if (command == "--version") return TextWanted{version_text()};
  if (command == "run") return parse_run(rest);
  if (command == "cat") return parse_cat(rest);
  if (command == "stat") return parse_stat(rest);
  if (command == "get" || command == "serve" || command == "mount") {
    throw UsageError(fmt::format(
        "'{}' is not part of this version, which has run, cat and stat; see seekable --help",
        command));
  }
  throw UsageError(fmt::format(
      "'{}' is not a command; the commands are run, cat and stat; see seekable --help", command));
}

}  // namespace seekable::cli
