// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <span>
#include <string>

#include "cli/sha256.hpp"

namespace seekable::cli {
namespace {

TEST(Sha256, IsThatOfAllPiecesTogether) {
  Sha256 hash;
  for (const std::string piece : {"a", "", "bc"}) hash.add(std::as_bytes(std::span(piece)));
  EXPECT_EQ(hash.sum(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace seekable::cli
