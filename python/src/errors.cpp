// SPDX-License-Identifier: Apache-2.0
#include "errors.hpp"

#include <new>
#include <stdexcept>
#include <system_error>

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
    if (interpreter_is_over()) return;
    const WithGil gil;
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
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
  Py_XINCREF(parts_->type);
  Py_XINCREF(parts_->value);
  Py_XINCREF(parts_->traceback);
  ::PyErr_Restore(parts_->type, parts_->value, parts_->traceback);
}

namespace {

[[noreturn]] void raise(const char* function, const std::error_code& code, const std::string& text,
                        py::object offset) {
  const py::object error = py::module_::import("seekable._errors")
                               .attr(function)(code.category().name(), code.value(), text, offset);
  ::PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

/// Raises what the stream's own failure was caused by, where `error` tells of it.
void raise_cause(const StreamBuffer* buffer, const Error& error) {
  if (buffer == nullptr) return;
  const auto failure = buffer->failure();
  if (!failure || failure->code != error.code() || failure->offset != error.offset()) return;
  if (!failure->cause) return;
  try {
    std::rethrow_exception(failure->cause);
  } catch (const Raised& raised) {
    raised.restore();
    throw py::error_already_set();
  } catch (...) {
    return;  // Of the library's own.
  }
}

}  // namespace

void raise_current(const StreamBuffer* buffer) {
  try {
    throw;
  } catch (const Raised& raised) {
    raised.restore();
    throw py::error_already_set();
  } catch (const Error& error) {
    raise_cause(buffer, error);
    raise("make", error.code(), error.what(), py::int_(error.offset()));
  } catch (const std::system_error& error) {
    raise("make", error.code(), error.what(), py::none());
  } catch (const std::invalid_argument& error) {
    throw py::value_error(error.what());
  } catch (const std::bad_alloc&) {
    ::PyErr_NoMemory();
    throw py::error_already_set();
  } catch (const std::exception& error) {
    ::PyErr_SetString(PyExc_RuntimeError, error.what());
    throw py::error_already_set();
  }
}

}  // namespace seekable::python
