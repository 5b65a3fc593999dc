// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

namespace seekable::bench {

/// What a link is like.
struct LinkSpeed {
  double bits_per_second = 0;
  double round_trip = 0;  ///< seconds
};

/// A TCP proxy on the loopback that makes the way to an origin as long and as narrow as a link.
///
/// Both ways each byte comes out half a round trip after it went in, and what comes from the origin
/// passes at `bits_per_second`, which all connections share evenly. A new connection takes one
/// round trip before its first byte passes. A connection has bandwidth x round trip + 64 KiB on
/// their way at most: where its bytes are not taken, the origin is stopped, as a receiver's window
/// does it. What the origin sends until it learns that nobody listens any more takes its share of
/// the link, too.
class SimulatedLink {
 public:
  struct Counts {
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;  ///< by their heads; bodies are not looked at
    std::uint64_t bytes = 0;     ///< that came out on the side of the client
  };

  /// To the port `origin` of 127.0.0.1.
  SimulatedLink(std::uint16_t origin, LinkSpeed speed);
  ~SimulatedLink();
  SimulatedLink(const SimulatedLink&) = delete;
  SimulatedLink& operator=(const SimulatedLink&) = delete;

  /// Where clients connect to, on 127.0.0.1.
  std::uint16_t port() const;
  Counts counts() const;

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
  std::jthread thread_;
};

}  // namespace seekable::bench
