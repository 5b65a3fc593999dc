// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <memory>

// CLI11 takes long to compile: this is the only file that sees it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/report.hpp"

namespace seekable::cli {

namespace {

constexpr const char* of_urls = "Options for a URL";

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

CLI::Option* add_value(CLI::App& app, const std::string& name, Words& words,
                       const std::string& type, const std::string& what) {
  return app.add_option(name, words, what)
      ->type_name(type)
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
}

CLI::Option* add_flag(CLI::App& app, const std::string& name, bool& flag, const std::string& what) {
  return app.add_flag(name, flag, what)->disable_flag_override();
}

void add_kept_options(CLI::App& app, Written& written) {
  add_value(app, "--exec", written.exec, "'COMMAND'", "read what a command of the shell writes");
  add_value(app, "--memory", written.memory, "SIZE",
            "memory for the stream at most; 5MiB if not given");
  add_value(app, "--disk", written.disk, "SIZE",
            "disk for the stream at most; 0: none; no limit if not given");
  add_value(app, "--dir", written.directories, "DIR",
            "where the unnamed file lies; given again: the next, when one fails; $TMPDIR or "
            "/var/tmp if not given");
  add_flag(app, "--encrypt", written.encrypt,
           "encrypt on disk, with a key that is in memory alone");
}

void add_common_options(CLI::App& app, Written& written) {
  add_flag(app, "--decode", written.decode,
           "decompress gzip, zstd, xz, bzip2 or lz4, told by the first bytes");
  add_value(app, "--timeout", written.timeout, "TIME",
            "give up when no byte comes for so long, as 10s, 500ms or 2m");
  add_flag(app, "--stats", written.stats, "at the end one line of JSON on standard error");
  add_value(app, "--progress", written.progress, "WHEN",
            "a progress bar: auto (on a terminal), always, never");
  add_flag(app, "--verbose", written.verbose, "say on standard error what is done, and why");
  app.set_help_flag("-h,--help", "this text");
  add_flag(app, "--version", written.version, "the version");
}

void add_url_options(CLI::App& app, Written& written) {
  add_value(app, "-H,--header", written.headers, "'NAME: VALUE'",
            "send this header; given again: more")
      ->group(of_urls);
  add_value(app, "-u,--user", written.user, "NAME:PASSWORD", "for a server that asks who you are")
      ->group(of_urls);
  add_flag(app, "-n,--netrc", written.netrc, "take name and password from ~/.netrc")
      ->group(of_urls);
  add_value(app, "-x,--proxy", written.proxy, "URL",
            "go through this proxy; $http_proxy and the like if not given")
      ->group(of_urls);
  add_value(app, "--cacert", written.certificates, "FILE",
            "trust these certificates instead of the system's")
      ->group(of_urls);
  add_flag(app, "-L,--location", written.location, "follow redirects, which is always done")
      ->group(of_urls);
  add_value(app, "--connections", written.connections, "N", "use up to N connections, 1 to 4")
      ->group(of_urls);
}

CLI::Option* add_window(CLI::App& app, Written& written) {
  return add_value(app, "--window", written.window, "SIZE",
                   "keep only the last SIZE bytes while reading on");
}

/// Adds the options that the command has.
void add_options(CLI::App& app, std::string_view command, Written& written) {
  if (command == "cat") {
    add_value(app, "--range", written.ranges, "A-B",
              "only these bytes: 0-99, 500- or -16; given again: more, in the order given");
  }
  if (command == "get") {
    add_value(app, "-o,--output", written.output, "FILE",
              "write this file; if not given: the last part of the URL's path");
    add_value(app, "--sha256", written.sha256, "HEX",
              "the SHA-256 sum that the file must have, as sha256sum writes it");
  } else {
    add_kept_options(app, written);
  }
  add_common_options(app, written);
  if (command == "cat" || command == "stat") add_window(app, written);
  if (command == "run") {
    add_window(app, written)->group("");  // known, to say why not
    add_flag(app, "--eager", written.eager,
             "take the whole stream first: what this version always does");
  }
  add_url_options(app, written);
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

/// What CLI11 would take in a way that nobody means.
void check_words(const Words& words, std::string_view command) {
  for (const std::string& word : words) {
    if (word == "--") return;
    if (word == "--lazy" || word.starts_with("--lazy=")) {
      throw UsageError("--lazy is not part of this version; leave it out");
    }
    // An empty variable, as in --exec="$EMPTY": the next word would become the value.
    if (word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1) {
      throw UsageError(fmt::format("{} lacks its value; {}", word.substr(0, word.size() - 1),
                                   see_help(command)));
    }
  }
}

/// The option in a word, without a value that may be secret.
std::string_view option_in(std::string_view word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

/// What CLI11 has left over are the sources, and options that there are none of. (As an option of
/// its own a SOURCE would not be safe: CLI11 takes the word `[a,b]` for a list.)
void take_sources(const Words& left, Written& written, std::string_view command) {
  bool only_sources = false;
  for (const std::string& word : left) {
    if (word == "--" && !only_sources) {
      only_sources = true;
    } else if (only_sources || word == "-" || !word.starts_with('-')) {
      written.sources.push_back(word);
    } else {
      throw UsageError(fmt::format("'{}' is not an option of {}; {}", option_in(word), command,
                                   see_help(command)));
    }
  }
}

}  // namespace

std::string see_help(std::string_view command) {
  return fmt::format("see seekable {} --help", command);
}

std::optional<std::string> sort_words(const CommandHelp& help, const Words& words, Written& written,
                                      const std::string& missing) {
  CLI::App app("", std::string(help.name));
  app.formatter(std::make_shared<HelpFormatter>(help));
  add_options(app, help.name, written);
  app.allow_extras();
  check_words(words, help.name);
  try {
    const Words tied = help.name == "cat" ? with_tied_ranges(words) : words;
    Words reversed(tied.rbegin(), tied.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return app.help();
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
  if (written.version) return version_text();
  if (!missing.empty()) throw UsageError(missing);
  take_sources(app.remaining(), written, help.name);
  return std::nullopt;
}

}  // namespace seekable::cli
