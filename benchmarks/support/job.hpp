// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace seekable::bench {

/// One side of one job: ours, a baseline. It checks its bytes before the clock starts, or after it
/// has stopped.
///
/// Returns: what one run costs, in seconds unless the job says otherwise; less is better.
using Side = std::function<double(std::uint64_t size)>;

/// All sides of all jobs by "job/side".
std::map<std::string, Side>& sides();

/// One more figure of the run, printed as a line NAME VALUE after its cost.
void note(const std::string& name, double value);

/// Registers a side where it is defined.
struct Register {
  Register(const std::string& job, const std::string& side, Side run) {
    sides()[job + "/" + side] = std::move(run);
  }
};

/// Seconds that `work` takes.
template <typename Work>
double seconds_of(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Keeps the compiler from leaving out what makes `value`.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace seekable::bench
