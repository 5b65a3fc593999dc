// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "errors.hpp"
#include "seekable/source.hpp"

namespace seekable::python {

/// A function of Python that is told how many bytes have come, as `tqdm.update`.
class Progress {
 public:
  explicit Progress(py::object callback) : callback_(callback.release().ptr()) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// What the function raises goes to `sys.unraisablehook`.
  void came(std::size_t bytes);

  PyObject* callback() const noexcept { return callback_; }

 private:
  PyObject* const callback_;
};

/// `source`, which tells `progress` of each piece.
std::unique_ptr<Source> with_progress(std::unique_ptr<Source> source,
                                      std::shared_ptr<Progress> progress);
std::unique_ptr<RestartableSource> with_progress(std::unique_ptr<RestartableSource> source,
                                                 std::shared_ptr<Progress> progress);

}  // namespace seekable::python
