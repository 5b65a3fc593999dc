// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "seekable/sources.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t size = 400000;

/// A stream of `size` bytes that lies somewhere, and where.
struct Lies {
  const char* name;
  std::function<StreamBuffer(const ScratchDirectory&)> make;
};

std::ostream& operator<<(std::ostream& out, const Lies& lies) { return out << lies.name; }

StreamBuffer make(const ScratchDirectory& directory, Options options, bool complete = true) {
  options.spool_directories = {directory.path()};
  Script script;
  script.content = pattern_bytes(0, size);
  script.chunks = {60000, 1, 9999};
  StreamBuffer buffer(std::make_unique<ScriptedSource>(std::move(script)), std::move(options));
  if (complete) buffer.wait_for_size();
  return buffer;
}

std::vector<Lies> places() {
  std::vector<Lies> all;
  const auto add = [&](const char* name, Options options, bool complete = true) {
    all.push_back({name, [=](const ScratchDirectory& directory) {
                     return make(directory, options, complete);
                   }});
  };
  add("in_memory", {});
  add("in_memory_alone", {.memory_limit = 1 << 20, .disk_limit = 0});
  add("spilled", {.memory_limit = 150000});
  add("written_through", {.memory_limit = 0});
  add("still_coming", {.memory_limit = 150000}, false);
  add("still_coming_ahead", {.memory_limit = 150000, .fill = Fill::ahead}, false);
  add("in_a_wide_window",
      {.memory_limit = 150000, .retention = Retention::window(1 << 20, WhenFull::drop_oldest)});
  if (detail::make_cipher() != nullptr) {
    add("encrypted", {.memory_limit = 1 << 20, .encrypt_spool = true});
  }
  all.push_back({"in_place", [](const ScratchDirectory& directory) {
                   return StreamBuffer(from_file(directory.file("it", pattern_bytes(0, size))));
                 }});
  all.push_back({"in_two_spools", [](const ScratchDirectory& directory) {
                   Options options{.memory_limit = 150000};
                   std::filesystem::create_directories(directory.path() / "a");
                   std::filesystem::create_directories(directory.path() / "b");
                   options.spool_directories = {directory.path() / "a", directory.path() / "b"};
                   Script script;
                   script.content = pattern_bytes(0, size);
                   NthCall faults({Call::pwrite}, 2, {.error = EIO});
                   StreamBuffer buffer(std::make_unique<ScriptedSource>(std::move(script)),
                                       options);
                   buffer.wait_for_size();
                   EXPECT_TRUE(faults.fired());
                   return buffer;
                 }});
  return all;
}

class CopyTo : public testing::TestWithParam<Lies> {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  /// All that arrives at a descriptor until its end.
  static Bytes drain(int fd) {
    Bytes all;
    Bytes piece(30000);
    for (;;) {
      const ssize_t got = ::read(fd, piece.data(), piece.size());
      if (got <= 0) return all;
      all.insert(all.end(), piece.begin(), piece.begin() + got);
    }
  }

  void expect_all_through(Ends ends) {
    Bytes got;
    std::jthread reader([&] { got = drain(ends.read.get()); });
    EXPECT_EQ(buffer_.copy_to(ends.write.get(), {0, size + 100}), size);
    EXPECT_EQ(buffer_.copy_to(ends.write.get(), {1000, 200001}), 199001U);
    ends.write.reset();
    reader.join();
    Bytes wanted = pattern_bytes(0, size);
    const Bytes again = pattern_bytes(1000, 199001);
    wanted.insert(wanted.end(), again.begin(), again.end());
    EXPECT_EQ(got, wanted);
  }

  std::error_code code_of_copy(int fd) {
    return code_of([&] { buffer_.copy_to(fd, {0, size}); });
  }

  const ScratchDirectory directory_;
  StreamBuffer buffer_ = GetParam().make(directory_);
};

TEST_P(CopyTo, APipe) { expect_all_through(make_pipe_ends()); }

TEST_P(CopyTo, ASocket) { expect_all_through(make_socket_ends()); }

TEST_P(CopyTo, ADescriptorThatDoesNotBlock) {
  Ends ends = make_pipe_ends();
  ASSERT_EQ(::fcntl(ends.write.get(), F_SETFL, O_NONBLOCK), 0);
  expect_all_through(std::move(ends));
}

