// SPDX-License-Identifier: Apache-2.0
#include "cli/run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "cli/buffer_options.hpp"
#include "cli/child.hpp"
#include "cli/failures.hpp"
#include "cli/forward_only.hpp"
#include "cli/memory_file.hpp"
#include "cli/private_name.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"
#include "cli/sizes.hpp"
#include "cli/source.hpp"
#include "cli/stats_line.hpp"
#include "cli/watch.hpp"
#include "seekable/error.hpp"
#include "seekable/file_descriptor.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

namespace {

constexpr std::string_view placeholder = "{}";

/// The whole stream as a file, and what COMMAND may know of it.
struct TakenStream {
  FileDescriptor file;
  std::string file_name;
  std::string own_path;  ///< of a source that is a regular file; else empty
  bool was_standard_input = false;
};

/// What /proc/self means depends on who asks: such a path is followed.
std::string path_for_others(const std::string& path) {
  if (!path.starts_with("/proc/")) return path;
  std::error_code none;
  const auto followed = std::filesystem::canonical(path, none);
  return followed.empty() ? path : followed.string();
}

/// What to do about a stream that has to be in memory and is too large for it.
std::string_view advice_about(const CommonOptions& common) {
  return common.encrypt ? "raise --memory, or leave out --encrypt"
                        : "raise --memory, or leave out --disk 0";
}

/// Takes the stream to its end.
TakenStream take(const CommonOptions& common, Options settings, OpenedSource opened,
                 Signals& signals, std::optional<StatsSnapshot>& stats) {
  // COMMAND cannot read what is encrypted: what must not be on disk in the clear stays in memory.
  const bool memory_only = (common.encrypt || common.disk == 0U) && !opened.in_place;
  settings.fill = memory_only ? Fill::on_demand : Fill::ahead;
  if (memory_only) settings.disk_limit = 0;
  if (opened.web != nullptr) opened.source = forward_only(std::move(opened.source));
  StreamBuffer buffer = make_buffer(std::move(opened.source), settings);
  TakenStream taken;
  taken.file_name = opened.file_name;
  if (opened.in_place) taken.own_path = path_for_others(common.source.path);
  taken.was_standard_input = opened.standard_input;
  const StatsKeeper keeper(stats, buffer, opened.web);
  Progress progress(common.progress);
  WatchedBuffer watched(buffer);
  try {
    watch({watched, signals, progress, common.timeout}, [&](const std::stop_token& stop) {
      taken.file = memory_only ? take_into_memory(buffer, common.memory, advice_about(common))
                               : buffer.to_file(Wait{.stop_token = stop});
    });
  } catch (const std::system_error& error) {
    throw Failed(failure_text(buffer, error, opened.name) + "; COMMAND was not started");
  } catch (const Failed& failed) {
    throw Failed(std::string(failed.what()) + "; COMMAND was not started");
  }
  if (common.verbose) {
    const auto size = buffer.size().value_or(0);
    complain(fmt::format("took {} from {}, {} of it on disk", rounded_size(size), opened.name,
                         rounded_size(buffer.stats().spool_bytes)));
  }
  return taken;
}

/// Starts COMMAND, with the stream's path or as its standard input.
class Starter {
 public:
  Starter(const RunOptions& options, const TakenStream& taken, const Signals& signals)
      : options_(options), taken_(taken) {
    plan_.mask = signals.original_mask();
  }

  pid_t start() {
    if (!has_placeholder(options_.command)) return start_on_standard_input();
    if (taken_.was_standard_input) {
      // The stream was the standard input and is used up.
      no_input_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      plan_.standard_input = no_input_.get();
    }
    if (!taken_.own_path.empty()) {
      tell("the source is a regular file, COMMAND gets its own path");
      return start_with(unmistakable(taken_.own_path));
    }
    auto name = plan_private_name(taken_.file.get(), taken_.file_name, options_.command);
    if (const auto* none = std::get_if<NoPrivateName>(&name)) {
      return start_with_number(none->reason);
    }
    return start_with_name(std::get<PrivateName>(name));
  }

 private:
  pid_t start_on_standard_input() {
    tell("COMMAND reads the stream as its standard input");
    plan_.arguments = options_.command;
    plan_.standard_input = taken_.file.get();
    return started(start_child(plan_));
  }

