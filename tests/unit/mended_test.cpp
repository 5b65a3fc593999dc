// SPDX-License-Identifier: Apache-2.0
// Mended bugs, each with a line on what it was.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
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

// Nothing kept the buffer while the call went on, where the callback destroyed it at once.
TEST(WhenAvailable, MayDestroyTheBufferInsideTheCall) {
  auto buffer = std::make_unique<StreamBuffer>(from_bytes(letters()));
  buffer->read(0, 26);
  const Subscription subscription = buffer->when_available({0, 10}, [&](std::error_code code) {
    EXPECT_FALSE(code);
    buffer.reset();
  });
  EXPECT_EQ(buffer, nullptr);
}

// The limit of the disk was known, and still up to 16 KiB more were taken from the source. (One
// byte is, to look for the end.)
TEST(TinyDiskLimit, IsUsedToItsLastByte) {
  Options options = options_spilled(0);
  options.disk_limit = 5000;
  const auto content = random_bytes(20'000, 4);
  const Scripted scripted({.content = content}, options);
  EXPECT_EQ(scripted.buffer.read(0, 5000), part(content, 0, 5000));
  EXPECT_EQ(code_of([&] { scripted.buffer.read(5000, 1); }), Errc::disk_full);
  EXPECT_EQ(scripted.log->bytes(), 5001U) << "and the byte that shows that it goes on";
}

// A view kept all bytes of its buffer, and with them a budget that others share.
TEST(View, OfABufferThatIsGoneKeepsWhatItLendsAlone) {
  const auto budget = std::make_shared<MemoryBudget>(std::uint64_t{8} << 20);
  Options options = options_in_memory(std::uint64_t{8} << 20);
  options.memory_budget = budget;
  const auto content = random_bytes(50 * block, 5);
  std::optional<Scripted> scripted(std::in_place, Script{.content = content}, options);
  scripted->buffer.read(0, 50 * block);
  View view = scripted->buffer.view(10 * block, 100);
  EXPECT_GT(budget->used(), 40 * block);
  scripted.reset();
  EXPECT_LE(budget->used(), block);
  EXPECT_EQ(Bytes(view.bytes().begin(), view.bytes().end()), part(content, 10 * block, 100));
  view = {};
  EXPECT_EQ(budget->used(), 0U);
}

// What `size()` threw went to whoever made the buffer, or lost the bytes that had just come.
TEST(SizeOfASource, ThatThrowsIsAFailureBehindTheBytes) {
  class Source final : public seekable::Source {
   public:
    explicit Source(std::uint64_t throws_at) : throws_at_(throws_at) {}
    std::size_t read_some(std::span<std::byte> out) override {
      std::fill_n(out.begin(), 100, std::byte{1});
      position_ += 100;
      return 100;
    }
    std::optional<std::uint64_t> size() const override {
      if (position_ >= throws_at_) throw std::runtime_error("no size");
      return std::nullopt;
    }

   private:
    const std::uint64_t throws_at_;
    std::uint64_t position_ = 0;
  };
  const StreamBuffer at_once(std::make_unique<Source>(0));
  EXPECT_EQ(code_of([&] { at_once.read(0, 1); }), Errc::source_failed);
  const StreamBuffer later(std::make_unique<Source>(200));
  EXPECT_EQ(later.read(0, 1000).size(), 200U);
  ASSERT_TRUE(later.failure());
  EXPECT_EQ(later.failure()->offset, 200U);
}

// The message said its reason twice.
TEST(Failure, SaysItsReasonOnce) {
  const Scripted scripted({.content = letters(), .fail_at = 5});
  const std::string text = text_of([&] { scripted.buffer.read(5, 1); });
  const std::string reason = std::make_error_code(std::errc::io_error).message();
  EXPECT_NE(text.find(reason), std::string::npos) << text;
  EXPECT_EQ(text.find(reason), text.rfind(reason)) << text;
  EXPECT_EQ(text, scripted.buffer.failure()->message);
}

// The last block of all that there can be was left out of what goes over all blocks.
TEST(LastBlock, IsToldAndGivenBack) {
  class High final : public RestartableSource {
   public:
    std::size_t read_some(std::span<std::byte> out) override {
      std::fill(out.begin(), out.end(), std::byte{1});
      return out.size();
    }
    void reopen(std::uint64_t, std::optional<std::uint64_t>) override {}
    bool worth_reading_through(std::uint64_t) const override { return false; }
  };
  const std::uint64_t offset = ~std::uint64_t{0} - 1000;
  const StreamBuffer buffer(std::make_unique<High>());
  ASSERT_EQ(buffer.read(offset, 10).size(), 10U);
  EXPECT_EQ(buffer.residency().back().where, Residency::memory);
}

// A failed unget moved the position, and a far seek overflowed.
TEST(Istream, KeepsItsPositionWhenItCannotGoBack) {
  const auto content = random_bytes(3 * block, 6);
  Scripted scripted({.content = content});
  istream in(scripted.buffer, 2 * block);
  in.get();
  in.seekg(2 * static_cast<std::streamoff>(block));
  scripted.buffer.release_before(2 * block);
  EXPECT_FALSE(in.unget());
  in.clear();
  EXPECT_EQ(static_cast<std::uint64_t>(in.tellg()), 2 * block);
  EXPECT_EQ(static_cast<std::byte>(in.get()), content[2 * block]);
  EXPECT_FALSE(in.seekg(std::numeric_limits<std::streamoff>::min(), std::ios::cur));
}

// What of a packet does not fit is lost without a word.
TEST(FromFd, RefusesWhatComesInPackets) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const FileDescriptor socket(ends[0]);
  const FileDescriptor other(ends[1]);
  const StreamBuffer from_socket(from_fd(socket.get()));
  EXPECT_EQ(code_of([&] { from_socket.read(0, 1); }), std::errc::wrong_protocol_type);
}

// A file that had grown ended cleanly at its old size.
TEST(FileInPlace, ThatHasGrownFailsAtItsOldEnd) {
  const ScratchDirectory directory;
  const auto path = directory.file("growing", letters());
  const StreamBuffer buffer(from_file(path));
  std::ofstream(path, std::ios::app) << "more";
  EXPECT_EQ(code_of([&] { buffer.read(26, 10); }), Errc::source_changed);
}

// The source was destroyed while it was still inside its `read_some`.
TEST(Source, MayDropItsOwnLastReaderOnTheThreadThatFills) {
  std::promise<int> returned;
  std::optional<StreamBuffer> buffer;
  std::atomic<bool> made{false};
  const auto captured = std::make_shared<int>(7);
  const auto read = [&, captured](std::span<std::byte> out) {
    made.wait(false);
    buffer.reset();
    out[0] = std::byte{1};
    returned.set_value(*captured);  // Which must be there for that.
    return std::size_t{1};
  };
  buffer.emplace(from_function(read), options_ahead());
  made = true;
  made.notify_all();
  EXPECT_EQ(returned.get_future().get(), 7);
}

// Nothing kept the buffer while `cancel` went on, where its callback destroyed it.
TEST(Cancel, MayDestroyTheBufferInItsCallback) {
  auto pipe = std::make_optional(make_pipe());
  auto buffer = std::make_unique<StreamBuffer>(std::move(pipe->buffer));
  Subscription subscription;
  subscription = buffer->when_available({0, 10}, [&](std::error_code code) {
    EXPECT_EQ(code, Errc::cancelled);
    pipe.reset();
    buffer.reset();
  });
  StreamBuffer& cancelled = *buffer;
  cancelled.cancel();
  EXPECT_EQ(buffer, nullptr);
}

}  // namespace
}  // namespace seekable::test
