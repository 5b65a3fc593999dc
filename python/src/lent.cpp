// SPDX-License-Identifier: Apache-2.0
#include "lent.hpp"

#include <new>
#include <utility>

#include "gil.hpp"

namespace seekable::python {

namespace py = pybind11;

namespace {

/// What a memoryview keeps alive. A type of the interpreter's own kind: one of pybind11's takes
/// longer to make than all the rest of a view.
struct Lent {
  PyObject_HEAD View view;
};

Lent* to_lent(PyObject* self) { return reinterpret_cast<Lent*>(self); }

int get_bytes(PyObject* self, Py_buffer* buffer, int flags) {
  const View& view = to_lent(self)->view;
  // Python is told that it must not write.
  auto* const data = const_cast<std::byte*>(view.data());
  return ::PyBuffer_FillInfo(buffer, self, data, static_cast<Py_ssize_t>(view.size()), 1, flags);
}

/// It may unmap a file, and be the last to hold the stream.
void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  without_gil([self] { to_lent(self)->view.~View(); });
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(&get_bytes)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
    {0, nullptr},
};

PyType_Spec spec = {"seekable._seekable.Lent", sizeof(Lent), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

PyTypeObject* g_type = nullptr;

}  // namespace

py::object lend(View view) {
  auto* const lent = reinterpret_cast<Lent*>(g_type->tp_alloc(g_type, 0));
  if (lent == nullptr) throw py::error_already_set();
  new (&lent->view) View(std::move(view));
  const auto owner = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(lent));
  PyObject* const result = ::PyMemoryView_FromObject(owner.ptr());
  if (result == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

void bind_lent() {
  g_type = reinterpret_cast<PyTypeObject*>(::PyType_FromSpec(&spec));
  if (g_type == nullptr) throw py::error_already_set();
}

}  // namespace seekable::python
