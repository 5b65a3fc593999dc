// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace seekable::python {

namespace py = pybind11;

/// Methods that are called for each read: by the interpreter's own convention, since what pybind11
/// does for a call takes longer than a read of some kilobytes.
///
/// The arguments of one call, by position or by name.
template <std::size_t count>
class Arguments {
 public:
  using Names = std::array<const char*, count>;

  Arguments(const Names& names, std::size_t required, PyObject* const* given, Py_ssize_t positional,
            PyObject* keywords)
      : names_(names) {
    if (static_cast<std::size_t>(positional) > count) {
      throw py::type_error("takes " + std::to_string(count) + " arguments, not " +
                           std::to_string(positional));
    }
    for (Py_ssize_t i = 0; i < positional; ++i) values_[static_cast<std::size_t>(i)] = given[i];
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < named; ++i) {
      take(PyTuple_GET_ITEM(keywords, i), given[positional + i]);
    }
    for (std::size_t i = 0; i < required; ++i) {
      if (values_[i] == nullptr) throw py::type_error("lacks the argument " + quoted(names_[i]));
    }
  }

  /// None where it was not given.
  py::object operator[](std::size_t number) const {
    return py::reinterpret_borrow<py::object>(values_[number] == nullptr ? Py_None
                                                                         : values_[number]);
  }

  std::optional<double> seconds(std::size_t number) const {
    PyObject* const value = values_[number];
    if (value == nullptr || value == Py_None) return std::nullopt;
    const double seconds = ::PyFloat_AsDouble(value);
    if (seconds == -1.0 && ::PyErr_Occurred() != nullptr) throw py::error_already_set();
    return seconds;
  }

 private:
  static std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

  void take(PyObject* keyword, PyObject* value) {
    const char* const text = ::PyUnicode_AsUTF8(keyword);
    if (text == nullptr) throw py::error_already_set();
    for (std::size_t i = 0; i < count; ++i) {
      if (std::string_view(names_[i]) != text) continue;
      if (values_[i] != nullptr)
        throw py::type_error("has the argument " + quoted(text) + " twice");
      values_[i] = value;
      return;
    }
    throw py::type_error("has no argument " + quoted(text));
  }

  const Names& names_;
  std::array<PyObject*, count> values_{};
};

/// The C++ object of a method's `self`, which the interpreter has looked at.
template <typename Object>
Object& self_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  void* const object = instance->simple_layout ? instance->simple_value_holder[0]
                                               : instance->get_value_and_holder().value_ptr();
  if (object == nullptr) throw py::value_error("its __init__ was not called");
  return *static_cast<Object*>(object);
}

/// Calls `call`, and sets as the interpreter's error what it throws.
template <typename Call>
PyObject* or_null(Call&& call) noexcept {
  try {
    return call().release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::bad_alloc&) {
    ::PyErr_NoMemory();
  } catch (const std::exception& error) {
    ::PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

/// Adds the methods to a type; the last one of `methods` is empty.
inline void add_methods(py::handle type, PyMethodDef* methods) {
  auto* const raw = reinterpret_cast<PyTypeObject*>(type.ptr());
  for (; methods->ml_name != nullptr; ++methods) {
    PyObject* const method = ::PyDescr_NewMethod(raw, methods);
    if (method == nullptr) throw py::error_already_set();
    type.attr(methods->ml_name) = py::reinterpret_steal<py::object>(method);
  }
}

/// For a table of methods.
template <typename Function>
PyCFunction as_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace seekable::python
