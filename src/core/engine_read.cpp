// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/engine.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

void check_range(std::uint64_t offset, std::uint64_t size) {
  if (size > unknown - offset) {
    throw std::invalid_argument("offset " + std::to_string(offset) + " + size " +
                                std::to_string(size) + " exceeds 2^64 - 1");
  }
}

/// True if the call was given up, and not the byte: then nothing is lost, and nothing is given.
bool is_of_the_wait(const Error& error, const Wait* wait) {
  if (wait == nullptr) return false;
  return error.code() == Errc::timed_out ||
         (error.code() == Errc::cancelled && wait->stop_token.stop_requested());
}

}  // namespace

void Engine::count_read(bool waited) noexcept {
  if (waited) {
    waits_.fetch_add(1, std::memory_order_relaxed);
  } else {
    hits_.add();
  }
}

Need Engine::need(std::uint64_t byte, std::uint64_t end) const noexcept {
  Need need = Need::bytes(byte, end);
  if (wake_early_) need.wake_at = byte + 1;
  return need;
}

/// Nothing past an end is given, whatever another connection goes on to say.
std::size_t Engine::within_end(std::uint64_t offset, std::size_t size) const noexcept {
  const std::uint64_t end = outcome_.end();
  if (offset >= end) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, end - offset));
}

std::size_t Engine::copy_kept(std::uint64_t offset, std::span<std::byte> out) {
  if (in_place_ == nullptr) return storage_.copy(offset, out.first(within_end(offset, out.size())));
  if (!is_end(offset)) return copy_in_place(offset, out);
  if (!storage_.is_forked_child()) check_in_place(offset);  // It may have grown.
  return 0;
}

/// Copies what is kept at `byte`. Returns 0 if that is the end; waits if it is missing, and then
/// copies nothing: `again` becomes true.
std::size_t Engine::copy_or_await(std::uint64_t byte, std::uint64_t end, std::span<std::byte> out,
                                  const Wait* wait, bool& again) {
  // Looked at before the copy: what was published before the end or the failure is found.
  const bool over = is_end(byte);
  const bool failed = outcome_.failure() != nullptr;
  const std::size_t size = copy_kept(byte, out);
  again = size == 0 && !over;
  if (!again) return size;
  if (failed) throw_if_failed();
  filler_.await(need(byte, end), wait);
  return 0;
}

std::size_t Engine::read_at(std::uint64_t offset, std::span<std::byte> out, const Wait* wait,
                            ReaderMarks::Mark* mark) {
  const std::uint64_t known_end = outcome_.end();
  const bool within = offset <= known_end && out.size() <= known_end - offset;
  if (!within || !storage_.copy_in_memory(offset, out)) {
    return read_in_steps(offset, out, wait, mark);
  }
  if (mark != nullptr) {
    mark->store(offset + out.size(), std::memory_order_relaxed);
    follow_readers();
  }
  filler_.note_read(offset + out.size());
  hits_.add();
  return out.size();
}

bool Engine::read_in_memory(std::uint64_t offset, std::span<std::byte> out) noexcept {
  const std::uint64_t end = outcome_.end();
  if (out.empty() || offset > end || out.size() > end - offset) return false;
  for (std::size_t done = 0; done < out.size();) {
    const std::uint64_t byte = offset + done;
    const auto size = std::min<std::uint64_t>(out.size() - done, block_end(byte) - byte);
    const auto part = out.subspan(done, static_cast<std::size_t>(size));
    if (!storage_.copy_in_memory(byte, part)) return false;
    done += part.size();
  }
  filler_.note_read(offset + out.size());
  hits_.add();
  return true;
}

std::size_t Engine::read_kept_at(std::uint64_t offset, std::span<std::byte> out) {
  check_range(offset, out.size());
  if (out.empty()) return 0;
  std::size_t done = copy_kept(offset, out);
  if (done == 0) return 0;
  done += copy_more(offset + done, out.subspan(done));
  filler_.note_read(offset + done);
  count_read(false);
  return done;
}

