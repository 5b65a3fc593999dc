// SPDX-License-Identifier: Apache-2.0
// Streams of just the size for which there is room: their end must be found without more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "fault/faults.hpp"
#include "seekable/seekable.hpp"
#include "store/block_cipher.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

/// Room for the stream, of which none has more than it needs.
struct Limits {
  std::uint64_t memory;
  std::uint64_t disk;
  std::uint64_t size() const { return memory + disk; }
};

/// Limits; the fill; what a read brings at most (0: what is asked for).
class ExactFit : public testing::TestWithParam<std::tuple<Limits, Fill, std::size_t>> {
 protected:
  Scripted stream_of(std::uint64_t size, std::optional<std::uint64_t> declared = {}) {
    const auto [limits, fill, chunk] = GetParam();
    Script script;
    script.content = content_ = pattern_bytes(0, size);
    script.declared_size = declared;
    if (chunk > 0) script.chunks = {chunk};
    Options options;
    options.memory_limit = limits.memory;
    options.disk_limit = limits.disk;
    options.fill = fill;
    return Scripted(std::move(script), options);
  }
  std::uint64_t fitting() const { return std::get<Limits>(GetParam()).size(); }

  std::vector<std::byte> content_;
};

TEST_P(ExactFit, IsTakenToItsEnd) {
  const auto stream = stream_of(fitting());
  EXPECT_EQ(stream.buffer.wait_for_size(), fitting());
  EXPECT_EQ(stream.buffer.read(0, fitting() + 1), content_);
  EXPECT_EQ(stream.buffer.read(fitting(), 1), Bytes());
}

TEST_P(ExactFit, OfADeclaredSizeIsTakenToItsEnd) {
  const auto stream = stream_of(fitting(), fitting());
  EXPECT_EQ(stream.buffer.read(0, fitting() + 1), content_);
}

TEST_P(ExactFit, OneByteMoreIsAFullDiskAndNothingIsLost) {
  auto stream = stream_of(fitting() + 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(code_of([&] { stream.buffer.wait_for_size(); }), Errc::disk_full);
    EXPECT_EQ(offset_of_error([&] { stream.buffer.read(fitting(), 1); }), fitting());
  }
  EXPECT_EQ(stream.buffer.read(0, fitting()), part(content_, 0, fitting()));
  if (fitting() % block != 0) return;  // `release_before` makes room by whole blocks.
  stream.buffer.release_before(fitting());
  EXPECT_EQ(stream.buffer.read(fitting(), 2), part(content_, fitting(), 1));
  EXPECT_EQ(stream.buffer.wait_for_size(), fitting() + 1);
}

// What was declared need not be looked for: it stays safe in the source.
TEST_P(ExactFit, TakesNothingThatHasNoRoomWhereMoreWasDeclared) {
  const auto stream = stream_of(fitting() + 1, fitting() + 1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(code_of([&] { stream.buffer.read(fitting(), 1); }), Errc::disk_full);
  }
  EXPECT_EQ(stream.log->bytes(), fitting());
}

TEST_P(ExactFit, OneByteMoreThanDeclaredIsAnOverrun) {
  const auto stream = stream_of(fitting() + 1, fitting());
  EXPECT_EQ(code_of([&] { stream.buffer.read(fitting(), 1); }), Errc::overrun);
  EXPECT_EQ(stream.buffer.read(0, fitting()), part(content_, 0, fitting()));
}

std::string name_of(const testing::TestParamInfo<ExactFit::ParamType>& info) {
  const auto [limits, fill, chunk] = info.param;
  return std::to_string(limits.memory) + "_and_" + std::to_string(limits.disk) +
         (fill == Fill::ahead ? "_ahead" : "_on_demand") + (chunk > 0 ? "_in_parts" : "");
}

INSTANTIATE_TEST_SUITE_P(
    Every, ExactFit,
    testing::Combine(testing::Values(Limits{10, 0}, Limits{1032, 0}, Limits{10'000, 0},
                                     Limits{block, 0}, Limits{2 * block, 0}, Limits{24 * block, 0},
                                     Limits{0, 1}, Limits{0, block}, Limits{0, 3 * block + 7},
                                     Limits{block, block}, Limits{24 * block, 40 * block}),
                     testing::Values(Fill::on_demand, Fill::ahead),
                     testing::Values<std::size_t>(0, 1000)),
    name_of);

// The byte that was read to look for the end came when there was room again, and the read failed.
TEST(LookForTheEnd, StoresWhatItFindsWhereThereIsRoomByThen) {
  for (const bool waits : {false, true}) {
    const auto gate = std::make_shared<Gate>();
    const auto content = pattern_bytes(0, 3 * block);
    Scripted scripted({.content = content, .gates = {{2 * block, gate}}},
                      options_in_memory(2 * block));
    scripted.buffer.read(0, 2 * block);
    Bytes got;
    std::jthread reader([&] {
      EXPECT_FALSE(code_of([&] {
        got = waits ? scripted.buffer.read(2 * block, 10, Wait{})
                    : scripted.buffer.read(2 * block, 10);
      }));
    });
    gate->wait_entered();
    scripted.buffer.release_before(block);
    gate->open();
    reader.join();
    EXPECT_EQ(got, part(content, 2 * block, 10));
  }
}

TEST(LookForTheEnd, FindsAFailure) {
  const Scripted scripted({.content = pattern_bytes(0, 3 * block), .fail_at = 2 * block},
                          options_in_memory(2 * block));
  EXPECT_EQ(code_of([&] { scripted.buffer.read(2 * block, 1); }), std::errc::io_error);
  EXPECT_TRUE(scripted.buffer.failure().has_value());
}

TEST(LookForTheEnd, IsWokenByCancel) {
  const auto gate = std::make_shared<Gate>();
  Scripted scripted({.content = pattern_bytes(0, 3 * block), .gates = {{2 * block, gate}}},
                    options_in_memory(2 * block));
  scripted.buffer.read(0, 2 * block);
  std::error_code code;
  std::jthread reader([&] { code = code_of([&] { scripted.buffer.read(2 * block, 1); }); });
  gate->wait_entered();
  scripted.buffer.cancel();
  reader.join();
  EXPECT_EQ(code, Errc::cancelled);
}

TEST(LookForTheEnd, DoesNotHoldUpADeadline) {
  const auto gate = std::make_shared<Gate>();
  const auto content = pattern_bytes(0, 3 * block);
  Scripted scripted({.content = content, .gates = {{2 * block, gate}}},
                    options_in_memory(2 * block));
  scripted.buffer.read(0, 2 * block);
  const Wait soon{.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20)};
  EXPECT_EQ(code_of([&] { scripted.buffer.read(2 * block, 1, soon); }), Errc::timed_out);
  EXPECT_EQ(scripted.buffer.read(0, 2 * block), part(content, 0, 2 * block));
  gate->open();
}

