// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <memory>
#include <string>

#include "gil.hpp"
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

  /// What it refers to, for the collector of cycles: the readers' frames may hold the buffer.
  struct Parts;
  const std::shared_ptr<Parts>& parts() const noexcept { return parts_; }
  static int traverse(const Parts& parts, visitproc visit, void* argument);
  static void clear(Parts& parts) noexcept;

 private:
  std::shared_ptr<Parts> parts_;
  std::string text_;
};

/// Raises `thrown` in Python. `buffer` is where it was thrown, or null.
///
/// Requires: the interpreter lock; not called in a handler, since Python code is run. Throws:
/// py::error_already_set or py::builtin_exception, always.
[[noreturn]] void raise(const std::exception_ptr& thrown, const StreamBuffer* buffer);

/// Calls `call`, and raises in Python what it throws.
template <typename Call>
auto guarded(const StreamBuffer* buffer, Call&& call) {
  std::exception_ptr thrown;
  try {
    return in_interpreter(std::forward<Call>(call));
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  raise(thrown, buffer);
}

}  // namespace seekable::python
