// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include "seekable/view.hpp"

namespace seekable::python {

/// A `memoryview` of the bytes of `view`, which stay where they are as long as it, or a slice of
/// it, is there.
pybind11::object lend(View view);

/// To be called once, before.
void bind_lent();

}  // namespace seekable::python
