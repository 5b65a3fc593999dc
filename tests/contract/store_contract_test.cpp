// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fault/faults.hpp"
#include "seekable/error.hpp"
#include "store/block_cipher.hpp"
#include "store/spool_store.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::BlockCipher;
using detail::SpoolPlace;
using detail::SpoolStore;

/// Not a secret, but it shows what a store does with a cipher: every byte depends on the offset and
/// the length, and a changed byte is noticed.
class ToyCipher final : public BlockCipher {
 public:
  void seal(std::uint64_t offset, std::span<const std::byte> plain,
            std::span<std::byte> sealed) const noexcept override {
    ASSERT_EQ(sealed.size(), plain.size() + overhead);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      sealed[i] = plain[i] ^ key(offset, i);
    }
    std::uint64_t tag[2] = {sum(offset, plain), plain.size()};
    std::memcpy(sealed.data() + plain.size(), tag, overhead);
  }
  bool open(std::uint64_t offset, std::span<const std::byte> sealed,
            std::span<std::byte> plain) const noexcept override {
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = sealed[i] ^ key(offset, i);
    std::uint64_t tag[2] = {sum(offset, plain), plain.size()};
    return std::memcmp(sealed.data() + plain.size(), tag, overhead) == 0;
  }

 private:
  static std::byte key(std::uint64_t offset, std::size_t i) {
    return pattern_byte(offset * 31 + i) | std::byte{1};
  }
  static std::uint64_t sum(std::uint64_t offset, std::span<const std::byte> bytes) {
    std::uint64_t sum = offset + 1;
    for (const std::byte byte : bytes) sum = sum * 1099511628211U + std::to_integer<unsigned>(byte);
    return sum;
  }
};

struct Kind {
  const char* name;
  bool slotted;
  bool encrypted;
};

std::ostream& operator<<(std::ostream& out, const Kind& kind) { return out << kind.name; }

class StoreContract : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<SpoolStore> make(std::optional<std::uint64_t> limit = std::nullopt) {
    Options options;
    options.spool_directories = {scratch_.path(), second_.path()};
    options.disk_limit = limit;
    if (GetParam().slotted) options.retention = Retention::window(1 << 20, WhenFull::drop_oldest);
    return std::make_unique<SpoolStore>(
        options, GetParam().encrypted ? std::make_unique<ToyCipher>() : nullptr);
  }

  std::uint64_t charge(std::size_t size) const {
    return size + (GetParam().encrypted ? BlockCipher::overhead : 0);
  }

  static Bytes text(std::uint64_t block, std::size_t size) {
    return pattern_bytes(block * block_size, size);
  }

  static Bytes read(const SpoolStore& store, std::uint64_t block, SpoolPlace place,
                    std::size_t filled, std::size_t at, std::size_t size) {
    Bytes out(size);
    store.read(block, place, filled, at, out);
    return out;
  }

  ScratchDirectory scratch_;
  ScratchDirectory second_;
};

TEST_P(StoreContract, MakesNoFileBeforeTheFirstWrite) {
  const auto store = make();
  EXPECT_TRUE(unlinked_files_in(scratch_.path()).empty());
  EXPECT_EQ(store->used(), 0U);
  ASSERT_TRUE(store->write(0, text(0, 10)));
  EXPECT_EQ(unlinked_files_in(scratch_.path()).size(), 1U);
}

TEST_P(StoreContract, ReadsBackAtEveryOffset) {
  const auto store = make();
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{4095}, std::size_t{4096}, block_size - 1, block_size}) {
    const std::uint64_t block = size % 7;
    const auto place = store->write(block, text(block, size));
    ASSERT_TRUE(place);
    for (std::size_t at = 0; at < size; at += at < 40 ? 1 : 1021) {
      const std::size_t count = std::min<std::size_t>(size - at, 1 + at % 5000);
      ASSERT_EQ(read(*store, block, *place, size, at, count),
                pattern_bytes(block * block_size + at, count))
          << size << " at " << at;
    }
    store->give_up(*place, size);
  }
  EXPECT_EQ(store->used(), 0U);
}

TEST_P(StoreContract, KeepsBlocksOfAnyOrderApart) {
  const auto store = make();
  std::vector<std::pair<std::uint64_t, SpoolPlace>> places;
  for (const std::uint64_t block : {7U, 0U, 3U, 1000000U, 2U, 1U}) {
    const auto place = store->write(block, text(block, block_size));
    ASSERT_TRUE(place);
    places.emplace_back(block, *place);
  }
  EXPECT_EQ(store->used(), places.size() * charge(block_size));
  for (const auto& [block, place] : places) {
    EXPECT_EQ(read(*store, block, place, block_size, 0, block_size), text(block, block_size));
  }
}

