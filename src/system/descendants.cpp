// SPDX-License-Identifier: Apache-2.0
#include "system/descendants.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

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

Descendants::Descendants(pid_t pid) noexcept {
  try {
    hold(pid);
  } catch (const std::exception&) {
    // Without memory, or /proc, the others are left to find out by themselves.
  }
}

void Descendants::hold(pid_t parent) {
  for (const pid_t child : children_of(parent)) {
    FileDescriptor held(sys::pidfd_open(child));
    if (!held || parent_of(child) != parent) continue;
    held_.push_back(std::move(held));
    hold(child);
  }
}

void Descendants::signal(int number) const noexcept {
  for (const FileDescriptor& held : held_) sys::pidfd_send_signal(held.get(), number);
}

}  // namespace seekable::inline v1::detail
