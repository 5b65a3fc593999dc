// SPDX-License-Identifier: Apache-2.0
#include "store/spool_store.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "support/buffers.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::SpoolStore;

Options in(std::initializer_list<std::filesystem::path> directories) {
  Options options;
  options.spool_directories = directories;
  return options;
}

TEST(SpoolStore, LiesWhereTheEnvironmentSays) {
  EXPECT_TRUE(passes_in_a_child([] {
    const ScratchDirectory directory;
    ::setenv("TMPDIR", directory.path().c_str(), 1);
    SpoolStore store({}, nullptr);
    EXPECT_EQ(store.directories().front(), directory.path());
    ::setenv("TMPDIR", "", 1);
    EXPECT_EQ(SpoolStore({}, nullptr).directories().front(), "/var/tmp");
    ::unsetenv("TMPDIR");
    EXPECT_EQ(SpoolStore({}, nullptr).directories().front(), "/var/tmp");
  }));
}

TEST(SpoolStore, IsOffWithALimitOfNothing) {
  Options options;
  options.disk_limit = 0;
  SpoolStore store(options, nullptr);
  EXPECT_FALSE(store.enabled());
  EXPECT_EQ(store.make_direct_file(), nullptr);
  EXPECT_FALSE(store.write(0, to_bytes("x")));
}

TEST(SpoolStore, HasOneFileForTheStreamUntilOneFails) {
  const ScratchDirectory one;
  const ScratchDirectory other;
  SpoolStore store(in({one.path(), other.path()}), nullptr);
  EXPECT_EQ(store.only_direct_file(), nullptr);
  ASSERT_TRUE(store.write(0, to_bytes("abc")));
  ASSERT_NE(store.only_direct_file(), nullptr);
  EXPECT_EQ(store.make_direct_file(), store.only_direct_file());
  const NthCall faults({Call::pwrite}, 1, {.error = ENOSPC});
  ASSERT_TRUE(store.write(1, to_bytes("abc")));
  EXPECT_EQ(store.only_direct_file(), nullptr);
  EXPECT_EQ(store.make_direct_file(), nullptr);
}

/// Lets the first write through in part, and fails the second.
class CutShort final : public detail::sys::Faults {
 public:
  CutShort() { detail::sys::install_faults(this); }
  CutShort(const CutShort&) = delete;
  CutShort& operator=(const CutShort&) = delete;
  ~CutShort() override { detail::sys::install_faults(nullptr); }
  std::optional<Fault> before(Call call) override {
    if (call != Call::pwrite || asked_ == 2) return std::nullopt;
    return ++asked_ == 1 ? Fault{.at_most = 3 * block_size} : Fault{.error = ENOSPC};
  }

 private:
  int asked_ = 0;
};

TEST(SpoolStore, GivesBackWhatItWroteOfARunThatFailed) {
  const ScratchDirectory directory;
  Options options = in({directory.path()});
  options.disk_limit = 10 * block_size;  // Nothing is set aside ahead, which would count here.
  SpoolStore store(options, nullptr);
  const auto content = pattern_bytes(0, 4 * block_size);
  const auto write = [&] {
    std::span<const std::byte> pieces[] = {std::span(content).first(2 * block_size),
                                           std::span(content).subspan(2 * block_size)};
    return store.write_run(0, pieces);
  };
  {
    const CutShort faults;
    EXPECT_FALSE(write());
  }
  EXPECT_EQ(store.used(), 0U);
  struct ::stat status{};
  ASSERT_EQ(::fstat(store.only_direct_file()->fd(), &status), 0);
  EXPECT_EQ(status.st_blocks, 0);
  const auto place = write();
  ASSERT_TRUE(place);
  Bytes out(block_size);
  store.read(2, {place->file, place->slot + 2}, block_size, 0, out);
  EXPECT_TRUE(std::equal(out.begin(), out.end(), content.begin() + 2 * block_size));
}

// Later streams of a process have blocks that others gave back, in any order.
TEST(SpoolStore, IsWrittenAMebibyteAtATimeWhereverTheMemoryLies) {
  constexpr std::size_t mebibyte = 16 * block_size;
  const auto content = random_bytes(20 * mebibyte, 4);
  {
    // Its memory becomes idle block by block.
    const Scripted other({.content = content}, {.memory_limit = 64 * mebibyte});
    other.buffer.read(0, content.size());
  }
  int writes = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call == Call::pwrite) ++writes;
    return std::nullopt;
  });
  Scripted stream({.content = content}, {.memory_limit = 5 * mebibyte});
  EXPECT_EQ(stream.buffer.read(0, content.size() + 1), content);
  const auto spilled = stream.buffer.stats().spilled_bytes;
  EXPECT_GE(spilled, 15 * mebibyte);
  EXPECT_LE(static_cast<std::uint64_t>(writes), spilled / mebibyte + 1);
}

TEST(SpoolStore, MakesItsFileInTheFirstDirectoryThatWorks) {
  const ScratchDirectory directory;
  SpoolStore store(in({"/nowhere/at/all", directory.path()}), nullptr);
  ASSERT_NE(store.make_direct_file(), nullptr);
  EXPECT_EQ(store.make_direct_file()->directory(), directory.path());
  const auto place = store.write(5, to_bytes("abc"));
  ASSERT_TRUE(place);
  EXPECT_EQ(&store.file(*place), store.only_direct_file());
}

TEST(SpoolStore, UsesSlotsPastWhatAFileCanHave) {
  const ScratchDirectory directory;
  SpoolStore store(in({directory.path()}), nullptr);
  for (const std::uint64_t block :
       {std::uint64_t{0}, std::uint64_t{1} << 47, detail::block_of(detail::unknown)}) {
    const auto place = store.write(block, to_bytes("abc"));
    ASSERT_TRUE(place) << block;
    EXPECT_EQ(store.file(*place).direct(), block == 0);
    Bytes out(3);
    store.read(block, *place, 3, 0, out);
    EXPECT_EQ(out, to_bytes("abc"));
  }
}

TEST(SpoolStore, SaysWhyItLastFailed) {
  SpoolStore store(in({"/nowhere/one", "/nowhere/two"}), nullptr);
  EXPECT_EQ(store.last_error(), "");
  EXPECT_FALSE(store.write(0, to_bytes("x")));
  EXPECT_NE(store.last_error().find("/nowhere/two"), std::string::npos) << store.last_error();
  EXPECT_NE(store.last_error().find("No such file"), std::string::npos) << store.last_error();
}

TEST(SpoolStore, SaysThatItHasTooManyFiles) {
  Options options;
  std::vector<ScratchDirectory> directories(20);
  for (const auto& directory : directories) options.spool_directories.push_back(directory.path());
  SpoolStore store(options, nullptr);
  const NthCall faults({Call::pwrite}, 1, {.error = ENOSPC}, NthCall::Lasts::on);
  EXPECT_FALSE(store.write(0, to_bytes("x")));
  EXPECT_NE(store.last_error().find("16 files"), std::string::npos) << store.last_error();
  EXPECT_EQ(store.used(), 0U);
}

}  // namespace
}  // namespace seekable::test