// What the failing disk does not take stays in memory; so does the stream, to its end.
TEST(LookForTheEnd, FindsItWhereTheDiskFails) {
  const NthCall faults({Call::open, Call::pwrite}, 1, {.error = ENOSPC}, NthCall::Lasts::on);
  for (const std::uint64_t blocks : {2, 24}) {
    const auto content = pattern_bytes(0, blocks * block + 1);
    Options options;
    options.memory_limit = blocks * block;
    const Scripted fits({.content = part(content, 0, blocks * block)}, options);
    EXPECT_EQ(fits.buffer.read(0, blocks * block + 1), part(content, 0, blocks * block));
    Scripted longer({.content = content}, options);
    EXPECT_EQ(code_of([&] { longer.buffer.read(blocks * block, 1); }), Errc::disk_full);
    EXPECT_EQ(longer.buffer.read(0, blocks * block), part(content, 0, blocks * block));
    longer.buffer.release_before(blocks * block);
    EXPECT_EQ(longer.buffer.read(blocks * block, 2), part(content, blocks * block, 1));
  }
}

/// Throws from `size()` once so much was read.
class SizeThrows final : public Source {
 public:
  explicit SizeThrows(std::uint64_t from) : from_(from) {}
  std::size_t read_some(std::span<std::byte> out) override {
    const std::size_t size = std::min<std::uint64_t>(out.size(), read_ < from_ ? from_ - read_ : 1);
    std::fill_n(out.begin(), size, std::byte{1});
    read_ += size;
    return size;
  }
  std::optional<std::uint64_t> size() const override {
    if (read_ > from_ && !std::exchange(thrown_, true)) throw std::runtime_error("size");
    return std::nullopt;
  }

 private:
  const std::uint64_t from_;
  std::uint64_t read_ = 0;
  mutable bool thrown_ = false;
};

// The full disk hid what the source had thrown from `size()`, behind the byte more.
TEST(LookForTheEnd, TellsWhatTheSourceThrows) {
  const StreamBuffer buffer(std::make_unique<SizeThrows>(block), options_in_memory(block));
  buffer.read(0, block);
  EXPECT_EQ(code_of([&] { buffer.read(block, 1); }), Errc::source_failed);
  ASSERT_TRUE(buffer.failure().has_value());
  EXPECT_EQ(buffer.failure()->offset, block);
}

TEST(LookForTheEnd, FindsThatOfARestartableSourceOfDeclaredSize) {
  const auto content = pattern_bytes(0, 3 * block);
  ScriptedJumping stream({.content = content, .declared_size = 3 * block},
                         options_in_memory(3 * block));
  EXPECT_EQ(stream.buffer.read(0, 3 * block + 1), content);
  EXPECT_TRUE(stream.buffer.exhausted());
}

TEST(LookForTheEnd, OfAnEncryptedStreamTakesNoMore) {
  const auto content = pattern_bytes(0, 3 * block);
  if (detail::make_cipher() == nullptr) return;  // This build has none.
  Options options = options_in_memory(3 * block);
  options.encrypt_spool = true;
  const Scripted scripted({.content = content}, options);
  EXPECT_EQ(scripted.buffer.read(0, 3 * block + 1), content);
}

TEST(LookForTheEnd, ReadsNothingFromARestartableSourceOfUnknownSize) {
  const auto content = pattern_bytes(0, 4 * block);
  const ScriptedJumping stream({.content = content}, options_in_memory(block));
  stream.buffer.read(0, block);
  const std::size_t before = stream.log->reads();
  for (const std::uint64_t at : {1, 3, 2}) {
    EXPECT_EQ(code_of([&] { stream.buffer.read(at * block, 1); }), Errc::disk_full);
  }
  EXPECT_EQ(stream.log->reads(), before);
}

}  // namespace
}  // namespace seekable::test
