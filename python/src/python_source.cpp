// SPDX-License-Identifier: Apache-2.0
#include "python_source.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "errors.hpp"
#include "gil.hpp"
#include "seekable/error.hpp"

namespace seekable::python {

PythonSource::State::~State() {
  if (pull != nullptr || argument != nullptr) with_gil_unless_over([this] { drop(); });
}

void PythonSource::State::drop() noexcept {
  // A destructor in Python may come back here.
  PyObject* const old_pull = std::exchange(pull, nullptr);
  PyObject* const old_argument = std::exchange(argument, nullptr);
  in_interpreter([=] {
    Py_XDECREF(old_pull);
    Py_XDECREF(old_argument);
  });
}

PythonSource::~PythonSource() {
  if (holds_chunk_) with_gil_unless_over([this] { let_go(); });
}

SourceInfo PythonSource::info() const {
  SourceInfo info;
  info.name = state_->name;
  return info;
}

std::size_t PythonSource::read_some(std::span<std::byte> out) {
  const auto left = [this] { return static_cast<std::size_t>(chunk_.len) - taken_; };
  if (!holds_chunk_ || left() == 0) {
    if (!pull()) return 0;
  }
  // Without the interpreter lock: the chunk is held.
  const std::size_t size = std::min(out.size(), left());
  std::memcpy(out.data(), static_cast<const std::byte*>(chunk_.buf) + taken_, size);
  taken_ += size;
  return size;
}

/// Holds the next chunk that has a byte. Returns false at the end.
bool PythonSource::pull() {
  // Either `closed` is seen here, or whoever has set it sees this.
  state_->inside.fetch_add(1, std::memory_order_seq_cst);
  struct Leave {
    State& state;
    ~Leave() { state.inside.fetch_sub(1, std::memory_order_seq_cst); }
  } const leave{*state_};
  const WithGil gil;
  return in_interpreter([this] { return pull_with_gil(); });
}

bool PythonSource::pull_with_gil() {
  do {
    let_go();
    if (state_->closed.load(std::memory_order_seq_cst) || state_->pull == nullptr) {
      throw Error(Errc::cancelled, "the buffer was closed", 0);
    }
    PyObject* const pull = state_->pull;
    PyObject* const argument = state_->argument;
    Py_INCREF(pull);
    PyObject* const chunk =
        argument == nullptr ? ::PyIter_Next(pull) : ::PyObject_CallOneArg(pull, argument);
    Py_DECREF(pull);
    if (chunk == nullptr) {
      if (::PyErr_Occurred() != nullptr) fail();
      state_->drop();
      return false;
    }
    hold(chunk);
    if (argument != nullptr && chunk_.len == 0) {  // Of a file that is the end.
      state_->drop();
      return false;
    }
  } while (chunk_.len == 0);
  return true;
}

/// Takes over the reference.
void PythonSource::hold(PyObject* chunk) {
  if (::PyObject_GetBuffer(chunk, &chunk_, PyBUF_SIMPLE) == 0) {
    holds_chunk_ = true;
    taken_ = 0;
    Py_DECREF(chunk);
    return;
  }
  if (::PyErr_ExceptionMatches(PyExc_TypeError) == 0 &&
      ::PyErr_ExceptionMatches(PyExc_BufferError) == 0) {
    Py_DECREF(chunk);
    fail();
  }
  ::PyErr_Clear();
  if (chunk == Py_None && state_->argument != nullptr) {
    ::PyErr_SetString(PyExc_BlockingIOError,
                      "the file gives None: it is in non-blocking mode and has nothing now");
  } else {
    ::PyErr_Format(PyExc_TypeError, "a chunk must be bytes-like and contiguous, not %.200s%s",
                   Py_TYPE(chunk)->tp_name,
                   PyUnicode_Check(chunk) ? " (encode it, or open the file in binary mode)" : "");
  }
  Py_DECREF(chunk);
  fail();
}

/// Throws what Python has set.
void PythonSource::fail() {
  // In an iterator over the stream that would be its end (PEP 479).
  if (::PyErr_ExceptionMatches(PyExc_StopIteration) != 0) {
    py::raise_from(PyExc_RuntimeError, "the file raised StopIteration");
  }
  const Raised raised;
  state_->raised = raised.parts();
  throw raised;
}

void PythonSource::let_go() noexcept {
  if (std::exchange(holds_chunk_, false)) {
    in_interpreter([this] { ::PyBuffer_Release(&chunk_); });
  }
  chunk_ = {};
  taken_ = 0;
}

}  // namespace seekable::python
