// SPDX-License-Identifier: Apache-2.0
// Mended bugs, each with a line on what it was.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

// A reader made ahead of a window that blocks did not move it, and waited for ever.
TEST(BlockingWindow, FollowsAReaderThatBeginsAheadOfIt) {
  const auto content = random_bytes(100'000, 1);
  const Scripted scripted({.content = content}, options_window(1000, WhenFull::block));
  auto reader = scripted.buffer.reader(5000);
  Bytes out(10);
  EXPECT_EQ(reader.read(out), 10U);
  EXPECT_EQ(out, part(content, 5000, 10));
}

// After a read that went past the buffer of the istream, unget gave a byte of that buffer.
TEST(Istream, UngetsTheByteBeforeThePositionAfterALargeRead) {
  const auto content = random_bytes(50'000, 2);
  const Scripted scripted({.content = content});
  istream in(const_cast<StreamBuffer&>(scripted.buffer));
  in.get();
  std::string read(10'000, '\0');
  in.read(read.data(), static_cast<std::streamsize>(read.size()));
  in.unget();
  EXPECT_EQ(static_cast<std::byte>(in.get()), content[10'000]);
  in.seekg(100);
  in.unget();
  EXPECT_EQ(static_cast<std::byte>(in.get()), content[99]);
}

// An end below bytes that had come already was taken for the end of the stream.
TEST(Restartable, AnEndBelowBytesThatHaveComeIsAFailure) {
  class Liar final : public RestartableSource {
   public:
    std::size_t read_some(std::span<std::byte> out) override {
      if (position_ >= 131'072 && position_ < 1'000'000) return 0;
      std::fill(out.begin(), out.end(), std::byte{1});
      position_ += out.size();
      return out.size();
    }
    void reopen(std::uint64_t offset, std::optional<std::uint64_t>) override { position_ = offset; }
    bool worth_reading_through(std::uint64_t) const override { return false; }

   private:
    std::uint64_t position_ = 0;
  };
  const StreamBuffer buffer(std::make_unique<Liar>());
  EXPECT_EQ(buffer.read(3'000'000, 1000).size(), 1000U);
  EXPECT_EQ(buffer.read(0, 500'000).size(), 131'072U);
  EXPECT_FALSE(buffer.exhausted());
  ASSERT_TRUE(buffer.failure());
  EXPECT_EQ(buffer.failure()->code, Errc::truncated);
}

// A source that threw a system_error of code 0 was told to callbacks as a success.
TEST(Failure, HasACodeAlsoWhereTheSourceThrowsNone) {
  const Scripted scripted(
      {.content = letters(),
       .fail_at = 5,
       .failure = std::make_exception_ptr(std::system_error(std::error_code(), "nothing"))});
  std::promise<std::error_code> called;
  const auto subscription = scripted.buffer.when_available(
      {0, 10}, [&](std::error_code code) { called.set_value(code); });
  EXPECT_EQ(called.get_future().get(), Errc::source_failed);
}

// The name that a file has for a moment when another is replaced was longer than its own.
TEST(Save, ReplacesAFileWithTheLongestName) {
  const ScratchDirectory directory;
  const StreamBuffer buffer(from_bytes(std::string("content")));
  const auto path = directory.path() / std::string(255, 'n');
  buffer.save(path);
  buffer.save(path);
  EXPECT_EQ(std::filesystem::file_size(path), 7U);
}

// A file read in place that had changed was still called available, by those who do not read.
TEST(FileInPlace, ThatHasChangedIsAFailureForEveryone) {
  const ScratchDirectory directory;
  const auto path = directory.file("changing", random_bytes(1000, 3));
  StreamBuffer buffer(from_file(path));
  EXPECT_EQ(buffer.available(100), 900U);
  std::ofstream(path, std::ios::app) << "more";
  EXPECT_EQ(code_of([&] { buffer.read(0, 10); }), Errc::source_changed);
  ASSERT_TRUE(buffer.failure());
  EXPECT_EQ(buffer.failure()->code, Errc::source_changed);
  EXPECT_EQ(buffer.available(100), 0U);
  EXPECT_FALSE(buffer.exhausted());
  EXPECT_EQ(code_of([&] { buffer.wait_for({0, 10}, std::chrono::seconds(10)); }),
            Errc::source_changed);
  std::error_code told;
  const auto subscription =
      buffer.when_available({0, 10}, [&](std::error_code code) { told = code; });
  EXPECT_EQ(told, Errc::source_changed);
  const std::vector<Extent> missing{{{0, 1000}, Residency::missing}};
  EXPECT_EQ(buffer.residency(), missing);
}

// The failure was kept by a read alone, not by what hands the whole file out.
TEST(FileInPlace, ThatHasChangedFailsWhenItIsSaved) {
  const ScratchDirectory directory;
  const auto path = directory.file("changing", random_bytes(1000, 3));
  const StreamBuffer buffer(from_file(path));
  std::ofstream(path, std::ios::app) << "more";
  EXPECT_EQ(code_of([&] { buffer.save(directory.path() / "saved"); }), Errc::source_changed);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "saved"));
  ASSERT_TRUE(buffer.failure());
  EXPECT_EQ(buffer.failure()->code, Errc::source_changed);
}

// A view kept the source, and with it descriptors and children, for as long as it lived.
TEST(Source, GoesWithTheLastWhoCanReadAlsoWhileAViewLives) {
  const auto held = std::make_shared<int>(0);
  View view;
  {
    const StreamBuffer buffer(from_function([held](std::span<std::byte> out) {
      out[0] = std::byte{'x'};
      return std::size_t{1};
    }));
    view = buffer.view(0, 1);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(view.bytes()[0], std::byte{'x'});
}

}  // namespace
}  // namespace seekable::test
