// SPDX-License-Identifier: Apache-2.0
#include "cursor.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "fast_call.hpp"
#include "gil.hpp"
#include "numbers.hpp"

namespace seekable::python {

namespace {

/// So much is looked at for a line at once.
constexpr std::uint64_t line_step = 8 * 1024;

/// Processes, from the first on, of which each has forked the next.
std::atomic<unsigned> forks{0};
[[maybe_unused]] const int counts_forks =
    ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

Cursor::Cursor(py::object buffer, std::uint64_t offset)
    : buffer_(std::move(buffer)), position_(offset), forks_(forks) {
  (void)this->buffer().open();
}

const Buffer& Cursor::buffer() const { return self_of<Buffer>(buffer_); }

void Cursor::enter() {
  const unsigned long self = ::PyThread_get_thread_ident();
  if (forks_ != forks.load(std::memory_order_relaxed)) [[unlikely]] {
    // Whoever had the turn is not in this process.
    new (&mutex_) std::mutex;
    new (&left_) std::condition_variable;
    holder_ = waiting_ = 0;
    forks_ = forks;
  }
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (holder_ == self)
        throw std::runtime_error(
            "this file is in a call of this thread already: its own stream, or a handler of a "
            "signal, reads it");
      if (holder_ == 0) {
        holder_ = self;
        return;
      }
    }
    without_gil([this] {
      std::unique_lock lock(mutex_);
      ++waiting_;
      left_.wait_for(lock, signal_period, [this] { return holder_ == 0; });
      --waiting_;
    });
    if (::PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

void Cursor::leave() noexcept {
  const std::lock_guard lock(mutex_);
  holder_ = 0;
  if (waiting_ > 0) left_.notify_one();
}

py::object Cursor::read(std::optional<std::uint64_t> size) {
  const Turn turn(*this);
  py::object bytes = buffer().read(position_, size, Deadline(std::nullopt));
  position_ += static_cast<std::uint64_t>(PyBytes_GET_SIZE(bytes.ptr()));
  return bytes;
}

py::object Cursor::read1(std::optional<std::uint64_t> size) {
  const Turn turn(*this);
  py::object bytes = buffer().read_some(position_, size, Deadline(std::nullopt));
  position_ += static_cast<std::uint64_t>(PyBytes_GET_SIZE(bytes.ptr()));
  return bytes;
}

std::size_t Cursor::readinto(std::span<std::byte> out) {
  const Turn turn(*this);
  const std::size_t got = buffer().read_into(position_, out, Deadline(std::nullopt));
  position_ += got;
  return got;
}

std::size_t Cursor::readinto1(std::span<std::byte> out) {
  const Turn turn(*this);
  const std::size_t got = buffer().read_some_into(position_, out, Deadline(std::nullopt));
  position_ += got;
  return got;
}

py::object Cursor::peek() {
  const Turn turn(*this);
  return buffer().read_some(position_, std::nullopt, Deadline(std::nullopt));
}

/// Makes `ahead_` hold the byte at `offset`, or nothing at the end. Bytes do not change, so what
/// was looked at before is good, unless it was given up meanwhile.
void Cursor::look_ahead(std::uint64_t offset) {
  const bool is_there = offset >= ahead_at_ && offset - ahead_at_ < ahead_.size();
  if (is_there && buffer().open()->available(offset) > 0) return;
  const py::object bytes = buffer().read_some(offset, line_step, Deadline(std::nullopt));
  ahead_.assign(PyBytes_AS_STRING(bytes.ptr()),
                static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr())));
  ahead_at_ = offset;
}

py::object Cursor::readline(std::optional<std::uint64_t> limit) {
  const Turn turn(*this);
  std::string line;  // Of a line that lies in several pieces: what was found so far.
  for (std::uint64_t at = position_;;) {
    const std::uint64_t most = limit ? *limit - line.size() : ~std::uint64_t{0};
    if (most > 0) look_ahead(at);
    std::string_view piece;
    if (most > 0 && !ahead_.empty()) {
      piece = std::string_view(ahead_).substr(static_cast<std::size_t>(at - ahead_at_));
    }
    piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(most, piece.size())));
    const std::size_t newline = piece.find('\n');
    const bool is_last = piece.empty() || newline != std::string_view::npos;
    if (newline != std::string_view::npos) piece = piece.substr(0, newline + 1);
    at += piece.size();
    if (is_last && line.empty()) {
      position_ = at;
      return py::bytes(piece.data(), piece.size());
    }
    line += piece;
    if (is_last || (limit && line.size() == *limit)) {
      position_ = at;
      return py::bytes(line);
    }
  }
}

