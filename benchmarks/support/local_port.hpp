// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "seekable/file_descriptor.hpp"

namespace seekable::bench {

/// A port of 127.0.0.1 that nobody else has while this lives.
class LocalPort {
 public:
  LocalPort();

  /// A socket that is bound to it, and does not listen yet.
  int fd() const { return fd_.get(); }
  std::uint16_t port() const { return port_; }

 private:
  FileDescriptor fd_;
  std::uint16_t port_ = 0;
};

/// A socket that is connected to the port of 127.0.0.1, or -1.
int connect_to(std::uint16_t port);

}  // namespace seekable::bench
