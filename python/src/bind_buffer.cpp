// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <utility>
#include <vector>

#include <pybind11/stl/filesystem.h>

#include "async.hpp"
#include "buffer.hpp"
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

py::object read(const Buffer& self, const py::object& offset, const py::object& size,
                Timeout timeout) {
  return self.read(to_offset(offset, "offset"), to_size(size), Deadline(timeout));
}

py::object read_some(const Buffer& self, const py::object& offset, const py::object& size,
                     Timeout timeout) {
  return self.read_some(to_offset(offset, "offset"), to_size(size), Deadline(timeout));
}

std::size_t read_into(const Buffer& self, const py::object& offset, const py::object& out,
                      Timeout timeout) {
  const Room room(out);
  return self.read_into(to_offset(offset, "offset"), {room.data(), room.size()}, Deadline(timeout));
}

py::object view(const Buffer& self, const py::object& offset, const py::object& size,
                Timeout timeout) {
  return self.view(to_offset(offset, "offset"), to_size(size), Deadline(timeout));
}

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
  py::class_<Buffer>(module, "Buffer", py::dynamic_attr(), py::custom_type_setup(&collect_cycles))
      .def(py::init(&make_buffer), py::arg("kind"), py::arg("stream"), py::arg("settings"))
      .def("read", &read, py::arg("offset"), py::arg("size"), py::arg("timeout") = py::none())
      .def("read_some", &read_some, py::arg("offset"), py::arg("size") = -1,
           py::arg("timeout") = py::none())
      .def("readinto_at", &read_into, py::arg("offset"), py::arg("buffer"),
           py::arg("timeout") = py::none())
      .def("view", &view, py::arg("offset") = 0, py::arg("size") = -1,
           py::arg("timeout") = py::none())
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
}

}  // namespace seekable::python
