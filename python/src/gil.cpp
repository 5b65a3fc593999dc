// SPDX-License-Identifier: Apache-2.0
#include "gil.hpp"

#include <atomic>

#include "seekable/error.hpp"

namespace seekable::python {

namespace {
std::atomic<bool> is_over{false};
}  // namespace

bool interpreter_is_over() noexcept { return is_over.load(std::memory_order_acquire); }
void set_interpreter_over() noexcept { is_over.store(true, std::memory_order_release); }

WithGil::WithGil() {
  if (interpreter_is_over()) throw Error(Errc::cancelled, "the interpreter is about to end", 0);
  in_interpreter([this] { state_ = ::PyGILState_Ensure(); });
}

}  // namespace seekable::python
