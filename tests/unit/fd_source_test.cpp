// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <stdexcept>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using detail::sys::Call;
using detail::sys::Fault;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

std::string name_of(int fd) { return "file descriptor " + std::to_string(fd); }

TEST(FdSource, GivesFiveBytesWhileTheirWriterHoldsThePipeOpen) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), to_bytes("hello"));
  EXPECT_EQ(to_string(read_once(*source, 4096)), "hello");
}

TEST(FdSource, GivesBytesThatComeWhileItWaits) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  const auto about_to_wait = std::make_shared<Gate>();
  const CallHook hook(tell_poll(about_to_wait));
  std::string got;
  std::jthread reader([&] { got = to_string(read_once(*source, 100)); });
  about_to_wait->wait_entered();
  write_all(ends.write.get(), to_bytes("hello"));
  reader.join();
  EXPECT_EQ(got, "hello");
}

TEST(FdSource, EndsWhenTheWriterLeavesWhileItWaits) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  const auto about_to_wait = std::make_shared<Gate>();
  const CallHook hook(tell_poll(about_to_wait));
  std::size_t got = 1;
  std::jthread reader([&] { got = read_once(*source, 100).size(); });
  about_to_wait->wait_entered();
  ends.write.reset();
  reader.join();
  EXPECT_EQ(got, 0U);
}

TEST(FdSource, WaitsForANonBlockingDescriptorAndLeavesItsFlagsAlone) {
  for (auto make : {make_pipe_ends, make_socket_ends}) {
    auto ends = make();
    ASSERT_EQ(::fcntl(ends.read.get(), F_SETFL, O_NONBLOCK), 0);
    const int flags = ::fcntl(ends.read.get(), F_GETFL);
    const auto source = from_fd(ends.read.get());
    const auto about_to_wait = std::make_shared<Gate>();
    const CallHook hook(tell_poll(about_to_wait));
    std::string got;
    std::jthread reader([&] { got = to_string(read_once(*source, 100)); });
    about_to_wait->wait_entered();
    write_all(ends.write.get(), to_bytes("x"));
    reader.join();
    EXPECT_EQ(got, "x");
    EXPECT_EQ(::fcntl(ends.read.get(), F_GETFL), flags);
  }
}

TEST(FdSource, LeavesTheFlagsOfABlockingDescriptorAlone) {
  auto ends = make_pipe_ends();
  const int flags = ::fcntl(ends.read.get(), F_GETFL);
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), to_bytes("x"));
  read_once(*source, 1);
  EXPECT_EQ(::fcntl(ends.read.get(), F_GETFL), flags);
}

TEST(FdSource, MakesNoEventfdWhereItNeedNotWait) {
  std::map<Call, int> calls;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    ++calls[call];
    return std::nullopt;
  });
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), to_bytes("hello"));
  ends.write.reset();
  read_all(*source, 2);
  EXPECT_EQ(calls[Call::read], 4);
  EXPECT_EQ(calls[Call::poll], 0);
  EXPECT_EQ(calls[Call::eventfd], 0);
}

TEST(FdSource, ReadsAFileWithoutPollAndEventfdFromItsPosition) {
  std::map<Call, int> calls;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    ++calls[call];
    return std::nullopt;
  });
  const ScratchDirectory scratch;
  const FileDescriptor fd(::open(scratch.file("f", letters()).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::lseek(fd.get(), 20, SEEK_SET), 20);
  const auto source = from_fd(fd.get());
  EXPECT_EQ(source->size(), std::nullopt);
  EXPECT_EQ(to_string(read_all(*source)), "uvwxyz");
  EXPECT_EQ(calls[Call::poll] + calls[Call::eventfd], 0);
}

TEST(FdSource, ReadsAnEmptyFileAndDevNull) {
  const ScratchDirectory scratch;
  const FileDescriptor empty(::open(scratch.file("f", {}).c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(read_all(*from_fd(empty.get())).size(), 0U);
  EXPECT_EQ(read_all(*from_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC), true)).size(), 0U);
}

TEST(FdSource, ReadsADevice) {
  const auto source = from_fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC), true);
  EXPECT_EQ(read_once(*source, 1000), Bytes(1000));
}

TEST(FdSource, NamesStandardInput) {
  EXPECT_EQ(from_fd(0)->info().name, "standard input");
  EXPECT_EQ(from_fd(7)->info().name, "file descriptor 7");
}

