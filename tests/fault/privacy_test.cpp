// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "store/block_cipher.hpp"

namespace seekable::test {
namespace {

std::unique_ptr<Source> stream_of(std::uint64_t size) {
  Script script;
  script.byte_at = pattern_byte;
  script.length = size;
  return std::make_unique<ScriptedSource>(std::move(script));
}

Options small_memory(const std::filesystem::path& directory) {
  Options options;
  options.memory_limit = 100 * 1024;
  options.spool_directories = {directory};
  return options;
}

void expect_private(int fd) {
  struct ::stat status{};
  ASSERT_EQ(::fstat(fd, &status), 0);
  EXPECT_EQ(status.st_nlink, 0U);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(status.st_uid, ::geteuid());
  EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(SpoolPrivacy, IsAFileWithoutANameThatOnlyItsOwnerReads) {
  const ScratchDirectory directory;
  const StreamBuffer buffer(stream_of(500000), small_memory(directory.path()));
  buffer.read(0, 500000);
  const auto fds = unlinked_files_in(directory.path());
  ASSERT_EQ(fds.size(), 1U);
  expect_private(fds.front());
  EXPECT_TRUE(names_in(directory.path()).empty());
}

TEST(SpoolPrivacy, IsTheSameWhereTheFileSystemKnowsNoFilesWithoutNames) {
  for (const int error : {EOPNOTSUPP, EISDIR, EINVAL}) {
    const ScratchDirectory directory;
    const StreamBuffer buffer(stream_of(500000), small_memory(directory.path()));
    NthCall faults({Call::open}, 1, {.error = error});
    EXPECT_EQ(buffer.read(0, 500000), pattern_bytes(0, 500000));
    ASSERT_TRUE(faults.fired());
    const auto fds = unlinked_files_in(directory.path());
    ASSERT_EQ(fds.size(), 1U);
    expect_private(fds.front());
    EXPECT_TRUE(names_in(directory.path()).empty());
    const ScratchDirectory target;
    buffer.save(target.path() / "saved");
    EXPECT_EQ(content_of(target.path() / "saved"), pattern_bytes(0, 500000));
  }
}

TEST(SpoolPrivacy, IsNotWidenedByAnOpenUmask) {
  EXPECT_TRUE(passes_in_a_child([] {
    ::umask(0);
    for (const bool named : {false, true}) {
      const ScratchDirectory directory;
      const StreamBuffer buffer(stream_of(500000), small_memory(directory.path()));
      NthCall faults({Call::open}, named ? 1 : 1000, {.error = EOPNOTSUPP});
      buffer.read(0, 500000);
      for (const int fd : unlinked_files_in(directory.path())) expect_private(fd);
    }
  }));
}

// A name that is there for a moment, where the file system knows no files without names, is the one
// thing that a kill at that very moment leaves: an empty file, since nothing was written yet.
TEST(SpoolPrivacy, MayLeaveAnEmptyFileWhenKilledBetweenMakingAndUnlinking) {
  const ScratchDirectory directory;
  class KillAtUnlink final : public detail::sys::Faults {
   public:
    std::optional<Fault> before(Call call) override {
      if (call == Call::unlink) ::raise(SIGKILL);
      if (call == Call::open && !opened_) {
        opened_ = true;
        return Fault{.error = EOPNOTSUPP, .at_most = 0};
      }
      return std::nullopt;
    }

   private:
    bool opened_ = false;
  };
  EXPECT_FALSE(passes_in_a_child([&] {
    static KillAtUnlink faults;
    detail::sys::install_faults(&faults);
    const StreamBuffer buffer(stream_of(500000), small_memory(directory.path()));
    buffer.read(0, 500000);
  }));
  const auto names = names_in(directory.path());
  ASSERT_EQ(names.size(), 1U);
  EXPECT_EQ(names.front().rfind(".seekable-", 0), 0U) << names.front();
  EXPECT_EQ(std::filesystem::file_size(directory.path() / names.front()), 0U);
}

TEST(SpoolPrivacy, IsNotThereForAChildAfterExec) {
  const ScratchDirectory directory;
  const StreamBuffer buffer(stream_of(500000), small_memory(directory.path()));
  buffer.read(0, 500000);
  const FileDescriptor file = buffer.to_file();
  const std::string command = "for f in /proc/self/fd/*; do readlink $f; done | grep -c '" +
                              directory.path().string() + "'";
  FILE* output = ::popen(command.c_str(), "re");
  ASSERT_NE(output, nullptr);
  int count = -1;
  EXPECT_EQ(std::fscanf(output, "%d", &count), 1);
  ::pclose(output);
  EXPECT_EQ(count, 0);
}

TEST(SpoolPrivacy, IsRefusedEncryptedWhereNothingCanEncrypt) {
  EXPECT_TRUE(passes_in_a_child([] {
    detail::register_cipher([]() -> std::unique_ptr<detail::BlockCipher> { return nullptr; });
    Options options;
    options.encrypt_spool = true;
    try {
      const StreamBuffer buffer(stream_of(10), options);
      ADD_FAILURE() << "it was made";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), std::errc::function_not_supported);
      EXPECT_NE(std::string(error.what()).find("seekable::crypto"), std::string::npos);
    }
  }));
}

}  // namespace
}  // namespace seekable::test
