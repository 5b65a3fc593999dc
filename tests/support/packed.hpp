// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Bytes compressed by the programs that everybody has.

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "support/feeds.hpp"

namespace seekable::test {

/// What `command`, a line for the shell, makes of `content`. Throws if it fails.
std::vector<std::byte> packed_by(const std::string& command, std::span<const std::byte> content);

/// A way to compress.
struct Packer {
  std::string name;     ///< a name of letters and digits
  std::string command;  ///< from standard input to standard output
  std::size_t magic;    ///< so many bytes tell the format
  bool checks = true;   ///< whether the format holds a checksum of the content
};

inline std::ostream& operator<<(std::ostream& out, const Packer& packer) {
  return out << packer.name;
}

/// One for each format.
std::vector<Packer> plain_packers();

/// Those, and others with options that change the form.
std::vector<Packer> all_packers();

std::vector<std::byte> joined(std::span<const std::byte> first, std::span<const std::byte> second);

/// Bytes that can be compressed, but not to nothing.
std::vector<std::byte> compressible(std::size_t size);

/// What a source gave, and how that ended: without a code at its end.
struct Outcome {
  std::vector<std::byte> bytes;
  std::error_code code;
  std::uint64_t offset = 0;  ///< of the error

  bool clean() const { return !code; }
};

/// Reads `source` to the end or to its failure, `span_size` bytes at a time.
Outcome outcome_of(Source& source, std::size_t span_size = 65536);

}  // namespace seekable::test