TEST(FdSource, RefusesANegativeNumber) {
  EXPECT_THROW(from_fd(-1), std::invalid_argument);
  EXPECT_THROW(from_fd(-1, true), std::invalid_argument);
}

TEST(FdSource, FailsOnADescriptorThatIsNotOpen) {
  const auto source = from_fd(987'654);
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), std::errc::bad_file_descriptor);
  EXPECT_EQ(text_of([&] { read_once(*source, 1); }),
            "read from file descriptor 987654: Bad file descriptor");
}

TEST(FdSource, FailsOnADescriptorThatOnlyWrites) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.write.get());
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), std::errc::bad_file_descriptor);
}

TEST(FdSource, FailsOnADirectory) {
  const auto source = from_fd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), true);
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), std::errc::is_a_directory);
}

TEST(FdSource, ClosesWhatItWasGivenAndNothingElse) {
  auto ends = make_pipe_ends();
  const int kept = ends.read.get();
  from_fd(kept);
  EXPECT_TRUE(is_open(kept));
  const int given = ends.read.release();
  from_fd(given, true);
  EXPECT_FALSE(is_open(given));
}

TEST(FdSource, FailsWithTheSystemsCodeAndTellsWhere) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), to_bytes("hello"));
  read_once(*source, 3);
  const CallHook hook(fail_call(Call::read, EIO));
  try {
    read_once(*source, 3);
    FAIL() << "no failure";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::io_error);
    EXPECT_EQ(error.offset(), 3U);
    EXPECT_EQ(error.what(), "read from " + name_of(ends.read.get()) + ": Input/output error");
  }
}

/// A connection that was reset by its other end.
FileDescriptor reset_connection() {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener.get(), any, size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), any, &size), 0);
  FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), any, size), 0);
  const FileDescriptor server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  return client;
}

TEST(FdSource, FailsOnAConnectionThatWasReset) {
  auto client = reset_connection();
  const auto source = from_fd(client.get());
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), std::errc::connection_reset);
}

TEST(FdSource, IsNotDisturbedByInterruptionsAndShortReads) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), letters());
  ends.write.reset();
  int count = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call != Call::read) return std::nullopt;
    if (++count % 2 == 0) return Fault{.error = EINTR, .at_most = 0};
    return Fault{.error = 0, .at_most = 1};
  });
  EXPECT_EQ(to_string(read_all(*source, 10)), to_string(letters()));
}

TEST(FdSource, FallsBackWhereTheKernelCannotReadWithoutWaiting) {
  for (const int error : {EOPNOTSUPP, ENOSYS, EINVAL}) {
    auto ends = make_pipe_ends();
    const auto source = from_fd(ends.read.get());
    write_all(ends.write.get(), letters());
    ends.write.reset();
    const CallHook hook(fail_call(Call::read, error));
    EXPECT_EQ(to_string(read_all(*source, 10)), to_string(letters())) << error;
  }
}

TEST(FdSource, FailsWhereItCannotWait) {
  for (const auto call : {Call::eventfd, Call::poll}) {
    auto ends = make_pipe_ends();
    const auto source = from_fd(ends.read.get());
    const CallHook hook(fail_call(call, ENOMEM));
    EXPECT_EQ(code_of([&] { read_once(*source, 1); }), std::errc::not_enough_memory);
  }
}

TEST(FdSource, IsCancelledWhileBytesAreThere) {
  auto ends = make_pipe_ends();
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), to_bytes("hello"));
  source->cancel();
  EXPECT_EQ(text_of([&] { read_once(*source, 1); }),
            "read from " + name_of(ends.read.get()) + ": cancelled");
  int left = 0;
  ASSERT_EQ(::ioctl(ends.read.get(), FIONREAD, &left), 0);
  EXPECT_EQ(left, 5);
}

TEST(FdSource, EndsATerminalOnceAndForAll) {
  auto ends = make_terminal_ends();
  const auto source = from_fd(ends.read.get());
  write_all(ends.write.get(), to_bytes("line\n\x04more\n"));
  EXPECT_EQ(to_string(read_all(*source)), "line\n");
  EXPECT_EQ(read_once(*source, 10).size(), 0U);
}

}  // namespace
}  // namespace seekable::test
