// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "gil.hpp"

namespace seekable::python {

namespace py = pybind11;

/// \file
/// Methods that are called for each read: by the interpreter's own convention, since what pybind11
/// does for a call takes longer than a read of some kilobytes.

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
  static std::string quoted(std::string_view name) {
    std::string text("'");
    text.append(name);
    text.push_back('\'');
    return text;
  }

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

/// The C++ object of a method's `self`, which the interpreter has looked at; null where it was not
/// made, or not yet.
template <typename Object>
Object* made_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  return instance->simple_layout ? static_cast<Object*>(instance->simple_value_holder[0]) : nullptr;
}

template <typename Object>
Object& self_of(PyObject* self) {
  Object* const object = made_of<Object>(self);
  if (object == nullptr) throw py::value_error("its __init__ was not called");
  return *object;
}

/// The same of what nobody has looked at. (pybind11 itself gives an object that was not made.)
template <typename Object>
Object& self_of(const py::object& self) {
  if (!py::isinstance<Object>(self)) throw py::type_error("self is of another type");
  return self_of<Object>(self.ptr());
}

/// For a type whose objects refer to others: `Object` has `traverse` and `clear`.
template <typename Object>
void collect_cycles(PyHeapTypeObject* heap_type) {
  PyTypeObject& type = heap_type->ht_type;
  type.tp_flags |= Py_TPFLAGS_HAVE_GC;
  type.tp_traverse = [](PyObject* self, visitproc visit, void* argument) {
    if (const int result = visit(reinterpret_cast<PyObject*>(Py_TYPE(self)), argument)) {
      return result;
    }
    const Object* const object = made_of<Object>(self);
    return object == nullptr ? 0 : object->traverse(visit, argument);
  };
  type.tp_clear = [](PyObject* self) {
    if (Object* const object = made_of<Object>(self)) object->clear();
    return 0;
  };
}

/// Calls `call`, and sets as the interpreter's error what it throws.
template <typename Call>
PyObject* or_null(Call&& call) {
  try {
    return in_interpreter([&] { return call().release().ptr(); });
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