  pid_t start_with_name(const PrivateName& name) {
    plan_.arguments = with_path(options_.command, name.path);
    plan_.name = &name;
    const auto result = start_child(plan_);
    plan_.name = nullptr;
    const auto* trouble = std::get_if<ChildTrouble>(&result);
    if (trouble != nullptr && trouble->step == ChildTrouble::Step::move) {
      // What has moved is not where it was.
      throw Failed(fmt::format("cannot {}: {}; COMMAND was not started", step_text(trouble->step),
                               std::system_category().message(trouble->error)));
    }
    if (trouble != nullptr && trouble->step != ChildTrouble::Step::execute) {
      return start_with_number(fmt::format("{}: {}", step_text(trouble->step),
                                           std::system_category().message(trouble->error)));
    }
    tell(fmt::format("COMMAND reads {}, a name in a mount namespace of its own", name.path));
    return started(result);
  }

  pid_t start_with_number(const std::string& why) {
    const std::string path = fmt::format("/dev/fd/{}", taken_.file.get());
    tell(fmt::format("COMMAND reads {}; there is no private name for it: {}", path, why));
    plan_.inherited = taken_.file.get();
    // It can be opened once more by that path, but then only to read (root is not held up by that).
    ::fchmod(taken_.file.get(), S_IRUSR);
    return start_with(path);
  }

  pid_t start_with(const std::string& path) {
    plan_.arguments = with_path(options_.command, path);
    return started(start_child(plan_));
  }

  pid_t started(const std::variant<pid_t, ChildTrouble>& result) const {
    if (const auto* child = std::get_if<pid_t>(&result)) return *child;
    const ChildTrouble& trouble = std::get<ChildTrouble>(result);
    const bool missing = trouble.error == ENOENT || trouble.error == ENOTDIR;
    throw Failed(fmt::format("cannot run '{}': {}", plan_.arguments.front(),
                             std::system_category().message(trouble.error)),
                 missing ? exit_not_found : exit_not_executable);
  }

  void tell(const std::string& text) const {
    if (options_.common.verbose) complain(text);
  }

  /// A path that no program takes for an option, nor is looked for along $PATH as COMMAND.
  std::string unmistakable(const std::string& path) const {
    const bool is_command = has_placeholder({options_.command.front()});
    const bool is_name = path.find('/') == std::string::npos;
    return path.starts_with('-') || (is_command && is_name) ? "./" + path : path;
  }

  const RunOptions& options_;
  const TakenStream& taken_;
  ChildPlan plan_;
  FileDescriptor no_input_;
};

/// The exit status after COMMAND's end; throws Interrupted where a signal to us was the reason.
int status_of(const ChildEnd& end) {
  if (end.passed_on != 0) throw Interrupted{end.passed_on};
  if (WIFSIGNALED(end.status)) {
    const int signal = WTERMSIG(end.status);
    // The shell must see that a key ended us, to stop its script too.
    if (end.keyboard && (signal == SIGINT || signal == SIGQUIT)) throw Interrupted{signal};
    return exit_signal_base + signal;
  }
  return WEXITSTATUS(end.status);
}

}  // namespace

bool has_placeholder(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument.find(placeholder) != std::string::npos) return true;
  }
  return false;
}

std::vector<std::string> with_path(const std::vector<std::string>& arguments,
                                   std::string_view path) {
  std::vector<std::string> result;
  for (const std::string& argument : arguments) {
    std::string& replaced = result.emplace_back();
    std::size_t at = 0;
    for (;;) {
      const std::size_t found = argument.find(placeholder, at);
      replaced.append(argument, at, found - at);
      if (found == std::string::npos) break;
      replaced += path;
      at = found + placeholder.size();
    }
  }
  return result;
}

int run(const RunOptions& options, std::optional<StatsSnapshot>& stats) {
  if (options.command.front().find(placeholder) == std::string::npos) {
    check_command(options.command.front());
  }
  const CommonOptions& common = options.common;
  Options settings = buffer_options(common);
  Signals signals;
  OpenedSource opened = open_source(common.source, common.timeout, signals);
  const TakenStream taken = take(common, std::move(settings), std::move(opened), signals, stats);
  Starter starter(options, taken, signals);
  return status_of(wait_for_child(starter.start(), signals));
}

}  // namespace seekable::cli
