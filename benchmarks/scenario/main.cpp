// SPDX-License-Identifier: Apache-2.0
// Runs one side of one job once and prints what it cost; script/bench runs the sides in turns.
//
// usage: seekable_scenarios JOB/SIDE SIZE    prints one number, and what else was found out
//        seekable_scenarios pour SIZE        pours SIZE bytes of the pattern into standard output
//        seekable_scenarios drain            reads a pipe as fast as it goes, and keeps nothing
//        seekable_scenarios have SIZE        has memory for SIZE bytes ready (memory_use.hpp)
//        seekable_scenarios have_anonymous SIZE    the same of memory that belongs to no file
//        seekable_scenarios list             prints all JOB/SIDE
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/job.hpp"
#include "support/memory_use.hpp"
#include "support/pour.hpp"

namespace seekable::bench {

std::map<std::string, Side>& sides() {
  static std::map<std::string, Side> all;
  return all;
}

namespace {

std::map<std::string, double>& notes() {
  static std::map<std::string, double> all;
  return all;
}

}  // namespace

void note(const std::string& name, double value) { notes()[name] = value; }

}  // namespace seekable::bench

int main(int argc, char** argv) {
  using namespace seekable::bench;
  const std::string what = argc > 1 ? argv[1] : "";
  const std::uint64_t size = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (what == "list") {
    for (const auto& [name, side] : sides()) std::puts(name.c_str());
    return 0;
  }
  if (what == "pour") {
    pour(STDOUT_FILENO, size);
    return 0;
  }
  if (what == "drain") {
    ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, pipe_bytes);
    drain(STDIN_FILENO);
    return 0;
  }
  if (what == "have") {
    have_memory(size);
    return 0;
  }
  if (what == "have_anonymous") {
    have_anonymous_memory(size);
    return 0;
  }
  const auto found = sides().find(what);
  if (found == sides().end()) {
    std::fprintf(stderr, "unknown job '%s': see 'list'\n", what.c_str());
    return 2;
  }
  std::printf("%.9g\n", found->second(size));
  for (const auto& [name, value] : notes()) std::printf("%s %.9g\n", name.c_str(), value);
  return 0;
}
