// SPDX-License-Identifier: Apache-2.0
// A whole file from an nginx on the loopback. What keeps nothing, the source alone and `seekable
// cat`, takes turns with `curl` to nowhere; a buffer with 5 MiB of memory, which keeps all of it,
// with `curl` into a file and to nowhere. The cost is the median of a buffer that is read on
// demand.
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "seekable/http.hpp"
#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/kept_pages.hpp"
#include "support/memory_use.hpp"
#include "support/nginx.hpp"
#include "support/pattern.hpp"

extern char** environ;

namespace seekable::bench {
namespace {

constexpr std::uint64_t small_memory = 5 * 1024 * 1024;
constexpr std::size_t step = 64 * 1024;
constexpr int rounds = 5;
constexpr int rounds_to_nowhere = 15;  // They are short, and each has its own luck.

double ahead(const Nginx& nginx, std::uint64_t size) {
  have_memory(size);
  Options options;
  options.memory_limit = small_memory;
  options.fill = Fill::ahead;
  std::unique_ptr<StreamBuffer> buffer;
  const double seconds = seconds_of([&] {
    buffer = std::make_unique<StreamBuffer>(from_url(nginx.url()), options);
    check(buffer->wait_for({0, size}, std::chrono::hours(1)), "all came");
  });
  check_pages(*buffer, size);
  return seconds;
}

double read_on(const Nginx& nginx, std::uint64_t size) {
  have_memory(size);
  Options options;
  options.memory_limit = small_memory;
  std::vector<std::byte> bytes(step);
  std::uint64_t done = 0;
  std::unique_ptr<StreamBuffer> buffer;
  const double seconds = seconds_of([&] {
    buffer = std::make_unique<StreamBuffer>(from_url(nginx.url()), options);
    Reader reader = buffer->reader();
    while (const std::size_t got = reader.read(bytes)) done += got;
  });
  check(done == size, "all came");
  check_pages(*buffer, size);
  return seconds;
}

double raw(const Nginx& nginx, std::uint64_t size) {
  std::vector<std::byte> bytes(step);
  std::uint64_t done = 0;
  const double seconds = seconds_of([&] {
    const auto source = from_url(nginx.url());
    while (const std::size_t got = source->read_some(bytes)) done += got;
  });
  check(done == size, "all came");
  return seconds;
}

/// Runs a program, whose standard output goes nowhere.
double run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const FileDescriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, nowhere.get(), STDOUT_FILENO);
  int status = -1;
  const double seconds = seconds_of([&] {
    pid_t pid = -1;
    check(::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0,
          "start a program");
    ::waitpid(pid, &status, 0);
  });
  ::posix_spawn_file_actions_destroy(&actions);
  check(status == 0, "it ends well");
  return seconds;
}

double curl(const Nginx& nginx, std::string to) {
  return run_program({"curl", "-q", "-s", "-S", "-f", "-o", std::move(to), nginx.url()});
}

/// The command, which lies beside this program.
double command(const Nginx& nginx, std::uint64_t /*size*/) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return run_program({here / "seekable", "cat", nginx.url()});
}

double curl_to_file(const Nginx& nginx, std::uint64_t size) {
  have_memory(size);
  // It has no name of its own, so that nothing is left behind even where this process is killed.
  const FileDescriptor file(::open(nginx.folder().c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  check(file.get() >= 0, "make a file for curl");
  const double seconds =
      curl(nginx, "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file.get()));
  struct ::stat status{};
  check(::fstat(file.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size,
        "curl has it all");
  return seconds;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

using Run = double (*)(const Nginx&, std::uint64_t);

const std::map<std::string, Run> runs = {
    {"ahead", ahead},
    {"command", command},
    {"read_on", read_on},
    {"source", raw},
    {"curl_to_file", curl_to_file},
    {"curl_to_nowhere", [](const Nginx& nginx, std::uint64_t) { return curl(nginx, "/dev/null"); }},
};

using Names = std::initializer_list<const char*>;

/// Lets the sides take turns, and notes what those of `ours` cost, by itself and beside each of
/// `theirs`. Returns the cost of the first one.
double compare(const Nginx& nginx, std::uint64_t size, int times, Names ours, Names theirs) {
  std::map<std::string, std::vector<double>> seconds;
  for (int i = 0; i < times; ++i) {
    for (const Names& names : {ours, theirs}) {
      for (const char* name : names) seconds[name].push_back(runs.at(name)(nginx, size));
    }
  }
  for (const char* a : ours) {
    note(a, median(seconds[a]));
    for (const char* b : theirs) {
      std::vector<double> ratios;
      std::ranges::transform(seconds[a], seconds[b], std::back_inserter(ratios), std::divides());
      note(std::string(a) + "/" + b, median(ratios));
    }
  }
  return median(seconds[*ours.begin()]);
}

double all(std::uint64_t size) {
  const Nginx nginx(size);
  compare(nginx, size, rounds_to_nowhere, {"command", "source"}, {"curl_to_nowhere"});
  return compare(nginx, size, rounds, {"read_on", "ahead"}, {"curl_to_file", "curl_to_nowhere"});
}

/// Each side also by itself, to be looked at by a profiler.
const bool registered = [] {
  for (const auto& [name, run] : runs) {
    Register("http_sequential", name, [run](std::uint64_t size) { return run(Nginx(size), size); });
  }
  return true;
}();

const Register r("http_sequential", "all", all);

}  // namespace
}  // namespace seekable::bench
