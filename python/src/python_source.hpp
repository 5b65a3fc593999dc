// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "errors.hpp"
#include "seekable/source.hpp"

namespace seekable::python {

namespace py = pybind11;

/// An iterator of chunks, or a file object, as a source. Its chunks are held, not copied, until all
/// of their bytes have been taken.
///
/// `cancel` does not end Python code: who lets the buffer go looks at `State::inside` first.
class PythonSource : public Source {
 public:
  /// What the buffer and its source share. The objects are touched with the interpreter lock alone.
  struct State {
    PyObject* pull = nullptr;      ///< an iterator, or a file's method; null when it is done with
    PyObject* argument = nullptr;  ///< of the method; null: `pull` is an iterator
    std::string name;
    std::shared_ptr<Raised::Parts> raised;  ///< what it has failed with
    std::atomic<bool> closed{false};        ///< nothing is pulled any more
    std::atomic<unsigned> inside{0};        ///< threads that are in `pull`

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();

    /// Gives up the objects. Requires: the interpreter lock.
    void drop() noexcept;
  };

  /// So much is asked of a file at once.
  static constexpr std::size_t read_size = 64 * 1024;

  explicit PythonSource(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~PythonSource() override;

  std::size_t read_some(std::span<std::byte> out) override;
  SourceInfo info() const override;

 private:
  bool pull();
  bool pull_with_gil();
  void hold(PyObject* chunk);
  [[noreturn]] void fail();
  void let_go() noexcept;

  const std::shared_ptr<State> state_;
  Py_buffer chunk_{};
  bool holds_chunk_ = false;
  std::size_t taken_ = 0;  // bytes of the chunk
};

}  // namespace seekable::python