std::uint64_t Cursor::seek(std::int64_t offset, int whence) {
  const Turn turn(*this);
  std::uint64_t from = 0;
  if (whence == 1) {
    from = position_;
  } else if (whence == 2) {
    from = buffer().wait_for_size(Deadline(std::nullopt));
  } else if (whence != 0) {
    throw py::value_error("whence " + std::to_string(whence) +
                          " is none of 0 (begin), 1 (current) and 2 (end)");
  }
  const auto size = static_cast<std::uint64_t>(offset < 0 ? -(offset + 1) : offset);
  if (offset < 0 ? size >= from : from + size < from) {
    throw py::value_error("seek to before byte 0, or past 2**64 - 1: " + std::to_string(offset) +
                          " from " + std::to_string(from));
  }
  position_ = offset < 0 ? from - size - 1 : from + size;
  return position_;
}

int Cursor::traverse(visitproc visit, void* argument) const {
  return buffer_.ptr() == nullptr ? 0 : visit(buffer_.ptr(), argument);
}

namespace {

// As the interpreter calls them.

template <py::object (Cursor::*call)(std::optional<std::uint64_t>)>
PyObject* give(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  return or_null([&] {
    if (count > 1) throw py::type_error("takes a size alone");
    const auto size =
        count == 0 ? std::nullopt : to_size(py::reinterpret_borrow<py::object>(given[0]));
    return (self_of<Cursor>(self).*call)(size);
  });
}

template <std::size_t (Cursor::*call)(std::span<std::byte>)>
PyObject* fill_room(PyObject* self, PyObject* out) {
  return or_null([&] {
    const Room room(py::reinterpret_borrow<py::object>(out));
    return py::int_((self_of<Cursor>(self).*call)({room.data(), room.size()}));
  });
}

PyMethodDef fast_methods[] = {
    {"read", as_method(&give<&Cursor::read>), METH_FASTCALL, "read($self, size=-1, /)\n--\n\n"},
    {"read1", as_method(&give<&Cursor::read1>), METH_FASTCALL, "read1($self, size=-1, /)\n--\n\n"},
    {"readline", as_method(&give<&Cursor::readline>), METH_FASTCALL,
     "readline($self, size=-1, /)\n--\n\n"},
    {"readinto", as_method(&fill_room<&Cursor::readinto>), METH_O,
     "readinto($self, buffer, /)\n--\n\n"},
    {"readinto1", as_method(&fill_room<&Cursor::readinto1>), METH_O,
     "readinto1($self, buffer, /)\n--\n\n"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_cursor(py::module_& module) {
  py::class_<Cursor> type(module, "Cursor", py::custom_type_setup(&collect_cycles<Cursor>));
  type.def(py::init([](py::object buffer, const py::object& offset) {
             return std::make_unique<Cursor>(std::move(buffer), to_offset(offset, "offset"));
           }),
           py::arg("buffer"), py::arg("offset") = 0)
      .def("peek", [](const py::object& self) { return self_of<Cursor>(self).peek(); })
      .def(
          "seek",
          [](const py::object& self, const py::object& offset, int whence) {
            return self_of<Cursor>(self).seek(to_distance(offset), whence);
          },
          py::arg("offset"), py::arg("whence") = 0)
      .def("tell", [](const py::object& self) { return self_of<Cursor>(self).tell(); });
  add_methods(type, fast_methods);
}

}  // namespace seekable::python
