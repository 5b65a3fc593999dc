// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "seekable/file_descriptor.hpp"

namespace seekable::bench {

/// An nginx of one's own on the loopback, which serves one file of the pattern and keeps no log.
class Nginx {
 public:
  /// So many further addresses of the loopback it has, from 127.0.0.2 on: each is another origin.
  static constexpr unsigned more_addresses = 60;

  explicit Nginx(std::uint64_t file_size);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  std::uint16_t port() const { return port_; }

  /// The file's URL at 127.0.0.`address`; `limited`: each answer comes at 20 MB/s.
  std::string url(unsigned address = 1, bool limited = false) const;

  /// For what else lies on the same disk; gone with this.
  const std::filesystem::path& folder() const { return folder_; }

 private:
  void write_settings() const;
  void start();

  std::filesystem::path folder_;
  FileDescriptor file_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

/// The same file's URL through a `SimulatedLink`.
std::string url_at(std::uint16_t port);

}  // namespace seekable::bench