TEST_P(CopyTo, ARegularFileAtItsPosition) {
  const auto path = directory_.path() / "out";
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::lseek(file.get(), 7, SEEK_SET), 7);
  EXPECT_EQ(buffer_.copy_to(file.get(), {5, size}), size - 5);
  EXPECT_EQ(buffer_.copy_to(file.get(), {size, size + 1}), 0U);
  EXPECT_EQ(buffer_.copy_to(file.get(), {9, 9}), 0U);
  Bytes wanted(7);
  const Bytes rest = pattern_bytes(5, size - 5);
  wanted.insert(wanted.end(), rest.begin(), rest.end());
  EXPECT_EQ(content_of(file.get()), wanted);
}

TEST_P(CopyTo, AFileThatIsAppendedTo) {
  const auto path = directory_.file("out", to_bytes("before"));
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  EXPECT_EQ(buffer_.copy_to(file.get(), {0, size}), size);
  Bytes wanted = to_bytes("before");
  const Bytes rest = pattern_bytes(0, size);
  wanted.insert(wanted.end(), rest.begin(), rest.end());
  EXPECT_EQ(content_of(path), wanted);
}

TEST_P(CopyTo, ADeviceThatIsFull) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(code_of_copy(full.get()), std::error_code(ENOSPC, std::system_category()));
  EXPECT_EQ(buffer_.read(0, size), pattern_bytes(0, size));
}

TEST_P(CopyTo, APipeThatNobodyReads) {
  Ends ends = make_pipe_ends();
  ends.read.reset();
  EXPECT_EQ(code_of_copy(ends.write.get()), std::error_code(EPIPE, std::system_category()));
  ends = make_pipe_ends();
  ASSERT_EQ(::fcntl(ends.write.get(), F_SETFL, O_NONBLOCK), 0);
  ends.read.reset();
  EXPECT_EQ(code_of_copy(ends.write.get()), std::error_code(EPIPE, std::system_category()));
}

TEST_P(CopyTo, ADescriptorThatIsNotOpenOrCannotBeWritten) {
  EXPECT_EQ(code_of_copy(-1), std::error_code(EBADF, std::system_category()));
  const FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(code_of_copy(null.get()), std::error_code(EBADF, std::system_category()));
  const std::string text = text_of([&] { buffer_.copy_to(-1, {3, 10}); });
  EXPECT_NE(text.find("byte 3"), std::string::npos) << text;
  EXPECT_NE(text.find("-1"), std::string::npos) << text;
}

TEST_P(CopyTo, AFile) {
  for (int round = 0; round < 2; ++round) {
    const FileDescriptor file = buffer_.to_file();
    EXPECT_EQ(content_of(file.get()), pattern_bytes(0, size));
    EXPECT_LT(::write(file.get(), "x", 1), 0);
    char one = 0;
    EXPECT_EQ(::read(file.get(), &one, 1), 1);
    EXPECT_EQ(std::byte(one), pattern_byte(0));
  }
  EXPECT_EQ(buffer_.read(0, size + 1), pattern_bytes(0, size));
}

