// SPDX-License-Identifier: Apache-2.0
#include "numbers.hpp"

#include <string>

namespace seekable::python {

namespace {

/// A whole number of Python, as a new reference.
py::object whole(const py::object& number) {
  if (PyLong_CheckExact(number.ptr())) return number;
  PyObject* const index = ::PyNumber_Index(number.ptr());
  if (index == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(index);
}

}  // namespace

std::uint64_t to_offset(const py::object& number, const char* name) {
  const py::object index = whole(number);
  const unsigned long long value = ::PyLong_AsUnsignedLongLong(index.ptr());
  if (value != static_cast<unsigned long long>(-1) || ::PyErr_Occurred() == nullptr) return value;
  ::PyErr_Clear();
  throw py::value_error(std::string(name) + " " + std::string(py::str(index)) +
                        " is not between 0 and 2**64 - 1");
}

std::optional<std::uint64_t> to_size(const py::object& number) {
  if (number.is_none()) return std::nullopt;
  const py::object index = whole(number);
  int overflow = 0;
  const long long value = ::PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow < 0 || (overflow == 0 && value < 0)) return std::nullopt;
  if (overflow == 0) return static_cast<std::uint64_t>(value);
  return to_offset(index, "size");
}

std::int64_t to_distance(const py::object& number) {
  const py::object index = whole(number);
  int overflow = 0;
  const long long value = ::PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) {
    throw py::value_error("offset " + std::string(py::str(index)) + " is not within 2**63");
  }
  return value;
}

Lease::Lease(const py::object& object, int flags) {
  if (::PyObject_GetBuffer(object.ptr(), &buffer_, flags) == 0) return;
  if (::PyErr_ExceptionMatches(PyExc_BufferError) != 0) {
    ::PyErr_Clear();
    throw py::type_error(std::string("needs bytes-like memory that is contiguous") +
                         (flags == PyBUF_WRITABLE ? " and may be written" : "") + ", not " +
                         std::string(py::str(py::type::of(object))));
  }
  throw py::error_already_set();
}

}  // namespace seekable::python
