// SPDX-License-Identifier: Apache-2.0
// Bytes become a buffer and operations on it; each must do what it does to a plain array of bytes.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "store/block_cipher.hpp"
#include "support/model.hpp"

namespace {

using seekable::test::Arena;
using seekable::test::Choices;
using seekable::test::Player;
using seekable::test::Wrong;

/// Decides by the bytes of the fuzzer, two for each decision; by zeros when they are used up.
class FuzzedChoices final : public Choices {
 public:
  explicit FuzzedChoices(std::span<const std::uint8_t> data) : data_(data) {}

  std::uint64_t below(std::uint64_t count) override {
    std::uint64_t value = 0;
    const std::size_t width = count > 65'536 ? 4 : count > 256 ? 2 : 1;
    for (std::size_t i = 0; i < width && !data_.empty(); ++i) {
      value = value << 8U | data_.front();
      data_ = data_.subspan(1);
    }
    return value % count;
  }

  bool empty() const { return data_.empty(); }

 private:
  std::span<const std::uint8_t> data_;
};

void play(FuzzedChoices& choices) {
  static const bool may_encrypt = seekable::detail::make_cipher() != nullptr;
  Arena arena(seekable::test::make_setup(choices, may_encrypt));
  Player player(arena, choices);
  for (int i = 0; i < 100 && !choices.empty(); ++i) player.play();
  if (arena.setup().blocks()) {
    player.finish();
    return;
  }
  if (choices.chance(10)) arena.cancel();
  arena.check_limits();
  arena.check_residency();
  arena.destroy();
  player.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedChoices choices({data, size});
  try {
    play(choices);
  } catch (const Wrong& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    std::abort();
  }
  return 0;
}
