// SPDX-License-Identifier: Apache-2.0
#include "system/descendants.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "seekable/file_descriptor.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1::detail {

namespace {

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  std::error_code none;
  for (std::filesystem::directory_iterator task(tasks, none), end; task != end;
       task.increment(none)) {
    std::ifstream list(task->path() / "children");
    for (pid_t child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

/// 0 if it is gone.
pid_t parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name in brackets may hold anything; behind its end: the state, and the parent.
  const std::size_t name_end = line.rfind(") ");
  if (name_end == std::string::npos || line.size() < name_end + 5) return 0;
  return static_cast<pid_t>(std::stol(line.substr(name_end + 4)));
}

}  // namespace

void signal_descendants(pid_t pid, int signal) noexcept {
  try {
    for (const pid_t child : children_of(pid)) {
      const FileDescriptor held(sys::pidfd_open(child));
      if (!held || parent_of(child) != pid) continue;
      signal_descendants(child, signal);
      sys::pidfd_send_signal(held.get(), signal);
    }
  } catch (const std::exception&) {
    // Without memory, or /proc, they are left to find out by themselves.
  }
}

}  // namespace seekable::inline v1::detail
