// SPDX-License-Identifier: Apache-2.0
#include "progress_source.hpp"

#include <utility>

#include "gil.hpp"

namespace seekable::python {

namespace {

/// `Kind` is Source or RestartableSource.
template <typename Kind>
class ProgressSource : public Kind {
 public:
  ProgressSource(std::unique_ptr<Kind> source, std::shared_ptr<Progress> progress)
      : source_(std::move(source)), progress_(std::move(progress)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    const std::size_t size = source_->read_some(out);
    progress_->came(size);
    return size;
  }
  std::optional<std::uint64_t> size() const override { return source_->size(); }
  void cancel() noexcept override { source_->cancel(); }
  SourceInfo info() const override { return source_->info(); }

 protected:
  const std::unique_ptr<Kind> source_;
  const std::shared_ptr<Progress> progress_;
};

class RestartableProgressSource : public ProgressSource<RestartableSource> {
 public:
  using ProgressSource::ProgressSource;

  void reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) override {
    source_->reopen(offset, wanted);
  }
  bool worth_reading_through(std::uint64_t gap) const override {
    return source_->worth_reading_through(gap);
  }
  std::optional<std::uint64_t> find_size() override { return source_->find_size(); }
  std::unique_ptr<RestartableSource> another() const override {
    auto one = source_->another();
    return one ? with_progress(std::move(one), progress_) : nullptr;
  }
};

}  // namespace

Progress::~Progress() {
  with_gil_unless_over([this] { Py_DECREF(callback_); });
}

void Progress::came(std::size_t bytes) {
  if (bytes == 0) return;
  const WithGil gil;
  in_interpreter([&] {
    PyObject* const result =
        ::PyObject_CallFunction(callback_, "n", static_cast<Py_ssize_t>(bytes));
    if (result != nullptr) {
      Py_DECREF(result);
    } else if (::PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {
      ::PyErr_Clear();
      ::PyErr_SetInterrupt();  // For who waits for the bytes: the stream has not failed.
    } else {
      ::PyErr_WriteUnraisable(callback_);
    }
  });
}

std::unique_ptr<Source> with_progress(std::unique_ptr<Source> source,
                                      std::shared_ptr<Progress> progress) {
  return std::make_unique<ProgressSource<Source>>(std::move(source), std::move(progress));
}

std::unique_ptr<RestartableSource> with_progress(std::unique_ptr<RestartableSource> source,
                                                 std::shared_ptr<Progress> progress) {
  return std::make_unique<RestartableProgressSource>(std::move(source), std::move(progress));
}

}  // namespace seekable::python
