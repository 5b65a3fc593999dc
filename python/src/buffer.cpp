// SPDX-License-Identifier: Apache-2.0
#include "buffer.hpp"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "gil.hpp"
#include "lent.hpp"
#ifdef SEEKABLE_HAS_HTTP
#include "seekable/http.hpp"
#endif

namespace seekable::python {

namespace {

/// So much at once is waited for: a wait that a signal interrupts is begun again, and copies again.
constexpr std::size_t step_size = 1024 * 1024;

/// Destroys a buffer, on whichever thread gives it up, with or without the interpreter lock: that
/// may wait for a thread that needs the lock, or is in Python code that does not come back.
class Delete {
 public:
  explicit Delete(std::shared_ptr<PythonSource::State> state) : state_(std::move(state)) {}

  void operator()(StreamBuffer* buffer) const noexcept {
    if (::PyGILState_Check() != 0) {
      without_gil([&] { destroy(buffer); });
    } else {
      destroy(buffer);
    }
  }

 private:
  void destroy(StreamBuffer* buffer) const noexcept {
    buffer->cancel();
    if (interpreter_is_over()) return;  // Left to the end of the process: its threads may sleep.
    if (state_ == nullptr) {
      delete buffer;
      return;
    }
    state_->closed.store(true, std::memory_order_seq_cst);
    if (state_->inside.load(std::memory_order_seq_cst) == 0) {
      delete buffer;
      return;
    }
    try {
      std::thread([buffer] { delete buffer; }).detach();
    } catch (...) {
      delete buffer;
    }
  }

