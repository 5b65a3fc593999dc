// SPDX-License-Identifier: Apache-2.0
#include "waiting.hpp"

#include <cmath>
#include <string>

namespace seekable::python {

Deadline::Deadline(std::optional<double> timeout) {
  if (!timeout) return;
  if (!(*timeout >= 0)) {
    throw py::value_error("timeout " + std::to_string(*timeout) +
                          " is not a number of seconds from 0 on");
  }
  timeout_ = true;
  constexpr double longest =
      100.0 * 365 * 24 * 3600;  // What a clock can be added without overflow.
  if (*timeout >= longest) return;
  at_ = Clock::now() +
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(*timeout));
}

}  // namespace seekable::python
