// SPDX-License-Identifier: Apache-2.0
// The module seekable._seekable: what the package's own modules are made of.
#include <pybind11/pybind11.h>

#include "async.hpp"
#include "buffer.hpp"
#include "cursor.hpp"
#include "gil.hpp"
#include "lent.hpp"

PYBIND11_MODULE(_seekable, module) {
  namespace py = pybind11;
  using namespace seekable::python;
  module.attr("version") = SEEKABLE_VERSION;
  py::options options;
  options.disable_function_signatures();
  know_main_thread();
  bind_lent();
  bind_buffer(module);
  bind_cursor(module);
  bind_async(module);
  // Before the interpreter takes anything down.
  py::module_::import("atexit").attr("register")(py::cpp_function(&set_interpreter_over));
}
