// SPDX-License-Identifier: Apache-2.0
#include "support/feeds.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <system_error>

namespace seekable::test {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

constexpr auto canary = std::byte{0xA5};

}  // namespace

ScratchDirectory::ScratchDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "seekable-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail("mkdtemp");
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path ScratchDirectory::file(const std::string& name,
                                             std::span<const std::byte> content) const {
  const auto path = path_ / name;
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(content.data()),
            static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) fail("write a scratch file");
  return path;
}

Ends make_pipe_ends() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

FileDescriptor full_pipe(std::span<const std::byte> content) {
  constexpr int size = 1024 * 1024;
  Ends ends = make_pipe_ends();
  if (::fcntl(ends.write.get(), F_SETPIPE_SZ, size) < size || content.size() > size) {
    throw std::system_error(errno, std::system_category(), "make a large pipe");
  }
  write_all(ends.write.get(), content);
  return std::move(ends.read);
}

Ends make_socket_ends() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Ends make_terminal_ends() {
  FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) fail("openpt");
  char name[128];
  if (::ptsname_r(master.get(), name, sizeof name) != 0) fail("ptsname_r");
  FileDescriptor slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) fail(name);
  termios settings{};
  if (::tcgetattr(slave.get(), &settings) != 0) fail("tcgetattr");
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
  if (::tcsetattr(slave.get(), TCSANOW, &settings) != 0) fail("tcsetattr");
  // A write that waits does not notice that the other end goes; poll does.
  if (::fcntl(master.get(), F_SETFL, O_RDWR | O_NONBLOCK) != 0) fail("fcntl");
  return {std::move(slave), std::move(master)};
}

bool write_all(int fd, std::span<const std::byte> bytes) {
  [[maybe_unused]] static const auto ignored = std::signal(SIGPIPE, SIG_IGN);
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd file{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&file, 1, -1);
      if ((file.revents & POLLHUP) != 0) return false;
      continue;
    }
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

void wait_for_hangup(int fd) {
  pollfd file{.fd = fd, .events = 0, .revents = 0};
  while (::poll(&file, 1, -1) < 0 && errno == EINTR) {
  }
}

std::vector<std::byte> read_once(Source& source, std::size_t size) {
  std::vector<std::byte> out(size + 16, canary);
  const std::size_t got = source.read_some(std::span(out).first(size));
  EXPECT_LE(got, size);
  EXPECT_EQ(std::count(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(), canary), 16);
  out.resize(std::min(got, size));
  return out;
}

std::vector<std::byte> read_all(Source& source, std::size_t span_size) {
  std::vector<std::byte> all;
  for (;;) {
    const auto piece = read_once(source, span_size);
    if (piece.empty()) return all;
    all.insert(all.end(), piece.begin(), piece.end());
  }
}

std::error_code code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

std::string text_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

CallHook::Answer fail_call(detail::sys::Call call, int error, int times) {
  const auto left = std::make_shared<std::atomic<int>>(times);
  return [=](detail::sys::Call asked) -> std::optional<detail::sys::Fault> {
    if (asked != call || left->fetch_sub(1) <= 0) return std::nullopt;
    return detail::sys::Fault{.error = error, .at_most = 0};
  };
}

CallHook::Answer tell_poll(const std::shared_ptr<Gate>& gate) {
  return [=](detail::sys::Call asked) -> std::optional<detail::sys::Fault> {
    static const std::atomic<bool> no_wait{true};
    if (asked == detail::sys::Call::poll) gate->enter(no_wait);
    return std::nullopt;
  };
}

}  // namespace seekable::test
