// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

#include "async.hpp"
#include "buffer.hpp"
#include "fast_call.hpp"
#include "gil.hpp"
#include "numbers.hpp"

namespace seekable::python {

namespace {

using Timeout = std::optional<double>;

std::unique_ptr<Buffer> make_buffer(const std::string& kind, const py::object& stream,
                                    const py::dict& settings) {
  return guarded(nullptr, [&] {
    Options options = make_options(settings);
    if (kind == "pipe") {
      Pipe pipe = make_pipe(std::move(options));
      stream.cast<PipeWriter&>().set(std::move(pipe.writer));
      return std::make_unique<Buffer>(std::move(pipe.buffer));
    }
    Origin origin = make_origin(kind, stream, settings);
    return std::make_unique<Buffer>(std::move(origin), std::move(options));
  });
}

// As the interpreter calls them.

/// Most reads are `read(offset, size)` of bytes in memory, and are spared all that others need.
PyObject* read_at_once(PyObject* self, PyObject* const* given) noexcept {
  const Buffer* const buffer = made_of<Buffer>(self);
  const auto offset = small_size(given[0]);
  const auto size = small_size(given[1]);
  return buffer == nullptr || !offset || !size ? nullptr : buffer->read_at_once(*offset, *size);
}

PyObject* read(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  static constexpr Arguments<3>::Names parameters{"offset", "size", "timeout"};
  const bool is_plain = count == 2 && names == nullptr;
  if (is_plain) {
    if (PyObject* const bytes = read_at_once(self, given)) return bytes;
  }
  return or_null([&] {
    const Arguments<3> of(parameters, 2, given, count, names);
    const Buffer& buffer = self_of<Buffer>(self);
    const std::uint64_t offset = to_offset(of[0], "offset");
    const auto size = to_size(of[1]);
    const Deadline deadline(of.seconds(2));
    return is_plain ? buffer.read_anywhere(offset, size, deadline)
                    : buffer.read(offset, size, deadline);
  });
}

PyObject* read_some(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  static constexpr Arguments<3>::Names parameters{"offset", "size", "timeout"};
  return or_null([&] {
    const Arguments<3> of(parameters, 1, given, count, names);
    return self_of<Buffer>(self).read_some(to_offset(of[0], "offset"), to_size(of[1]),
                                           Deadline(of.seconds(2)));
  });
}

PyObject* read_kept(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  static constexpr Arguments<2>::Names parameters{"offset", "size"};
  return or_null([&] {
    const Arguments<2> of(parameters, 2, given, count, names);
    return self_of<Buffer>(self).read_kept(to_offset(of[0], "offset"), to_size(of[1]));
  });
}

PyObject* read_into(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  static constexpr Arguments<3>::Names parameters{"offset", "buffer", "timeout"};
  return or_null([&] {
    const Arguments<3> of(parameters, 2, given, count, names);
    const Room room(of[1]);
    return py::int_(self_of<Buffer>(self).read_into(
        to_offset(of[0], "offset"), {room.data(), room.size()}, Deadline(of.seconds(2))));
  });
}

PyObject* view(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  static constexpr Arguments<3>::Names parameters{"offset", "size", "timeout"};
  return or_null([&] {
    const Arguments<3> of(parameters, 0, given, count, names);
    const std::uint64_t offset = of[0].is_none() ? 0 : to_offset(of[0], "offset");
    return self_of<Buffer>(self).view(offset, to_size(of[1]), Deadline(of.seconds(2)));
  });
}

constexpr int fast = METH_FASTCALL | METH_KEYWORDS;
PyMethodDef fast_methods[] = {
    {"read", as_method(&read), fast,
     "read($self, offset, size, timeout=None)\n--\n\n"
     "The bytes `[offset, offset + size)`, fewer only at the end of the stream; to the end "
     "where `size` is negative or None. After `timeout` seconds it raises TimedOutError."},
    {"read_some", as_method(&read_some), fast,
     "read_some($self, offset, size=-1, timeout=None)\n--\n\n"
     "What is there now, at most 64 KiB where no size is given; waits only if nothing is; "
     "empty only at the end."},
    {"read_kept", as_method(&read_kept), fast,
     "read_kept($self, offset, size)\n--\n\n"
     "What is kept now of `[offset, offset + size)`, in memory or on disk; at most 64 KiB where no "
     "size is given. Never waits, never pulls."},
    {"readinto_at", as_method(&read_into), fast,
     "readinto_at($self, offset, buffer, timeout=None)\n--\n\n"
     "As `read`, into memory of the caller; returns how many bytes."},
    {"view", as_method(&view), fast,
     "view($self, offset=0, size=-1, timeout=None)\n--\n\n"
     "Bytes from `offset` without a copy: at least one, often fewer than `size`, at most "
     "to the end of a block of 64 KiB; empty only at the end. They stay, and count against "
     "the limits, as long as the memoryview or a slice of it does."},
    {nullptr, nullptr, 0, nullptr},
};

bool wait_for(const py::object& self, const py::object& begin, const py::object& end,
              Timeout timeout) {
  return self_of<Buffer>(self).wait_for({to_offset(begin, "begin"), to_offset(end, "end")},
                                        Deadline(timeout));
}

std::optional<std::uint64_t> size(const py::object& self) {
  return self_of<Buffer>(self).open()->size();
}

std::uint64_t available(const py::object& self, const py::object& offset) {
  return self_of<Buffer>(self).open()->available(to_offset(offset, "offset"));
}

void release_before(const py::object& self, const py::object& offset) {
  const auto buffer = self_of<Buffer>(self).open();
  const std::uint64_t first = to_offset(offset, "offset");
  guarded(buffer.get(), [&] { without_gil([&] { buffer->release_before(first); }); });
}

void cancel(const py::object& self) {
  const auto buffer = self_of<Buffer>(self).open();
  without_gil([&] { buffer->cancel(); });
}

void prefetch(const py::object& self, const py::iterable& ranges) {
  const auto buffer = self_of<Buffer>(self).open();
  std::vector<ByteRange> list;
  for (const py::handle range : ranges) {
    if (!py::isinstance<py::sequence>(range) || py::len(range) != 2) {
      throw py::type_error("prefetch: each range is a pair (begin, end)");
    }
    const auto pair = py::reinterpret_borrow<py::sequence>(range);
    list.push_back({to_offset(pair[0], "begin"), to_offset(pair[1], "end")});
  }
  guarded(buffer.get(), [&] { without_gil([&] { buffer->prefetch(list); }); });
}

void save(const py::object& self, const std::string& path, Timeout timeout) {
  const Buffer& of = self_of<Buffer>(self);
  const auto buffer = of.open();
  of.wait_for_end(Deadline(timeout));
  guarded(buffer.get(), [&] { without_gil([&] { buffer->save(path); }); });
}

}  // namespace

void bind_buffer(py::module_& module) {
  py::class_<Buffer> type(module, "Buffer", py::custom_type_setup(&collect_cycles<Buffer>));
  type.def(py::init(&make_buffer), py::arg("kind"), py::arg("stream"), py::arg("settings"))
      .def("wait_for", &wait_for, py::arg("begin"), py::arg("end"), py::arg("timeout") = py::none(),
           "True when the bytes, as far as the stream reaches, are kept; False after `timeout`.")
      .def(
          "wait_for_size",
          [](const py::object& self, Timeout timeout) {
            return self_of<Buffer>(self).wait_for_size(Deadline(timeout));
          },
          py::arg("timeout") = py::none(),
          "The size: the declared one at once, else by asking the source, else by reading on.")
      .def_property_readonly("size", &size, "The declared or reached size, if it is known now.")
      .def("available", &available, py::arg("offset") = 0,
           "How many bytes are kept from `offset` on, now. Never waits, never pulls.")
      .def(
          "is_exhausted",
          [](const py::object& self) { return self_of<Buffer>(self).open()->exhausted(); },
          "True when the end is confirmed and no byte is missing. Never waits, never pulls.")
      .def_property_readonly(
          "failed",
          [](const py::object& self) {
            return self_of<Buffer>(self).open()->failure().has_value();
          },
          "True where the stream has failed: a read that needs more raises why.")
      .def("prefetch", &prefetch, py::arg("ranges"),
           "A hint that these ranges, each `(begin, end)`, will be read. Returns at once.")
      .def("release_before", &release_before, py::arg("offset"),
           "Gives up what is below `offset`: to read it raises ReleasedError.")
      .def("cancel", &cancel, "Ends the fill: whoever waits is told, what is kept can be read.")
      .def("save", &save, py::arg("path"), py::arg("timeout") = py::none(),
           "Waits for the end, then the whole stream stands at `path`, never half of it.")
      .def(
          "stats", [](const py::object& self) { return self_of<Buffer>(self).stats(); },
          "Counters: hits, waits, source_reads, bytes_on_wire, reopened, read_through, spills, "
          "spilled_bytes; bytes held now: memory_bytes, spool_bytes; of a URL: http_requests, "
          "http_bytes_received.")
      .def(
          "residency", [](const py::object& self) { return self_of<Buffer>(self).residency(); },
          "Which bytes `[begin, end)` are in \"memory\" or \"spool\", \"missing\" or \"released\".")
      .def(
          "close", [](const py::object& self) { self_of<Buffer>(self).close(); },
          "Gives everything up: memory, disk, connections. Whoever is in a call is told.")
      .def_property_readonly("closed", [](const py::object& self) {
        const Buffer* const made = made_of<Buffer>(self.ptr());
        return made == nullptr || made->closed();
      });
  add_methods(type, fast_methods);
}

}  // namespace seekable::python
