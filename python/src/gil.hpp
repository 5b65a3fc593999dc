// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Python.h>
#include <cxxabi.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace seekable::python {

/// The interpreter lock. The one order: whoever waits for anything else - a byte, a mutex, a disk -
/// holds no interpreter lock; whoever takes the interpreter lock may hold whatever else, since its
/// holder never waits. (A mutex that is held for a moment, by nobody who takes the interpreter lock
/// meanwhile, may be taken with it. No lock of the library is held where Python is entered.)
///
/// When the interpreter ends, a thread that asks for the lock is ended by it, from within the call.
/// That would unwind the library, whose functions do not expect it; such a thread stays asleep
/// instead, until the process is gone.

/// The interpreter is about to end: nobody begins to wait for the lock any more.
bool interpreter_is_over() noexcept;
void set_interpreter_over() noexcept;

/// Sleeps for ever. Requires: the interpreter has ended.
[[noreturn]] inline void sleep_for_ever() noexcept {
  for (;;) ::pause();
}

/// Calls `call`, which holds or takes the interpreter lock.
template <typename Call>
auto in_interpreter(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const abi::__forced_unwind&) {
    sleep_for_ever();
  }
}

/// Takes the interpreter lock for a scope, on any thread.
class WithGil {
 public:
  /// Throws: `Errc::cancelled` where the interpreter is over.
  WithGil();
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;
  ~WithGil() { ::PyGILState_Release(state_); }

 private:
  PyGILState_STATE state_;
};

/// Calls `call` with the interpreter lock, on any thread; not at all where the interpreter is over.
/// For what must not throw: destructors, callbacks of the library.
template <typename Call>
void with_gil_unless_over(Call&& call) noexcept {
  if (interpreter_is_over()) return;
  in_interpreter([&] {
    const PyGILState_STATE state = ::PyGILState_Ensure();
    std::forward<Call>(call)();
    ::PyGILState_Release(state);
  });
}

/// Calls `call` without the interpreter lock, which the caller holds.
template <typename Call>
auto without_gil(Call&& call) {
  using Result = std::invoke_result_t<Call>;
  PyThreadState* const state = ::PyEval_SaveThread();
  std::exception_ptr thrown;
  std::conditional_t<std::is_void_v<Result>, bool, std::optional<Result>> result{};
  try {
    if constexpr (std::is_void_v<Result>) {
      std::forward<Call>(call)();
    } else {
      result.emplace(std::forward<Call>(call)());
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  // Not in the handler: a thread that the interpreter ends there would end the process.
  in_interpreter([state] { ::PyEval_RestoreThread(state); });
  if (thrown) std::rethrow_exception(thrown);
  if constexpr (!std::is_void_v<Result>) return std::move(*result);
}

/// The interpreter runs handlers of signals on this thread.
bool is_main_thread() noexcept;

/// Notes which thread is Python's main thread; in a forked process that is the one that forked.
void know_main_thread();

}  // namespace seekable::python
