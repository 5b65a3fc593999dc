// SPDX-License-Identifier: Apache-2.0
#include "gil.hpp"

#include <pthread.h>
#include <pybind11/pybind11.h>

#include <atomic>

#include "seekable/error.hpp"

namespace seekable::python {

namespace {

std::atomic<bool> is_over{false};
std::atomic<unsigned long> main_thread{0};

void note_main_thread() noexcept {
  main_thread.store(::PyThread_get_thread_ident(), std::memory_order_relaxed);
}

}  // namespace

bool is_main_thread() noexcept {
  return main_thread.load(std::memory_order_relaxed) == ::PyThread_get_thread_ident();
}

void know_main_thread() {
  const auto main = pybind11::module_::import("threading").attr("main_thread")();
  main_thread.store(main.attr("ident").cast<unsigned long>(), std::memory_order_relaxed);
  ::pthread_atfork(nullptr, nullptr, &note_main_thread);
}

bool interpreter_is_over() noexcept { return is_over.load(std::memory_order_acquire); }
void set_interpreter_over() noexcept { is_over.store(true, std::memory_order_release); }

WithGil::WithGil() {
  if (interpreter_is_over()) throw Error(Errc::cancelled, "the interpreter is about to end", 0);
  in_interpreter([this] { state_ = ::PyGILState_Ensure(); });
}

}  // namespace seekable::python
