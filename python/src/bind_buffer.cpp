// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <utility>
#include <vector>

#include <pybind11/stl/filesystem.h>

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

PyObject* read(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  static constexpr Arguments<3>::Names parameters{"offset", "size", "timeout"};
  return or_null([&] {
    const Arguments<3> of(parameters, 2, given, count, names);
    return self_of<Buffer>(self).read(to_offset(of[0], "offset"), to_size(of[1]),
                                      Deadline(of.seconds(2)));
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
    {"read", as_method(&read), fast, "read(offset, size, timeout=None)"},
    {"read_some", as_method(&read_some), fast, "read_some(offset, size=-1, timeout=None)"},
    {"readinto_at", as_method(&read_into), fast, "readinto_at(offset, buffer, timeout=None)"},
    {"view", as_method(&view), fast, "view(offset=0, size=-1, timeout=None)"},
    {nullptr, nullptr, 0, nullptr},
};

bool wait_for(const Buffer& self, const py::object& begin, const py::object& end, Timeout timeout) {
  return self.wait_for({to_offset(begin, "begin"), to_offset(end, "end")}, Deadline(timeout));
}

std::optional<std::uint64_t> size(const Buffer& self) { return self.open()->size(); }

std::uint64_t available(const Buffer& self, const py::object& offset) {
  return self.open()->available(to_offset(offset, "offset"));
}

void release_before(const Buffer& self, const py::object& offset) {
  const auto buffer = self.open();
  const std::uint64_t first = to_offset(offset, "offset");
  guarded(buffer.get(), [&] { without_gil([&] { buffer->release_before(first); }); });
}

void cancel(const Buffer& self) {
  const auto buffer = self.open();
  without_gil([&] { buffer->cancel(); });
}

void prefetch(const Buffer& self,
              const std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges) {
  const auto buffer = self.open();
  std::vector<ByteRange> list;
  list.reserve(ranges.size());
  for (const auto& [begin, end] : ranges) list.push_back({begin, end});
  guarded(buffer.get(), [&] { without_gil([&] { buffer->prefetch(list); }); });
}

/// In the main thread, too, nothing ends this wait but the stream: what is half written goes away.
void save(const Buffer& self, const std::filesystem::path& path, Timeout timeout) {
  const auto buffer = self.open();
  const Deadline deadline(timeout);
  guarded(buffer.get(), [&] {
    self.wait_for_size(deadline);
    deadline.run(false, [&](const Wait* wait) {
      wait == nullptr ? buffer->save(path) : buffer->save(path, *wait);
    });
  });
}

/// A generator may hold the buffer that it fills.
void collect_cycles(PyHeapTypeObject* heap_type) {
  PyTypeObject& type = heap_type->ht_type;
  type.tp_flags |= Py_TPFLAGS_HAVE_GC;
  type.tp_traverse = [](PyObject* self, visitproc visit, void* argument) {
    if (const int result = visit(reinterpret_cast<PyObject*>(Py_TYPE(self)), argument)) {
      return result;
    }
    return py::cast<const Buffer&>(py::handle(self)).traverse(visit, argument);
  };
  type.tp_clear = [](PyObject* self) {
    py::cast<Buffer&>(py::handle(self)).close();
    return 0;
  };
}

}  // namespace

void bind_buffer(py::module_& module) {
  py::class_<Buffer> type(module, "Buffer", py::dynamic_attr(),
                          py::custom_type_setup(&collect_cycles));
  type.def(py::init(&make_buffer), py::arg("kind"), py::arg("stream"), py::arg("settings"))
      .def("wait_for", &wait_for, py::arg("begin"), py::arg("end"), py::arg("timeout") = py::none())
      .def(
          "wait_for_size",
          [](const Buffer& self, Timeout timeout) { return self.wait_for_size(Deadline(timeout)); },
          py::arg("timeout") = py::none())
      .def_property_readonly("size", &size)
      .def("available", &available, py::arg("offset") = 0)
      .def("is_exhausted", [](const Buffer& self) { return self.open()->exhausted(); })
      .def("prefetch", &prefetch, py::arg("ranges"))
      .def("release_before", &release_before, py::arg("offset"))
      .def("cancel", &cancel)
      .def("save", &save, py::arg("path"), py::arg("timeout") = py::none())
      .def("stats", &Buffer::stats)
      .def("residency", &Buffer::residency)
      .def("close", &Buffer::close)
      .def_property_readonly("closed", &Buffer::closed);
  add_methods(type, fast_methods);
}

}  // namespace seekable::python
