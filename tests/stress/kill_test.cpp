// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "seekable/error.hpp"
#include "seekable/stream_buffer.hpp"
#include "store/block_cipher.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

constexpr const char* mode_variable = "SEEKABLE_TEST_KILL_MODE";
constexpr std::size_t saved_size = 700 * 1024;
constexpr char sign_of_child = 1;  // GoogleTest prints none of these.

std::unique_ptr<Source> stream_of(std::uint64_t size) {
  Script script;
  script.byte_at = pattern_byte;
  script.length = size;
  return std::make_unique<ScriptedSource>(std::move(script));
}

/// What the child does until it is killed: spills and saves, over and over.
[[noreturn]] void be_the_child(const std::string& mode) {
  const std::filesystem::path spool = std::getenv("SEEKABLE_TEST_KILL_SPOOL");
  const std::filesystem::path target = std::getenv("SEEKABLE_TEST_KILL_TARGET");
  for (;;) {
    Options options;
    options.memory_limit = 200 * 1024;
    options.spool_directories = {spool};
    options.fill = mode == "ahead" ? Fill::ahead : Fill::on_demand;
    options.encrypt_spool = mode == "encrypted";
    StreamBuffer buffer(stream_of(saved_size), options);
    if (buffer.read(0, saved_size + 1).size() != saved_size) ::_exit(3);
    if (!options.encrypt_spool) {
      const FileDescriptor file = buffer.to_file();
      if (!file) ::_exit(4);
    }
    if (mode == "ahead") {
      buffer.save(target);
    } else {
      std::move(buffer).save(target);
    }
    if (::write(STDOUT_FILENO, &sign_of_child, 1) != 1) ::_exit(5);
  }
}

/// This program, started again, is the child.
class ChildMode final : public testing::Environment {
 public:
  void SetUp() override {
    if (const char* mode = std::getenv(mode_variable)) be_the_child(mode);
  }
};
[[maybe_unused]] const auto* const child_mode =
    testing::AddGlobalTestEnvironment(new ChildMode);  // takes it

/// Starts the child. `sign` becomes readable when it has saved once.
pid_t start(const std::string& mode, const std::filesystem::path& spool,
            const std::filesystem::path& target, FileDescriptor& sign) {
  Ends ends = make_pipe_ends();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends.write.get(), STDOUT_FILENO);
  std::vector<std::string> words = {std::string(mode_variable) + "=" + mode,
                                    "SEEKABLE_TEST_KILL_SPOOL=" + spool.string(),
                                    "SEEKABLE_TEST_KILL_TARGET=" + target.string()};
  for (char** word = environ; *word != nullptr; ++word) words.emplace_back(*word);
  std::vector<char*> environment;
  for (std::string& word : words) environment.push_back(word.data());
  environment.push_back(nullptr);
  std::string name = "/proc/self/exe";
  std::string filter = "--gtest_filter=Kill.*";
  std::string brief = "--gtest_brief=1";
  char* arguments[] = {name.data(), filter.data(), brief.data(), nullptr};
  pid_t child = -1;
  EXPECT_EQ(::posix_spawn(&child, name.c_str(), &actions, nullptr, arguments, environment.data()),
            0);
  posix_spawn_file_actions_destroy(&actions);
  sign = std::move(ends.read);
  return child;
}

/// Waits until the child has saved `times` times more.
bool wait_for_signs(int fd, int times) {
  for (char sign = 0; times > 0;) {
    if (::read(fd, &sign, 1) != 1) return false;
    if (sign == sign_of_child) --times;
  }
  return true;
}

class Kill : public testing::Test {
 protected:
  void kill_at_random_moments(const std::string& mode) {
    // On a disk of its own the free space tells that nothing is left.
    const auto disk = TinyDisk::make(16 << 20);
    const ScratchDirectory scratch;
    const std::filesystem::path root = disk ? disk->path() : scratch.path();
    const auto spool = root / "spool";
    const auto target = root / "target";
    std::filesystem::create_directory(spool);
    std::filesystem::create_directory(target);
    std::mt19937_64 random(test_seed());
    for (int round = 0; round < (sanitized ? 6 : 25); ++round) {
      const std::uint64_t before = disk ? disk->free() : 0;
      FileDescriptor sign;
      const pid_t child = start(mode, spool, target / "saved", sign);
      ASSERT_GT(child, 0);
      EXPECT_TRUE(wait_for_signs(sign.get(), 1 + round % 2));
      // What follows is at another place each time; nothing depends on where.
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 4000));
      ASSERT_EQ(::kill(child, SIGKILL), 0);
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status)) << status;
      EXPECT_TRUE(names_in(spool).empty()) << names_in(spool).front();
      expect_no_half_file(target);
      std::filesystem::remove_all(target);
      std::filesystem::create_directory(target);
      EXPECT_EQ(disk ? disk->free() : 0, before);
    }
  }

  static void expect_no_half_file(const std::filesystem::path& target) {
    EXPECT_EQ(content_of(target / "saved"), pattern_bytes(0, saved_size));
    // A file that is replaced has a second, complete one beside it for the moment of the rename.
    for (const std::string& name : names_in(target)) {
      EXPECT_EQ(content_of(target / name), pattern_bytes(0, saved_size)) << name;
    }
    EXPECT_LE(names_in(target).size(), 2U);
  }
};

TEST_F(Kill, LeavesNothingOfASpoolOnDemand) { kill_at_random_moments("on_demand"); }

TEST_F(Kill, LeavesNothingOfASpoolAhead) { kill_at_random_moments("ahead"); }

TEST_F(Kill, LeavesNothingOfAnEncryptedSpool) {
  if (detail::make_cipher() == nullptr) return;  // Built without libsodium.
  kill_at_random_moments("encrypted");
}

}  // namespace
}  // namespace seekable::test
