// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <utility>

#include "seekable/seekable.hpp"

namespace seekable::python {

/// The writing end of a stream whose chunks are awaited; made before its buffer, which gives it
/// one.
class PipeWriter {
 public:
  void set(Writer writer) { writer_.emplace(std::move(writer)); }

  void write(const pybind11::object& chunk);
  void end();
  void fail();

 private:
  template <typename Call>
  void use(Call&& call);

  std::optional<Writer> writer_;
};

/// What seekable/_async.py is made of: callbacks for bytes that have come, and a stream that is
/// written.
void bind_async(pybind11::module_& module);

}  // namespace seekable::python
