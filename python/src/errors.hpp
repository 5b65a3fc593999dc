// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <memory>
#include <string>

#include "seekable/seekable.hpp"

namespace seekable::python {

namespace py = pybind11;

/// What Python code has raised, on its way through the library: the same object is raised again, as
/// often as it is asked for.
class Raised : public std::exception {
 public:
  /// Takes the exception that is set. Requires: the interpreter lock.
  Raised();

  const char* what() const noexcept override { return text_.c_str(); }

  /// Sets it, with the traceback that it had. Requires: the interpreter lock.
  void restore() const;

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
  std::string text_;
};

/// Throws what Python has set.
[[noreturn]] inline void throw_raised() { throw Raised(); }

/// Sets as a Python exception what is being handled. `buffer` may be null: where it was thrown.
///
/// Requires: called in a handler, with the interpreter lock. Throws: py::error_already_set, always.
[[noreturn]] void raise_current(const StreamBuffer* buffer);

/// Calls `call`, and raises in Python what it throws.
template <typename Call>
auto guarded(const StreamBuffer* buffer, Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::exception&) {
    raise_current(buffer);
  }
}

}  // namespace seekable::python
