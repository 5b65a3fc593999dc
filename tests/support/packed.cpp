// SPDX-License-Identifier: Apache-2.0
#include "support/packed.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>

#include "seekable/error.hpp"

namespace seekable::test {

std::vector<std::byte> packed_by(const std::string& command, std::span<const std::byte> content) {
  const ScratchDirectory scratch;
  const auto file = scratch.file("content", content);
  FILE* const pipe = ::popen((command + " < '" + file.string() + "'").c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("popen: " + command);
  std::vector<std::byte> packed;
  std::array<std::byte, 65536> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) {
    packed.insert(packed.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
  }
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return packed;
}

std::vector<Packer> plain_packers() {
  return {{"Gzip", "gzip -c", 2},
          {"Bzip2", "bzip2 -c", 4},
          {"Xz", "xz -c", 6},
          {"Zstd", "zstd -qc", 4},
          {"Lz4", "lz4 -qc", 4}};
}

std::vector<Packer> all_packers() {
  auto packers = plain_packers();
  const std::vector<Packer> more = {
      {"GzipFast", "gzip -c1", 2},
      {"Bzip2Small", "bzip2 -c1", 4},
      {"XzBlocks", "xz -c --block-size=4096", 6},
      {"XzSha256", "xz -c --check=sha256", 6},
      {"XzCrc32", "xz -c --check=crc32", 6},
      {"XzNoCheck", "xz -c --check=none", 6, false},
      {"XzDelta", "xz -c --delta=dist=2 --lzma2=preset=1", 6},
      {"XzX86", "xz -c --x86 --lzma2=preset=1", 6},
      {"ZstdBest", "zstd -qc -19", 4},
      {"ZstdNoCheck", "zstd -qc --no-check", 4, false},
      {"Lz4Linked", "lz4 -qc -BD -B4", 4},
      {"Lz4Checks", "lz4 -qc -BX -B5", 4},
      {"Lz4NoCheck", "lz4 -qc --no-frame-crc", 4, false},
  };
  packers.insert(packers.end(), more.begin(), more.end());
  return packers;
}

std::vector<std::byte> joined(std::span<const std::byte> first, std::span<const std::byte> second) {
  std::vector<std::byte> both(first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

std::vector<std::byte> compressible(std::size_t size) {
  auto bytes = random_bytes(size, 7);
  for (std::size_t i = 0; i < size; ++i) {
    if (i / 100 % 3 != 0) bytes[i] = static_cast<std::byte>(i / 10 % 50);
  }
  return bytes;
}

Outcome outcome_of(Source& source, std::size_t span_size) {
  Outcome outcome;
  try {
    for (;;) {
      const auto piece = read_once(source, span_size);
      if (piece.empty()) break;
      outcome.bytes.insert(outcome.bytes.end(), piece.begin(), piece.end());
    }
  } catch (const Error& error) {
    outcome.code = error.code();
    outcome.offset = error.offset();
  }
  return outcome;
}

}  // namespace seekable::test
