// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include "support/model.hpp"

namespace seekable::test {

namespace {

/// After all is done: what is there must be there to the last byte.
void check_the_end(Arena& arena) {
  arena.check_limits();
  const Setup& setup = arena.setup();
  if (setup.drops() || arena.may_be_released(0) || arena.may_be_full()) return;
  const StreamBuffer& buffer = arena.buffer();
  Bytes all;
  try {
    all = buffer.read(0, setup.content.size() + 1);
  } catch (const Error& error) {
    arena.check_error(error, 0, false, "the last read");
  }
  arena.check_bytes(0, all, "the last read");
  if (arena.may_fail_anywhere()) return;
  if (all.size() != setup.reach()) arena.wrong("the last read misses bytes");
  if (setup.fails()) {
    std::byte byte{};
    try {
      buffer.read_at(setup.reach(), {&byte, 1});
      arena.wrong("the failure is not told");
    } catch (const Error& error) {
      arena.check_error(error, setup.reach(), false, "the read of what failed");
    }
    if (!buffer.failure()) arena.wrong("the failure is not kept");
    if (buffer.failure()->offset != setup.reach()) arena.wrong("the failure lies elsewhere");
  } else {
    if (!buffer.exhausted()) arena.wrong("it is not exhausted");
    if (buffer.size() != setup.content.size()) arena.wrong("its size is not known");
  }
}

}  // namespace

void play_round(Arena& arena, Choices& choices, std::uint64_t seed) {
  const auto count = static_cast<std::size_t>(1 + choices.below(4));
  const std::uint64_t operations = 10 + choices.below(60);
  const bool cancels = choices.chance(15) && !arena.setup().blocks();
  std::mutex mutex;
  std::exception_ptr first_wrong;
  std::vector<std::unique_ptr<RandomChoices>> luck;
  std::vector<std::unique_ptr<Player>> players;
  for (std::size_t i = 0; i < count; ++i) {
    luck.push_back(std::make_unique<RandomChoices>(seed * 31 + i));
    players.push_back(std::make_unique<Player>(arena, *luck.back()));
  }
  const bool blocks = arena.setup().blocks();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        try {
          for (std::uint64_t n = 0; n < operations; ++n) players[i]->play();
          if (i == 0 && cancels) arena.cancel();
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!first_wrong) first_wrong = std::current_exception();
        }
        if (blocks) players[i]->finish();  // Who stops reading must not hold up the others.
      });
    }
  }
  if (first_wrong) std::rethrow_exception(first_wrong);
  if (!blocks) check_the_end(arena);
  arena.destroy();
  if (!blocks) {
    for (auto& player : players) player->finish();
  }
}

std::uint64_t model_rounds(std::uint64_t usual) {
  const char* wanted = std::getenv("SEEKABLE_MODEL_ROUNDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

}  // namespace seekable::test
