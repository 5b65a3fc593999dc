// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stop_token>
#include <utility>

#include "base/copy.hpp"
#include "core/filler.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

void Filler::wait_for_window(const Wait* wait) {
  for (;;) {
    window_moved_.reset();
    const std::uint64_t position = first_.position.load(std::memory_order_relaxed);
    if (outcome_.failure() != nullptr || allowance(position, Need::end()) > 0) return;
    check_wait(wait, position);
    if (wait == nullptr) {
      window_moved_.wait();
    } else {
      const std::stop_callback wake(wait->stop_token, [this] { window_moved_.set(); });
      window_moved_.wait_until(wait->deadline);
    }
  }
}

std::size_t Filler::push(std::span<const std::byte> bytes, const Wait* wait, bool may_wait) {
  storage_.check_not_forked(position());
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (outcome_.failure() != nullptr) outcome_.throw_failure();
    const std::uint64_t position = first_.position.load(std::memory_order_relaxed);
    const std::size_t allowed = allowance(position, Need::end());
    if (allowed == 0) {
      if (!may_wait) return done;
      wait_for_window(wait);
      continue;
    }
    std::byte scratch[scratch_size];
    try {
      Room room = storage_.room(position, first_.filling, scratch);
      if (room.how == Room::How::full) storage_.throw_disk_full(position);
      const std::size_t size = std::min({room.bytes.size(), allowed, bytes.size() - done});
      room.bytes = room.bytes.first(size);
      copy_bytes(room.bytes.data(), bytes.data() + done, size);
      accept(first_, room, room.bytes);
    } catch (const Error& error) {
      first_.held.clear();  // The writer still has them.
      if (!may_wait && error.code() == Errc::disk_full) return done;
      throw;
    } catch (...) {
      first_.held.clear();
      throw;
    }
    const std::uint64_t after = first_.position.load(std::memory_order_relaxed);
    done += static_cast<std::size_t>(after - position);
    if (published(after) || outcome_.failure() != nullptr) run_due_callbacks();
  }
  return done;
}

void Filler::push_end() {
  storage_.check_not_forked(position());
  if (outcome_.failure() != nullptr) outcome_.throw_failure();
  source_ended(first_);
  run_due_callbacks();
}

void Filler::push_failure(Failure failure) {
  if (storage_.is_forked_child()) return;
  fail(std::move(failure));
  run_due_callbacks();
}

}  // namespace seekable::inline v1::detail
