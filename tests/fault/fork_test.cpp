// SPDX-License-Identifier: Apache-2.0
// Invariant 4 of the fill, *Fork*: what a child made by fork may do with the buffers it inherits.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "fault/child.hpp"
#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr auto not_permitted = std::errc::operation_not_permitted;

template <typename Action>
std::error_code code_of(Action action) {
  try {
    action();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

// A child that asked where the bytes are waited for a lock that nobody there could give back.
TEST(Fork, ChildIsToldThatItMayNotAskWhereTheBytesAre) {
  const Scripted scripted({.content = letters()});
  scripted.buffer.read(0, 26);
  EXPECT_TRUE(passes_in_a_child(
      [&] { EXPECT_EQ(code_of([&] { (void)scripted.buffer.residency(); }), not_permitted); }));
}

// A child that dropped a buffer waited for those who had stood in line for a file of it.
TEST(Fork, ChildDropsABufferThatOthersWereMakingAFileOf) {
  const auto content = random_bytes(300'000, 3);
  std::optional<Scripted> scripted(std::in_place, Script{.content = content}, options_spilled(0));
  scripted->buffer.wait_for_size();
  std::atomic<bool> over{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!over) (void)scripted->buffer.to_file();
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(passes_in_a_child([&] { scripted.reset(); }));
  }
  over = true;
}

TEST(Fork, ChildReadsWhatIsInMemory) {
  const StreamBuffer buffer(from_bytes(std::string(100'000, 'x')));
  buffer.read(0, 100'000);
  EXPECT_TRUE(passes_in_a_child([&] {
    EXPECT_EQ(to_string(buffer.read(99'990, 10)), "xxxxxxxxxx");
    EXPECT_EQ(buffer.view(0, 3).size(), 3U);
  }));
}

TEST(Fork, ChildIsToldThatItMayNotPull) {
  const Scripted scripted({.content = random_bytes(200'000, 1), .chunks = {1000}});
  scripted.buffer.read(0, 1000);
  EXPECT_TRUE(passes_in_a_child([&] {
    const StreamBuffer& buffer = scripted.buffer;
    EXPECT_EQ(code_of([&] { buffer.read(150'000, 1); }), not_permitted);
    EXPECT_EQ(code_of([&] { buffer.wait_for({0, 150'000}, std::chrono::hours(1)); }),
              not_permitted);
    EXPECT_EQ(code_of([&] { buffer.wait_for_size(); }), not_permitted);
    EXPECT_EQ(code_of([&] { (void)buffer.to_file(); }), not_permitted);
    EXPECT_EQ(code_of([&] { (void)buffer.when_available({0, 150'000}, [](std::error_code) {}); }),
              not_permitted);
  }));
  EXPECT_EQ(scripted.buffer.read(150'000, 100), part(random_bytes(200'000, 1), 150'000, 100));
}

TEST(Fork, ChildIsToldThatItMayNotReadTheSpool) {
  const auto content = random_bytes(300'000, 2);
  const Scripted scripted({.content = content}, options_spilled(0));
  scripted.buffer.read(0, 300'000);
  EXPECT_TRUE(passes_in_a_child([&] {
    EXPECT_EQ(code_of([&] { scripted.buffer.read(10, 1); }), not_permitted);
    EXPECT_EQ(code_of([&] { (void)scripted.buffer.view(10, 1); }), not_permitted);
  }));
  EXPECT_EQ(scripted.buffer.read(0, 300'000), content);
}

// A child once punched holes into the spool that it shares with its parent.
TEST(Fork, ChildCannotGiveUpWhatTheParentReads) {
  const auto content = random_bytes(300'000, 6);
  Options options = options_spilled(0);
  options.retention = Retention::window(1'000'000, WhenFull::block);
  Scripted scripted({.content = content}, options);
  auto reader = std::make_unique<Reader>(scripted.buffer.reader());
  scripted.buffer.read(0, content.size());
  EXPECT_TRUE(passes_in_a_child([&] {
    EXPECT_EQ(code_of([&] { scripted.buffer.release_before(200'000); }), not_permitted);
    reader->seek(250'000);
    reader.reset();
  }));
  EXPECT_EQ(scripted.buffer.read(0, content.size()), content);
}

TEST(Fork, DestructionInTheChildNeitherJoinsNorCancels) {
  Options options = options_ahead();
  options.memory_limit = 128 * 1024;
  auto scripted =
      std::make_unique<Scripted>(Script{.content = random_bytes(1'000'000, 3)}, options);
  scripted->buffer.read(0, 500'000);
  EXPECT_TRUE(passes_in_a_child([&] { scripted.reset(); }));
  EXPECT_EQ(scripted->buffer.read(0, 1'000'000), random_bytes(1'000'000, 3));
  EXPECT_FALSE(scripted->buffer.failure());
}

TEST(Fork, DestructionInTheChildLeavesTheCommandOfTheParentAlone) {
  const ScratchDirectory directory;
  const auto gate = directory.path() / "gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  auto buffer = std::make_unique<StreamBuffer>(
      from_command({"/bin/sh", "-c", "echo first; read line <" + gate.string() + "; echo second"}));
  EXPECT_EQ(to_string(buffer->read(0, 6)), "first\n");
  EXPECT_TRUE(passes_in_a_child([&] { buffer.reset(); }));
  std::ofstream(gate) << "go on\n";  // Had the child ended the command, this would wait for ever.
  EXPECT_EQ(to_string(buffer->read(6, 100)), "second\n");
  EXPECT_FALSE(buffer->failure());
}

TEST(Fork, WhatIsReadAheadWhileForkingStaysWhole) {
  for (int round = 0; round < 20; ++round) {
    Options options = options_ahead();
    options.memory_limit = 200'000;
    const auto content = random_bytes(2'000'000, 4);
    Scripted scripted({.content = content, .chunks = {5000}}, options);
    EXPECT_TRUE(passes_in_a_child([&] {
      std::byte out[100];
      try {
        const std::size_t size = scripted.buffer.read_at(0, out);
        EXPECT_EQ(Bytes(out, out + size), part(content, 0, size));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), not_permitted);
      }
    }));
    EXPECT_EQ(scripted.buffer.read(0, content.size()), content);
  }
}

TEST(Fork, ExecInheritsNoDescriptor) {
  const Scripted scripted({.content = random_bytes(300'000, 5)}, options_spilled(0));
  scripted.buffer.read(0, 300'000);
  const auto file = scripted.buffer.to_file();
  ASSERT_GE(file.get(), 3);
  const StreamBuffer listing(from_command({"/bin/ls", "-l", "/proc/self/fd"}));
  const std::string text = to_string(listing.read(0, 100'000));
  EXPECT_NE(text.find("1 ->"), std::string::npos) << text;
  EXPECT_EQ(text.find("(deleted)"), std::string::npos) << text;
}

}  // namespace
}  // namespace seekable::test
