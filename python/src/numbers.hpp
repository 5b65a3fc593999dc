// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>

namespace seekable::python {

namespace py = pybind11;

/// An offset or a size as Python gives it: anything with `__index__`.
///
/// Throws: py::value_error where it is negative or past 2^64 - 1; what Python raises where it is no
///     number. The text calls it `name`.
std::uint64_t to_offset(const py::object& number, const char* name);

/// As many bytes as there are: None, or any number below 0; else the size.
std::optional<std::uint64_t> to_size(const py::object& number);

/// The same of a number that is a plain one and fits; none of any other, which has to be looked at.
inline std::optional<std::uint64_t> small_size(PyObject* number) noexcept {
  if (!PyLong_CheckExact(number)) return std::nullopt;
  int overflow = 0;
  const long long value = ::PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow != 0 || value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

/// A way from one offset to another. Throws: py::value_error where it is 2**63 or more.
std::int64_t to_distance(const py::object& number);

/// Contiguous bytes of a Python object, which does not move them meanwhile.
class Lease {
 public:
  /// Throws: TypeError where it has none such.
  explicit Lease(const py::object& object, int flags = PyBUF_SIMPLE);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { ::PyBuffer_Release(&buffer_); }

  std::byte* data() const noexcept { return static_cast<std::byte*>(buffer_.buf); }
  std::size_t size() const noexcept { return static_cast<std::size_t>(buffer_.len); }

 private:
  Py_buffer buffer_{};
};

/// The same of one that may be written.
class Room : public Lease {
 public:
  explicit Room(const py::object& object) : Lease(object, PyBUF_WRITABLE) {}
};

}  // namespace seekable::python
