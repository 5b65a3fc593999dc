// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Real things for sources to read: files, pipes, terminals, programs; and faults in their calls.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "seekable/file_descriptor.hpp"
#include "seekable/source.hpp"
#include "support/sources.hpp"
#include "system/calls.hpp"

namespace seekable::test {

/// An empty directory, gone with its content when destroyed.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }

  /// Makes a file in it.
  std::filesystem::path file(const std::string& name, std::span<const std::byte> content) const;

 private:
  std::filesystem::path path_;
};

/// Two ends: what is written to `write` can be read from `read`.
struct Ends {
  FileDescriptor read;
  FileDescriptor write;
};
Ends make_pipe_ends();
/// A pipe of 1 MiB that holds `content`, which is all that will ever come of it.
FileDescriptor full_pipe(std::span<const std::byte> content);
Ends make_socket_ends();
/// A terminal: `read` is what a program has, `write` what the person types. It does not echo.
Ends make_terminal_ends();

/// Writes all of it. Returns: false if nobody reads any more.
bool write_all(int fd, std::span<const std::byte> bytes);

/// Waits until nobody holds the other end any more.
void wait_for_hangup(int fd);

/// All that a source gives, by reads of `span_size`. Checks that it writes nothing behind the span.
std::vector<std::byte> read_all(Source& source, std::size_t span_size = 65536);

/// What one call of `read_some` with a span of `size` gives.
std::vector<std::byte> read_once(Source& source, std::size_t size);

/// The code of what `action` throws; no code if it throws nothing.
std::error_code code_of(const std::function<void()>& action);

/// The text of what `action` throws; empty if it throws nothing.
std::string text_of(const std::function<void()>& action);

/// A source, and whatever feeds it, in the order in which they must go.
struct Feed {
  ScratchDirectory scratch;
  std::vector<std::shared_ptr<void>> held;
  std::jthread writer;
  FileDescriptor open_end;  ///< keeps the stream from ending
  std::unique_ptr<Source> source;
};

/// Has `answer` asked before each system call of the library, while it lives.
class CallHook final : public detail::sys::Faults {
 public:
  using Answer = std::function<std::optional<detail::sys::Fault>(detail::sys::Call)>;

  explicit CallHook(Answer answer) : answer_(std::move(answer)) {
    detail::sys::install_faults(this);
  }
  CallHook(const CallHook&) = delete;
  CallHook& operator=(const CallHook&) = delete;
  ~CallHook() override { detail::sys::install_faults(nullptr); }

  std::optional<detail::sys::Fault> before(detail::sys::Call call) override {
    return answer_(call);
  }

 private:
  Answer answer_;
};

/// Fails the next `times` calls of `call` with `error`.
CallHook::Answer fail_call(detail::sys::Call call, int error, int times = 1);

/// Opens `gate` when somebody is about to wait in `poll`.
CallHook::Answer tell_poll(const std::shared_ptr<Gate>& gate);

}  // namespace seekable::test