/// As `read_at`, block by block, and with waits.
std::size_t Engine::read_in_steps(std::uint64_t offset, std::span<std::byte> out, const Wait* wait,
                                  ReaderMarks::Mark* mark) {
  check_range(offset, out.size());
  const std::uint64_t end = offset + out.size();
  std::size_t done = 0;
  bool waited = false;
  while (done < out.size()) {
    bool again = false;
    std::size_t size = 0;
    try {
      size = copy_or_await(offset + done, end, out.subspan(done), wait, again);
    } catch (const Error& error) {
      // Bytes that were copied are given; the next read, at this byte, throws the same.
      if (done == 0 || is_of_the_wait(error, wait)) throw;
      break;
    }
    waited = waited || (again && done == 0);
    if (size == 0 && !again) break;
    done += size;
    if (mark != nullptr && size > 0) {
      mark->store(offset + done, std::memory_order_relaxed);
      follow_readers();
    }
  }
  if (done > 0) {
    filler_.note_read(offset + done);
    count_read(waited);
  }
  return done;
}

std::size_t Engine::read_some_at(std::uint64_t offset, std::span<std::byte> out, const Wait* wait) {
  check_range(offset, out.size());
  if (out.empty()) return 0;
  for (bool waited = false;; waited = true) {
    const bool over = is_end(offset);
    const bool failed = outcome_.failure() != nullptr;
    std::size_t done = copy_kept(offset, out);
    if (done > 0) {
      done += copy_more(offset + done, out.subspan(done));
      filler_.note_read(offset + done);
      count_read(waited);
      return done;
    }
    if (over) return 0;
    if (failed) throw_if_failed();
    filler_.await(Need::some(offset, offset + out.size()), wait);
  }
}

/// Copies what lies in the next blocks too, as far as it is there now.
std::size_t Engine::copy_more(std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  try {
    while (done < out.size()) {
      const std::size_t size = copy_kept(offset + done, out.subspan(done));
      if (size == 0) break;
      done += size;
    }
  } catch (const Error&) {
    // The bytes before are given; a read that starts here is told.
  }
  return done;
}

Bytes Engine::read(std::uint64_t offset, std::uint64_t size, const Wait* wait) {
  check_range(offset, size);
  Bytes bytes;
  while (bytes.size() < size) {
    const std::uint64_t left = size - bytes.size();
    // A size from outside never decides an allocation: it grows with what has come.
    const std::uint64_t known =
        std::max<std::uint64_t>({available(offset + bytes.size(), left), bytes.size(), block_size});
    const auto step = static_cast<std::size_t>(std::min(left, known));
    const std::size_t before = bytes.size();
    bytes.resize(before + step);
    std::size_t got = 0;
    try {
      got = read_at(offset + before, std::span(bytes).subspan(before), wait);
    } catch (const Error& error) {
      if (before == 0 || is_of_the_wait(error, wait)) throw;
    }
    bytes.resize(before + got);
    if (got < step) break;
  }
  return bytes;
}

View Engine::view(std::uint64_t offset, std::size_t max_size, const Wait* wait) {
  check_range(offset, max_size);
  View view;
  if (max_size == 0) return view;
  // A file that others may change is not lent: what is lent must not change.
  if (in_place_ != nullptr) return view_of_copy(offset, max_size);
  for (bool waited = false;; waited = true) {
    const bool over = is_end(offset);
    const bool failed = outcome_.failure() != nullptr;
    view.bytes_ = storage_.pin(offset, within_end(offset, max_size), view.pin_);
    if (!view.bytes_.empty()) {
      view.engine_ = shared_from_this();
      filler_.note_read(offset + view.bytes_.size());
      count_read(waited);
      return view;
    }
    if (over) return view;
    if (failed) throw_if_failed();
    filler_.await(Need::some(offset, offset + max_size), wait);
  }
}

}  // namespace seekable::inline v1::detail
