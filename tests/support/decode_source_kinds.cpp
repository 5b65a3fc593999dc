// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "seekable/decode.hpp"
#include "support/packed.hpp"
#include "support/source_kinds.hpp"

namespace seekable::test {

namespace {

Make decoded_of(const Make& make, const std::string& command) {
  return [=](Feed& feed, const Content& content) {
    make(feed, packed_by(command, content));
    feed.source = decoded(std::move(feed.source));
  };
}

}  // namespace

std::vector<SourceKind> decode_source_kinds(const SourceKind& packed) {
  auto packers = plain_packers();
  packers.push_back({"Plain", "cat", 0});
  std::vector<SourceKind> kinds;
  for (const Packer& packer : packers) {
    kinds.push_back({"decoded_" + packer.name, decoded_of(packed.make, packer.command),
                     decoded_of(packed.make_stuck, packer.command)});
  }
  return kinds;
}

}  // namespace seekable::test