TEST_P(StoreContract, AppendsInAnySteps) {
  if (GetParam().encrypted) return;  // Sealed once and for all.
  const auto store = make();
  std::mt19937_64 random(test_seed());
  auto place = store->write(5, text(5, 3));
  ASSERT_TRUE(place);
  for (std::size_t at = 3; at < block_size;) {
    const std::size_t size = std::min<std::size_t>(block_size - at, 1 + random() % 9000);
    place = store->append(5, *place, at, pattern_bytes(5 * block_size + at, size));
    ASSERT_TRUE(place);
    at += size;
    EXPECT_EQ(store->used(), at);
    EXPECT_EQ(read(*store, 5, *place, at, 0, at), text(5, at));
  }
}

TEST_P(StoreContract, UsesAgainWhatWasGivenUp) {
  const auto store = make(4 * charge(block_size));
  for (std::uint64_t block = 0; block < 64; ++block) {
    const auto place = store->write(block, text(block, block_size));
    ASSERT_TRUE(place) << block;
    EXPECT_EQ(read(*store, block, *place, block_size, 5, 1000),
              pattern_bytes(block * block_size + 5, 1000));
    store->give_up(*place, block_size);
    EXPECT_EQ(store->used(), 0U);
  }
  for (const int fd : unlinked_files_in(scratch_.path())) EXPECT_EQ(disk_bytes(fd), 0U);
}

// Once space was set aside beyond the limit.
TEST_P(StoreContract, TakesNoMoreDiskThanItsLimit) {
  const auto store = make(4 * charge(block_size));
  for (const std::uint64_t block : {0U, 50U, 20U, 100U, 101U}) {
    store->write(block, text(block, block_size));
    std::uint64_t disk = 0;
    for (const int fd : unlinked_files_in(scratch_.path())) disk += disk_bytes(fd);
    // A sealed block is a little longer: it takes a page more.
    EXPECT_LE(disk, 4 * (block_size + (GetParam().encrypted ? 4096U : 0U)));
  }
}

TEST_P(StoreContract, NeverPassesItsLimit) {
  const auto store = make(3 * charge(block_size) + 100);
  std::vector<SpoolPlace> places;
  for (std::uint64_t block = 0; block < 3; ++block) {
    const auto place = store->write(block, text(block, block_size));
    ASSERT_TRUE(place);
    places.push_back(*place);
  }
  EXPECT_FALSE(store->write(3, text(3, 101)));
  EXPECT_NE(store->last_error().find("disk limit of"), std::string::npos) << store->last_error();
  EXPECT_EQ(store->used(), 3 * charge(block_size));
  if (!GetParam().encrypted) {
    const auto place = store->write(3, text(3, 100));
    ASSERT_TRUE(place);
    EXPECT_FALSE(store->append(3, *place, 100, text(0, 1)));
    EXPECT_EQ(read(*store, 3, *place, 100, 0, 100), text(3, 100));
  }
  store->give_up(places[1], block_size);
  EXPECT_TRUE(store->write(4, text(4, block_size)));
  EXPECT_EQ(read(*store, 0, places[0], block_size, 0, block_size), text(0, block_size));
}

TEST_P(StoreContract, CountsNothingForAWriteThatFailed) {
  const auto store = make();
  const auto kept = store->write(0, text(0, block_size));
  ASSERT_TRUE(kept);
  {
    NthCall faults({Call::pwrite}, 1, {.error = ENOSPC}, NthCall::Lasts::on);
    EXPECT_FALSE(store->write(1, text(1, block_size)));
    EXPECT_NE(store->last_error().find(second_.path().string()), std::string::npos)
        << store->last_error();
  }
  EXPECT_EQ(store->used(), charge(block_size));
  EXPECT_EQ(read(*store, 0, *kept, block_size, 0, block_size), text(0, block_size));
  EXPECT_TRUE(store->write(1, text(1, block_size)));
}