  std::shared_ptr<PythonSource::State> state_;
};

/// Either form of a call.
auto read_at(const StreamBuffer& buffer, std::uint64_t offset, std::span<std::byte> out) {
  return [&buffer, offset, out](const Wait* wait) {
    return wait == nullptr ? buffer.read_at(offset, out) : buffer.read_at(offset, out, *wait);
  };
}

py::object new_bytes(std::uint64_t size) {
  if (size > PY_SSIZE_T_MAX) throw std::bad_alloc();
  PyObject* const bytes = ::PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (bytes == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(bytes);
}

/// Of bytes that nobody else knows.
void resize(py::object& bytes, std::uint64_t size) {
  if (size > PY_SSIZE_T_MAX) throw std::bad_alloc();
  PyObject* raw = bytes.release().ptr();
  if (::_PyBytes_Resize(&raw, static_cast<Py_ssize_t>(size)) != 0) throw py::error_already_set();
  bytes = py::reinterpret_steal<py::object>(raw);
}

std::span<std::byte> room_of(const py::object& bytes) {
  return {reinterpret_cast<std::byte*>(PyBytes_AS_STRING(bytes.ptr())),
          static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

}  // namespace

Buffer::Buffer(Origin origin, Options options)
    : buffer_(new StreamBuffer(std::move(origin.source), std::move(options)),
              Delete(origin.objects.state)),
      objects_(std::move(origin.objects)),
      web_(origin.web) {}

Buffer::Buffer(StreamBuffer&& buffer)
    : buffer_(new StreamBuffer(std::move(buffer)), Delete(nullptr)) {}

std::shared_ptr<StreamBuffer> Buffer::open() const {
  if (buffer_ == nullptr) throw py::value_error("I/O operation on a closed buffer");
  return buffer_;
}

void Buffer::close() noexcept {
  if (buffer_ == nullptr) return;
  auto buffer = std::move(buffer_);
  auto objects = std::exchange(objects_, {});
  web_ = nullptr;
  if (objects.state) objects.state->closed.store(true, std::memory_order_seq_cst);
  without_gil([&] { buffer->cancel(); });
  buffer.reset();
  if (objects.state) objects.state->drop();
}

/// Fills `out` as far as the stream reaches.
std::size_t Buffer::fill(const StreamBuffer& buffer, std::uint64_t offset, std::span<std::byte> out,
                         const Deadline& deadline) const {
  if (out.size() <= copied_with_lock && buffer.read_in_memory(offset, out)) return out.size();
  // What is on disk needs no wait.
  std::size_t done = without_gil([&] { return buffer.read_kept_at(offset, out); });
  while (done < out.size()) {
    const auto step = out.subspan(done, std::min(step_size, out.size() - done));
    const std::size_t got = deadline.run(may_pull(), read_at(buffer, offset + done, step));
    if (got == 0) break;
    done += got;
  }
  return done;
}

/// Fills `out` with what is there now, and waits only if nothing is.
std::size_t Buffer::fill_some(const StreamBuffer& buffer, std::uint64_t offset,
                              std::span<std::byte> out, const Deadline& deadline) const {
  if (out.size() <= copied_with_lock && buffer.read_in_memory(offset, out)) return out.size();
  return deadline.run(may_pull(), [&](const Wait* wait) {
    return wait == nullptr ? buffer.read_some_at(offset, out)
                           : buffer.read_some_at(offset, out, *wait);
  });
}

/// A size from outside never decides an allocation: it grows with what has come.
py::object Buffer::read_all(const StreamBuffer& buffer, std::uint64_t offset, std::uint64_t size,
                            const Deadline& deadline) const {
  std::uint64_t done = 0;
  py::object bytes = new_bytes(std::min<std::uint64_t>(size, copied_with_lock));
  for (;;) {
    const auto room = room_of(bytes).subspan(static_cast<std::size_t>(done));
    const std::size_t got = fill(buffer, offset + done, room, deadline);
    done += got;
    if (got < room.size() || done == size) break;
    const std::uint64_t known = std::max<std::uint64_t>(
        {buffer.available(offset + done, size - done), done, copied_with_lock});
    resize(bytes, done + std::min(size - done, known));
  }
  if (done < room_of(bytes).size()) resize(bytes, done);
  return bytes;
}

PyObject* Buffer::read_at_once(std::uint64_t offset, std::uint64_t size) const noexcept {
  // With the interpreter lock: nobody can close it meanwhile.
  if (size > copied_with_lock || buffer_ == nullptr) return nullptr;
  // The bytes are on their way while room is made for them.
  const auto wanted = static_cast<std::size_t>(size);
  if (!buffer_->bring_near(offset, wanted)) return nullptr;
  PyObject* const bytes = ::PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  if (bytes == nullptr) {
    ::PyErr_Clear();
    return nullptr;
  }
  auto* const room = reinterpret_cast<std::byte*>(PyBytes_AS_STRING(bytes));
  if (buffer_->read_in_memory(offset, {room, wanted})) return bytes;
  Py_DECREF(bytes);
  return nullptr;
}

py::object Buffer::read(std::uint64_t offset, std::optional<std::uint64_t> size,
                        const Deadline& deadline) const {
  if (size) {
    PyObject* const bytes = read_at_once(offset, *size);
    if (bytes != nullptr) return py::reinterpret_steal<py::object>(bytes);
  }
  return read_anywhere(offset, size, deadline);
}

py::object Buffer::read_anywhere(std::uint64_t offset, std::optional<std::uint64_t> size,
                                 const Deadline& deadline) const {
  const auto buffer = open();
  const std::uint64_t most = ~std::uint64_t{0} - offset;
  if (size && *size > most) throw py::value_error("offset + size is past 2**64 - 1");
  return guarded(buffer.get(), [&] {
    if (size && *size <= copied_with_lock) {
      // What is on disk needs no wait.
      py::object bytes = new_bytes(*size);
      const auto room = room_of(bytes);
      if (*size == without_gil([&] { return buffer->read_kept_at(offset, room); })) return bytes;
    }
    return read_all(*buffer, offset, size.value_or(most), deadline);
  });
}

py::object Buffer::read_some(std::uint64_t offset, std::optional<std::uint64_t> size,
                             const Deadline& deadline) const {
  const auto buffer = open();
  return guarded(buffer.get(), [&] {
    constexpr std::uint64_t most = copied_with_lock;
    py::object bytes = new_bytes(std::min(size.value_or(most), most));
    const std::size_t got = fill_some(*buffer, offset, room_of(bytes), deadline);
    if (got < room_of(bytes).size()) resize(bytes, got);
    return bytes;
  });
}

py::object Buffer::read_kept(std::uint64_t offset, std::optional<std::uint64_t> size) const {
  const auto buffer = open();
  return guarded(buffer.get(), [&] {
    const std::uint64_t wanted = size.value_or(copied_with_lock);
    // One at least: where nothing is kept it may be that it was given up.
    const std::uint64_t kept = std::max<std::uint64_t>(1, buffer->available(offset, wanted));
    py::object bytes = new_bytes(std::min(wanted, kept));
    const auto room = room_of(bytes);
    const std::size_t got = without_gil([&] { return buffer->read_kept_at(offset, room); });
    if (got < room.size()) resize(bytes, got);
    return bytes;
  });
}

std::size_t Buffer::read_into(std::uint64_t offset, std::span<std::byte> out,
                              const Deadline& deadline) const {
  const auto buffer = open();
  return guarded(buffer.get(), [&] { return fill(*buffer, offset, out, deadline); });
}

std::size_t Buffer::read_some_into(std::uint64_t offset, std::span<std::byte> out,
                                   const Deadline& deadline) const {
  const auto buffer = open();
  return guarded(buffer.get(), [&] { return fill_some(*buffer, offset, out, deadline); });
}

py::object Buffer::view(std::uint64_t offset, std::optional<std::uint64_t> size,
                        const Deadline& deadline) const {
  const auto buffer = open();
  const std::uint64_t most = std::min<std::uint64_t>(copied_with_lock, ~std::uint64_t{0} - offset);
  const auto wanted = static_cast<std::size_t>(std::min(most, size.value_or(most)));
  return guarded(buffer.get(), [&] {
    return lend(deadline.run(may_pull(), [&](const Wait* wait) {
      return wait == nullptr ? buffer->view(offset, wanted) : buffer->view(offset, wanted, *wait);
    }));
  });
}

std::uint64_t Buffer::wait_for_size(const Deadline& deadline) const {
  const auto buffer = open();
  return guarded(buffer.get(), [&] {
    return deadline.run(may_pull(), [&](const Wait* wait) {
      return wait == nullptr ? buffer->wait_for_size() : buffer->wait_for_size(*wait);
    });
  });
}

/// As the library's `wait_for`, in pieces between which signals are looked for.
bool Buffer::wait_for(ByteRange range, const Deadline& deadline) const {
  const auto buffer = open();
  return guarded(buffer.get(), [&] {
    for (;;) {
      const auto piece = deadline.left(signal_period);
      if (without_gil([&] { return buffer->wait_for(range, piece); })) return true;
      if (::PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (deadline.is_over()) return false;
    }
  });
}

void Buffer::wait_for_end(const Deadline& deadline) const {
  constexpr ByteRange all{0, ~std::uint64_t{0}};
  const auto buffer = open();
  if (!may_pull()) {
    if (wait_for(all, deadline)) return;
    guarded(buffer.get(), [] { throw Error(Errc::timed_out, "wait for the end", 0); });
  }
  // A byte that cannot be there: until then the caller's own thread pulls all there is.
  std::byte none{};
  guarded(buffer.get(),
          [&] { return deadline.run(true, read_at(*buffer, all.end - 1, std::span(&none, 1))); });
}

py::dict Buffer::stats() const {
  const auto buffer = open();
  const Stats stats = buffer->stats();
  py::dict result;
  result["hits"] = stats.hits;
  result["waits"] = stats.waits;
  result["source_reads"] = stats.source_reads;
  result["bytes_on_wire"] = stats.bytes_on_wire;
  result["reopened"] = stats.reopened;
  result["read_through"] = stats.read_through;
  result["spills"] = stats.spills;
  result["spilled_bytes"] = stats.spilled_bytes;
  result["memory_bytes"] = stats.memory_bytes;
  result["spool_bytes"] = stats.spool_bytes;
#ifdef SEEKABLE_HAS_HTTP
  if (web_ != nullptr) {
    const HttpTraffic traffic = http_traffic(*web_);
    result["http_requests"] = traffic.requests;
    result["http_bytes_received"] = traffic.bytes_received;
  }
#endif
  return result;
}

py::list Buffer::residency() const {
  static constexpr const char* names[] = {"memory", "spool", "remote", "missing", "released"};
  const auto buffer = open();
  py::list result;
  const auto extents = guarded(buffer.get(), [&] { return buffer->residency(); });
  for (const Extent& extent : extents) {
    result.append(py::make_tuple(extent.range.begin, extent.range.end,
                                 names[static_cast<std::size_t>(extent.where)]));
  }
  return result;
}

/// For the collector of cycles: a generator may hold the buffer that it fills. While somebody is in
/// a call nothing is told, and nothing collected.
int Buffer::traverse(visitproc visit, void* argument) const {
  if (buffer_ == nullptr || buffer_.use_count() != 1) return 0;
  const auto visit_one = [&](PyObject* object) {
    return object == nullptr ? 0 : visit(object, argument);
  };
  if (objects_.state) {
    if (const int result = visit_one(objects_.state->pull); result != 0) return result;
    if (objects_.state->raised) {
      const int result = Raised::traverse(*objects_.state->raised, visit, argument);
      if (result != 0) return result;
    }
  }
  return objects_.progress ? visit_one(objects_.progress->callback()) : 0;
}

void Buffer::clear() noexcept {
  const auto state = objects_.state;
  close();
  // Views may keep the stream, and with it its failure.
  if (state && state->raised) Raised::clear(*state->raised);
}

}  // namespace seekable::python
