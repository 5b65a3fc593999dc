// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "errors.hpp"
#include "origin.hpp"
#include "seekable/seekable.hpp"
#include "waiting.hpp"

namespace seekable::python {

/// At most so much is copied with the interpreter lock held.
inline constexpr std::size_t copied_with_lock = 64 * 1024;

/// A stream in Python. Its calls share the C++ buffer, so one thread may close it while others are
/// in a call: they are told that it was cancelled.
///
/// Threads: the interpreter lock guards the members.
class Buffer {
 public:
  Buffer(Origin origin, Options options);
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { close(); }

  /// One that a `Writer` fills.
  explicit Buffer(StreamBuffer&& buffer);

  /// Throws: py::value_error where it is closed.
  std::shared_ptr<StreamBuffer> open() const;
  bool closed() const noexcept { return buffer_ == nullptr; }
  void close() noexcept;

  /// An empty `size` is all there is.
  py::object read(std::uint64_t offset, std::optional<std::uint64_t> size,
                  const Deadline& deadline) const;

  /// The same of what is in memory and small: a new reference; null, and no error of Python, where
  /// it is not, or there is no memory.
  PyObject* read_at_once(std::uint64_t offset, std::uint64_t size) const noexcept;

  /// As `read`, for who has found that it cannot be done at once.
  py::object read_anywhere(std::uint64_t offset, std::optional<std::uint64_t> size,
                           const Deadline& deadline) const;
  py::object read_some(std::uint64_t offset, std::optional<std::uint64_t> size,
                       const Deadline& deadline) const;
  py::object read_kept(std::uint64_t offset, std::optional<std::uint64_t> size) const;
  std::size_t read_into(std::uint64_t offset, std::span<std::byte> out,
                        const Deadline& deadline) const;
  std::size_t read_some_into(std::uint64_t offset, std::span<std::byte> out,
                             const Deadline& deadline) const;
  py::object view(std::uint64_t offset, std::optional<std::uint64_t> size,
                  const Deadline& deadline) const;
  std::uint64_t wait_for_size(const Deadline& deadline) const;
  bool wait_for(ByteRange range, const Deadline& deadline) const;
  /// Returns when the whole stream is kept.
  void wait_for_end(const Deadline& deadline) const;
  py::dict stats() const;
  py::list residency() const;

  int traverse(visitproc visit, void* argument) const;
  void clear() noexcept;

 private:
  std::size_t fill(const StreamBuffer& buffer, std::uint64_t offset, std::span<std::byte> out,
                   const Deadline& deadline) const;
  std::size_t fill_some(const StreamBuffer& buffer, std::uint64_t offset, std::span<std::byte> out,
                        const Deadline& deadline) const;
  py::object read_all(const StreamBuffer& buffer, std::uint64_t offset, std::uint64_t size,
                      const Deadline& deadline) const;
  /// An iterator is entered by the thread that needs its bytes; everything else by the buffer's own
  /// thread where the main thread waits, so that a signal can end the wait.
  bool may_pull() const noexcept { return objects_.state != nullptr; }

  std::shared_ptr<StreamBuffer> buffer_;
  Origin::Objects objects_;
  const Source* web_ = nullptr;
};

void bind_buffer(py::module_& module);

}  // namespace seekable::python