// Once the bytes in front of those that could not be appended were punched away with them.
TEST_P(StoreContract, KeepsWhatWasWrittenWhenMoreCannotBeAppended) {
  if (GetParam().encrypted) return;
  for (const int error : {ENOSPC, EIO, EDQUOT, EFBIG}) {
    for (std::size_t nth = 1; nth < 6; ++nth) {
      const auto store = make();
      auto place = store->write(2, text(2, 10000));
      ASSERT_TRUE(place);
      {
        NthCall faults({Call::pwrite}, nth, {.error = error}, NthCall::Lasts::on);
        if (const auto after = store->append(2, *place, 10000, text(9, 500))) {
          ASSERT_GT(nth, 1U);
          store->give_up(*after, 10500);
          continue;
        }
      }
      EXPECT_EQ(store->used(), 10000U) << error << " " << nth;
      EXPECT_EQ(read(*store, 2, *place, 10000, 0, 10000), text(2, 10000)) << error << " " << nth;
      place = store->append(2, *place, 10000, pattern_bytes(2 * block_size + 10000, 20000));
      ASSERT_TRUE(place);
      EXPECT_EQ(read(*store, 2, *place, 30000, 0, 30000), text(2, 30000)) << error << " " << nth;
    }
  }
}

// Once such a block could come back to a place that was still waiting to be given up.
TEST_P(StoreContract, MovesABlockToAndFroWithoutLosingIt) {
  if (GetParam().encrypted) return;
  const auto store = make();
  auto place = store->write(2, text(2, 1000));
  ASSERT_TRUE(place);
  std::vector<std::pair<SpoolPlace, std::size_t>> left;
  std::size_t at = 1000;
  for (int round = 0; round < 20; ++round) {
    NthCall faults({Call::pwrite}, 1, {.error = EIO});
    const auto after = store->append(2, *place, at, pattern_bytes(2 * block_size + at, 1000));
    ASSERT_TRUE(after);
    const bool same = after->file == place->file && after->slot == place->slot;
    if (!same) left.emplace_back(*place, at);
    place = after;
    at += 1000;
    EXPECT_EQ(
        store->used(), at + [&] {
          std::uint64_t sum = 0;
          for (const auto& [old, size] : left) sum += size;
          return sum;
        }());
  }
  for (const auto& [old, size] : left) store->give_up(old, size);
  EXPECT_EQ(store->used(), at);
  EXPECT_EQ(read(*store, 2, *place, at, 0, at), text(2, at));
}

TEST_P(StoreContract, GoesToTheSecondDirectoryWhenTheFirstFails) {
  const auto store = make();
  const auto first = store->write(0, text(0, block_size));
  ASSERT_TRUE(first);
  std::optional<SpoolPlace> second;
  {
    NthCall faults({Call::pwrite}, 1, {.error = EIO});
    second = store->write(1, text(1, block_size));
  }
  ASSERT_TRUE(second);
  EXPECT_EQ(unlinked_files_in(second_.path()).size(), 1U);
  EXPECT_EQ(store->only_direct_file(), nullptr);
  EXPECT_EQ(store->used(), 2 * charge(block_size));
  EXPECT_EQ(read(*store, 0, *first, block_size, 0, block_size), text(0, block_size));
  EXPECT_EQ(read(*store, 1, *second, block_size, 0, block_size), text(1, block_size));
}

TEST_P(StoreContract, SaysWhereAReadFailed) {
  const auto store = make();
  const auto place = store->write(3, text(3, block_size));
  ASSERT_TRUE(place);
  NthCall faults({Call::pread}, 1, {.error = EIO});
  try {
    read(*store, 3, *place, block_size, 7, 10);
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::io_error);
    EXPECT_EQ(error.offset(), 3 * block_size + 7);
    EXPECT_NE(std::string(error.what()).find(scratch_.path().string()), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(read(*store, 3, *place, block_size, 0, block_size), text(3, block_size));
}

TEST_P(StoreContract, TakesBlocksOfSeveralThreadsAtOnce) {
  const auto store = make();
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t block = thread; block < 128; block += 4) {
        const auto place = store->write(block, text(block, block_size));
        if (!place ||
            read(*store, block, *place, block_size, 0, block_size) != text(block, block_size)) {
          ++wrong;
        }
        if (place && block % 8 < 4) store->give_up(*place, block_size);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(store->used(), 64 * charge(block_size));
}

INSTANTIATE_TEST_SUITE_P(Store, StoreContract,
                         testing::Values(Kind{"direct", false, false}, Kind{"slotted", true, false},
                                         Kind{"encrypted", false, true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace seekable::test
