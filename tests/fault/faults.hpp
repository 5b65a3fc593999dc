// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// System calls that fail when a test wants it, and what must not be left behind after that.

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "seekable/bytes.hpp"
#include "system/calls.hpp"

namespace seekable::test {

using detail::sys::Call;
using detail::sys::Fault;

/// Fails the `nth` of those calls (from 1), or that and every later one until `end`.
///
/// Threads: safe to use from any number of threads at once.
class NthCall final : public detail::sys::Faults {
 public:
  enum class Lasts : std::uint8_t { once, on };

  NthCall(std::set<Call> calls, std::size_t nth, Fault fault, Lasts lasts = Lasts::once)
      : calls_(std::move(calls)), nth_(nth), fault_(fault), lasts_(lasts) {
    detail::sys::install_faults(this);
  }
  NthCall(const NthCall&) = delete;
  NthCall& operator=(const NthCall&) = delete;
  ~NthCall() override { detail::sys::install_faults(nullptr); }

  std::optional<Fault> before(Call call) override {
    if (ended_ || !calls_.contains(call)) return std::nullopt;
    const std::size_t number = ++asked_;
    if (number != nth_ && (lasts_ == Lasts::once || number < nth_)) return std::nullopt;
    ++fired_;
    return fault_;
  }

  bool fired() const { return fired_ > 0; }
  std::size_t asked() const { return asked_; }

  /// The world is well again.
  void end() { ended_ = true; }

 private:
  const std::set<Call> calls_;
  const std::size_t nth_;
  const Fault fault_;
  const Lasts lasts_;
  std::atomic<std::size_t> asked_{0};
  std::atomic<std::size_t> fired_{0};
  std::atomic<bool> ended_{false};
};

/// What the open descriptors of this process point to.
inline std::vector<std::string> open_descriptors() {
  std::vector<std::string> all;
  DIR* directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == ::dirfd(directory)) continue;
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(
        std::filesystem::path("/proc/self/fd") / entry->d_name, ignored);
    all.push_back(std::string(entry->d_name) + " " + target.string());
  }
  ::closedir(directory);
  std::sort(all.begin(), all.end());
  return all;
}

/// The descriptors of unlinked files in `directory`: the spool.
inline std::vector<int> unlinked_files_in(const std::filesystem::path& directory) {
  std::vector<int> fds;
  for (const std::string& open : open_descriptors()) {
    const bool inside = open.find(" " + directory.string() + "/") != std::string::npos;
    if (inside && open.ends_with("(deleted)")) fds.push_back(std::atoi(open.c_str()));
  }
  return fds;
}

/// Bytes of disk that a file takes.
inline std::uint64_t disk_bytes(int fd) {
  struct ::stat status{};
  if (::fstat(fd, &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

/// The names in a directory.
inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The content of a file.
inline Bytes content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// All that can be read from a descriptor at its beginning.
inline Bytes content_of(int fd) {
  struct ::stat status{};
  if (::fstat(fd, &status) != 0) return {};
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (got <= 0) return {};
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

/// True where a sanitizer makes memory and time say nothing about the library.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// The bytes of memory that the process has now.
inline std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace seekable::test
