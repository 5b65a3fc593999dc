// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "progress_source.hpp"
#include "python_source.hpp"
#include "seekable/seekable.hpp"

namespace seekable::python {

/// Where the bytes of a buffer come from.
struct Origin {
  /// What belongs to Python.
  struct Objects {
    std::shared_ptr<PythonSource::State> state;  ///< null: the source is none of Python's
    std::shared_ptr<Progress> progress;
  };

  std::unique_ptr<Source> source;
  Objects objects;
  const Source* web = nullptr;  ///< a URL's, for its traffic
};

/// `kind` is what seekable/_buffer.py has found `stream` to be: `iterator`, `file`, `bytes`,
/// `path` or `url`. `settings` are the keywords of StreamBuffer.
///
/// Throws: py::value_error, py::type_error for a setting that is none, and what the source throws.
Origin make_origin(const std::string& kind, const py::object& stream, const py::dict& settings);

Options make_options(const py::dict& settings);

}  // namespace seekable::python
