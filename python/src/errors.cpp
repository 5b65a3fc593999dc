// SPDX-License-Identifier: Apache-2.0
#include "errors.hpp"

#include <cstdint>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "gil.hpp"

namespace seekable::python {

struct Raised::Parts {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;

  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  /// On whichever thread lets the failure go.
  ~Parts() {
    with_gil_unless_over([this] { clear(*this); });
  }
};

Raised::Raised() : parts_(std::make_shared<Parts>()) {
  ::PyErr_Fetch(&parts_->type, &parts_->value, &parts_->traceback);
  ::PyErr_NormalizeException(&parts_->type, &parts_->value, &parts_->traceback);
  if (parts_->traceback != nullptr) {
    ::PyException_SetTraceback(parts_->value, parts_->traceback);
  }
  text_ = reinterpret_cast<PyTypeObject*>(parts_->type)->tp_name;
  PyObject* const text = ::PyObject_Str(parts_->value);
  const char* const bytes = text == nullptr ? nullptr : ::PyUnicode_AsUTF8(text);
  if (bytes != nullptr && *bytes != '\0') text_ += std::string(": ") + bytes;
  Py_XDECREF(text);
  ::PyErr_Clear();  // Of a text that cannot be had.
}

void Raised::restore() const {
  if (parts_->value == nullptr) {  // The collector was here.
    ::PyErr_SetString(PyExc_RuntimeError, "the stream has failed");
    return;
  }
  Py_XINCREF(parts_->type);
  Py_XINCREF(parts_->value);
  Py_XINCREF(parts_->traceback);
  ::PyErr_Restore(parts_->type, parts_->value, parts_->traceback);
}

int Raised::traverse(const Parts& parts, visitproc visit, void* argument) {
  for (PyObject* const object : {parts.type, parts.value, parts.traceback}) {
    if (object == nullptr) continue;
    if (const int result = visit(object, argument); result != 0) return result;
  }
  return 0;
}

void Raised::clear(Parts& parts) noexcept {
  for (PyObject** const object : {&parts.type, &parts.value, &parts.traceback}) {
    PyObject* const old = std::exchange(*object, nullptr);
    in_interpreter([=] { Py_XDECREF(old); });
  }
}

namespace {

/// An exception of the library, out of its handler.
struct Described {
  std::error_code code;
  std::string text;
  std::optional<std::uint64_t> offset;
};

[[noreturn]] void raise_described(const Described& error) {
  // A path in it may be in no encoding at all.
  PyObject* const text = ::PyUnicode_DecodeUTF8(
      error.text.data(), static_cast<Py_ssize_t>(error.text.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  const py::object offset = error.offset ? py::object(py::int_(*error.offset)) : py::none();
  const py::object made = py::module_::import("seekable._errors")
                              .attr("make")(error.code.category().name(), error.code.value(),
                                            py::reinterpret_steal<py::object>(text), offset);
  ::PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  throw py::error_already_set();
}

std::optional<Raised> as_raised(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Raised& raised) {
    return raised;
  } catch (...) {
    return std::nullopt;  // Of the library's own.
  }
}

/// What the stream's own failure was caused by, where `error` tells of it.
std::exception_ptr cause_of(const StreamBuffer* buffer, const Described& error) {
  if (buffer == nullptr) return nullptr;
  const auto failure = buffer->failure();
  if (!failure || failure->code != error.code || failure->offset != error.offset) return nullptr;
  return failure->cause;
}

[[noreturn]] void raise_raised(const Raised& raised) {
  raised.restore();
  throw py::error_already_set();
}

}  // namespace

void raise(const std::exception_ptr& thrown, const StreamBuffer* buffer) {
  if (const auto raised = as_raised(thrown)) raise_raised(*raised);
  std::optional<Described> described;
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    described = Described{error.code(), error.what(), error.offset()};
  } catch (const std::system_error& error) {
    described = Described{error.code(), error.what(), std::nullopt};
  } catch (const std::invalid_argument& error) {
    throw py::value_error(error.what());
  } catch (const std::bad_alloc&) {
    ::PyErr_NoMemory();
    throw py::error_already_set();
  } catch (const std::exception& error) {
    ::PyErr_SetString(PyExc_RuntimeError, error.what());
    throw py::error_already_set();
  }
  if (const auto cause = cause_of(buffer, *described)) {
    if (const auto raised = as_raised(cause)) raise_raised(*raised);
  }
  raise_described(*described);
}

}  // namespace seekable::python
