// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "cli/cat.hpp"
#include "cli/get.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/report.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "cli/stat.hpp"
#include "cli/stats_line.hpp"
#include "cli/watch.hpp"

namespace seekable::cli {

namespace {

/// A standard descriptor that is closed would be given to the next file that is opened. Instead it
/// becomes one on which reading, or writing, fails as on a closed one.
void hold_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one.
    ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

/// Carries a request out.
struct Carry {
  std::optional<StatsSnapshot>& stats;

  int operator()(const TextWanted& wanted) const {
    write_output(wanted.text);
    return exit_success;
  }
  int operator()(const RunOptions& options) const { return run(options, stats); }
  int operator()(const CatOptions& options) const { return cat(options, stats); }
  int operator()(const GetOptions& options) const { return get(options, stats); }
  int operator()(const StatOptions& options) const { return stat(options, stats); }
};

bool stats_wanted(const Request& request) {
  return std::visit(
      [](const auto& options) {
        if constexpr (requires { options.common; }) return options.common.stats;
        return false;
      },
      request);
}

int carry_out(const Request& request) {
  std::optional<StatsSnapshot> stats;
  std::optional<int> deadly_signal;
  int status = exit_failure;
  try {
    status = std::visit(Carry{stats}, request);
  } catch (const Interrupted& interrupted) {
    deadly_signal = interrupted.signal;
  } catch (const OutputClosed&) {
    deadly_signal = SIGPIPE;
  } catch (const Failed& failed) {
    complain(failed.what());
    status = failed.exit_status();
  } catch (const std::bad_alloc&) {
    complain("there is no memory left for this");
  } catch (const std::system_error& error) {
    // As a thread that cannot be started says it: without saying what failed.
    const std::string why = error.code().message();
    complain(error.what() == why ? "the system refuses a thread or a process: " + why
                                 : error.what());
  } catch (const std::exception& error) {
    complain(error.what());
  }
  // Also where it failed before there was anything to count.
  if (stats_wanted(request)) print_stats(stats.value_or(StatsSnapshot{}));
  if (deadly_signal) die_of(*deadly_signal);
  return status;
}

int main_of(const std::vector<std::string>& arguments) try {
  hold_standard_descriptors();
  return carry_out(parse_options(arguments));
} catch (const UsageError& error) {
  complain(error.what());
  return exit_usage;
} catch (const std::exception& error) {
  complain(error.what());
  return exit_failure;
}

}  // namespace

}  // namespace seekable::cli

int main(int argc, char** argv) {
  return seekable::cli::main_of(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
