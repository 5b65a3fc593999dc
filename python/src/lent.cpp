// SPDX-License-Identifier: Apache-2.0
#include "lent.hpp"

#include <memory>
#include <utility>

#include "gil.hpp"

namespace seekable::python {

namespace py = pybind11;

namespace {

/// What a memoryview keeps alive.
class Lent {
 public:
  explicit Lent(View view) : view_(std::move(view)) {}
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  /// It may unmap a file, and be the last to hold the stream.
  ~Lent() {
    without_gil([this] { view_ = View(); });
  }

  py::buffer_info info() const {
    // Python is told that it must not write.
    auto* const data = const_cast<std::byte*>(view_.data());
    return {static_cast<void*>(data), 1, "B", 1, {view_.size()}, {1}, true};
  }

 private:
  View view_;
};

}  // namespace

py::object lend(View view) {
  const py::object lent = py::cast(std::make_unique<Lent>(std::move(view)));
  PyObject* const result = ::PyMemoryView_FromObject(lent.ptr());
  if (result == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

void bind_lent(py::module_& module) {
  py::class_<Lent>(module, "Lent", py::buffer_protocol()).def_buffer(&Lent::info);
}

}  // namespace seekable::python
