// SPDX-License-Identifier: Apache-2.0
// Random buffers under random operations from several threads, against a plain array of bytes.
#include "support/model.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <string>

#include "store/block_cipher.hpp"
#include "support/sources.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

using MakeSetup = Setup(Choices& choices, bool may_encrypt);

void play(MakeSetup* make, std::uint64_t rounds) {
  const bool may_encrypt = detail::make_cipher() != nullptr;
  RandomChoices seeds(test_seed());
  Watchdog watchdog("the model test");
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::uint64_t seed = round == 0 ? test_seed() : seeds.below(~std::uint64_t{0});
    RandomChoices preview(seed);
    watchdog.next("SEEKABLE_SEED=" + std::to_string(seed) + ": " +
                  make(preview, may_encrypt).describe());
    try {
      RandomChoices choices(seed);
      Arena arena(make(choices, may_encrypt));
      play_round(arena, choices, seed);
    } catch (const std::exception& error) {
      FAIL() << error.what()
             << "; this round alone: SEEKABLE_MODEL_ROUNDS=1 SEEKABLE_SEED=" << seed;
    }
  }
}

TEST(Model, GivesTheBytesOfAPlainArrayOrAnErrorThatFits) { play(make_setup, model_rounds(1500)); }

TEST(Model, GivesThemWhereConnectionsJumpIntoBlocks) {
  play(make_jumping_setup, model_rounds(1000));
}

}  // namespace
}  // namespace seekable::test
