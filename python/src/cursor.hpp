// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "buffer.hpp"

namespace seekable::python {

/// A position in a buffer, with the calls of a file. What a call throws leaves the position where
/// it was.
///
/// Threads: a call that is made while another one waits waits for that one.
class Cursor {
 public:
  Cursor(py::object buffer, std::uint64_t offset);
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  py::object read(std::optional<std::uint64_t> size);
  py::object read1(std::optional<std::uint64_t> size);
  std::size_t readinto(std::span<std::byte> out);
  std::size_t readinto1(std::span<std::byte> out);
  /// The bytes that are there now, at least one, at most 64 KiB; the position does not move.
  py::object peek();
  /// Up to the next newline, or `limit` bytes; nothing at the end.
  py::object readline(std::optional<std::uint64_t> limit);
  std::uint64_t seek(std::int64_t offset, int whence);
  std::uint64_t tell() const noexcept { return position_; }

  int traverse(visitproc visit, void* argument) const;
  void clear() noexcept { buffer_ = py::none(); }

 private:
  /// One thread's use of the position.
  class Turn {
   public:
    explicit Turn(Cursor& cursor) : cursor_(cursor) { cursor_.enter(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { cursor_.leave(); }

   private:
    Cursor& cursor_;
  };

  void enter();
  void leave() noexcept;
  const Buffer& buffer() const;
  void look_ahead(std::uint64_t offset);

  py::object buffer_;
  std::uint64_t position_ = 0;
  std::string ahead_;           // bytes that were looked at for a line
  std::uint64_t ahead_at_ = 0;  // their offset

  // Who has the turn. Held for a moment only, so also with the interpreter lock.
  std::mutex mutex_;
  std::condition_variable left_;
  unsigned long holder_ = 0;  // a thread, as Python knows it; 0: nobody
  unsigned waiting_ = 0;
  unsigned forks_ = 0;  // how many forks have led to the process that made the two above
};

void bind_cursor(py::module_& module);

}  // namespace seekable::python