TEST_P(CopyTo, APathThatIsReplaced) {
  const auto path = directory_.file("out", to_bytes("old"));
  const FileDescriptor old(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  buffer_.save(path);
  EXPECT_EQ(content_of(path), pattern_bytes(0, size));
  EXPECT_EQ(content_of(old.get()), to_bytes("old"));
  std::move(buffer_).save(path);
  EXPECT_EQ(content_of(path), pattern_bytes(0, size));
  EXPECT_THROW(buffer_.size(), std::invalid_argument);
}

TEST_P(CopyTo, APathOnAnotherFileSystem) {
  const auto path =
      std::filesystem::path("/var/tmp") / ("seekable-other-" + std::to_string(::getpid()));
  std::move(buffer_).save(path);
  EXPECT_EQ(content_of(path), pattern_bytes(0, size));
  std::filesystem::remove(path);
}

TEST_P(CopyTo, APathThatCannotBe) {
  for (const char* name : {"nowhere/out", "."}) {
    const auto path = directory_.path() / name;
    EXPECT_THROW(buffer_.save(path), Error) << name;
    EXPECT_THROW(std::move(buffer_).save(path), Error) << name;
    const std::string text = text_of([&] { buffer_.save(path); });
    EXPECT_NE(text.find(path.string()), std::string::npos) << text;
  }
  EXPECT_EQ(buffer_.read(0, size), pattern_bytes(0, size));
}

// Bytes that a view, or a file that was given out, shows must not become someone's file.
TEST_P(CopyTo, APathWhileOthersStillLook) {
  const View view = buffer_.view(300000, 10);
  const FileDescriptor file = buffer_.to_file();
  const auto path = directory_.path() / "out";
  std::move(buffer_).save(path);
  ASSERT_EQ(::truncate(path.c_str(), 5), 0);
  EXPECT_EQ(Bytes(view.bytes().begin(), view.bytes().end()), pattern_bytes(300000, view.size()));
  EXPECT_EQ(content_of(file.get()), pattern_bytes(0, size));
}

INSTANTIATE_TEST_SUITE_P(Every, CopyTo, testing::ValuesIn(places()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(CopyToErrors, TellsTheFailureAfterTheBytesBeforeIt) {
  const ScratchDirectory directory;
  Script script;
  script.content = pattern_bytes(0, size);
  script.fail_at = 300000;
  Options options{.memory_limit = 150000};
  options.spool_directories = {directory.path()};
  StreamBuffer buffer(std::make_unique<ScriptedSource>(std::move(script)), options);
  const FileDescriptor file(
      ::open((directory.path() / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_EQ(code_of([&] { buffer.copy_to(file.get(), {0, size}); }), std::errc::io_error);
  EXPECT_EQ(content_of(file.get()), pattern_bytes(0, 300000));
  EXPECT_EQ(code_of([&] { buffer.to_file(); }), std::errc::io_error);
  EXPECT_EQ(code_of([&] { buffer.save(directory.path() / "saved"); }), std::errc::io_error);
  EXPECT_EQ(code_of([&] { std::move(buffer).save(directory.path() / "saved"); }),
            std::errc::io_error);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "saved"));
}

TEST(CopyToErrors, RefusesAStreamOfWhichAByteIsGone) {
  const ScratchDirectory directory;
  Options options{.memory_limit = 150000};
  StreamBuffer buffer = make(directory, options);
  buffer.release_before(1);
  EXPECT_EQ(code_of([&] { buffer.to_file(); }), Errc::released);
  EXPECT_EQ(code_of([&] { buffer.save(directory.path() / "saved"); }), Errc::released);
  EXPECT_EQ(code_of([&] { std::move(buffer).save(directory.path() / "saved"); }), Errc::released);
  const FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(code_of([&] { buffer.copy_to(null.get(), {0, size}); }), Errc::released);
  EXPECT_EQ(buffer.copy_to(null.get(), {1, size}), size - 1);
}

// Once such a stream could not be moved into place at all.
TEST(CopyToErrors, SavesWhatItsOwnDiskLimitHasNoRoomFor) {
  const ScratchDirectory directory;
  Options options{.memory_limit = 200000, .disk_limit = 330000};
  StreamBuffer buffer = make(directory, options);
  EXPECT_EQ(code_of([&] { buffer.to_file(); }), Errc::disk_full);
  const auto spool_bytes = buffer.stats().spool_bytes;
  EXPECT_EQ(code_of([&] { buffer.to_file(); }), Errc::disk_full);
  EXPECT_EQ(buffer.stats().spool_bytes, spool_bytes) << "counted more than once";
  std::move(buffer).save(directory.path() / "saved");
  EXPECT_EQ(content_of(directory.path() / "saved"), pattern_bytes(0, size));
}

// Once a copy that was not made still counted.
TEST(CopyToErrors, CountsNothingForAFileThatCouldNotBeMade) {
  const ScratchDirectory directory;
  StreamBuffer buffer = make(directory, {.memory_limit = 1 << 20, .disk_limit = 0});
  const auto before = buffer.stats().memory_bytes;
  for (int i = 0; i < 5; ++i) {
    NthCall faults({Call::memfd_create}, 1, {.error = EMFILE});
    EXPECT_EQ(code_of([&] { buffer.to_file(); }), std::errc::too_many_files_open);
    EXPECT_EQ(buffer.stats().memory_bytes, before);
  }
  EXPECT_EQ(content_of(buffer.to_file().get()), pattern_bytes(0, size));
}

}  // namespace
}  // namespace seekable::test
