// SPDX-License-Identifier: Apache-2.0
#include "store/spool_file.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/copy.hpp"
#include "system/calls.hpp"
#include "system/unnamed_file.hpp"

namespace seekable::inline v1::detail {

namespace {

// So much is written in order before space is set aside, and so much is then set aside at once. A
// shorter spool is often gone before the file system would have had to find any for it.
constexpr std::uint64_t set_aside_at_once = 64 * 1024 * 1024;

}  // namespace

SpoolFile::SpoolFile(const std::filesystem::path& directory, std::size_t slot_size, bool direct)
    : directory_(directory), slot_size_(slot_size), direct_(direct) {
  UnnamedFile file = make_unnamed_file(directory, 0600);
  fd_ = std::move(file.fd);
  linkable_ = file.linkable;
}

SpoolFile::~SpoolFile() {
  for (auto& [number, window] : windows_) {
    ::munmap(window.data, slots_in_window * slot_size_);
  }
}

std::uint64_t SpoolFile::take_slot(std::uint64_t block) {
  if (direct_) return block;
  MutexLock lock(mutex_);
  if (free_slots_.empty()) {
    // Room for every slot there is, so that `put_slot` need not allocate.
    if (free_slots_.capacity() <= next_slot_) free_slots_.reserve(2 * next_slot_ + 16);
    return next_slot_++;
  }
  const std::uint64_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void SpoolFile::put_slot(std::uint64_t slot) noexcept {
  if (direct_) return;
  MutexLock lock(mutex_);
  free_slots_.push_back(slot);
}

/// Where `size` bytes from `at` in a slot on begin in the file; none: past what a file can have.
std::optional<std::uint64_t> SpoolFile::offset_of(std::uint64_t slot, std::size_t at,
                                                  std::size_t size) const noexcept {
  std::uint64_t begin = 0;
  if (__builtin_mul_overflow(slot, slot_size_, &begin) || begin > INT64_MAX - at - size) {
    return std::nullopt;
  }
  return begin + at;
}

int SpoolFile::write(std::uint64_t slot, std::size_t at,
                     std::span<const std::byte> bytes) noexcept {
  const auto offset = offset_of(slot, at, bytes.size());
  return offset ? write_all_at(fd_.get(), bytes.data(), bytes.size(), *offset) : EFBIG;
}

int SpoolFile::write_pieces(std::uint64_t slot, Pieces pieces, std::size_t size) noexcept {
  const auto offset = offset_of(slot, 0, size);
  return offset ? write_pieces_at(fd_.get(), pieces, *offset) : EFBIG;
}

std::size_t SpoolFile::splice(std::uint64_t slot, SplicePipe& pipe, std::size_t size) noexcept {
  const auto offset = offset_of(slot, 0, size);
  return offset ? pipe.write_to(fd_.get(), *offset, size) : 0;
}

int SpoolFile::read(std::uint64_t slot, std::size_t at, std::span<std::byte> out) const noexcept {
  const std::uint64_t offset = slot * slot_size_ + at;
  // In the page cache a byte lies at its offset, modulo a page.
  if (!copies_slowly(reinterpret_cast<std::uintptr_t>(out.data()), offset, out.size())) {
    return read_all_at(fd_.get(), out.data(), out.size(), offset);
  }
  return read_past_page(offset, out);
}

/// Lets the kernel copy to where it is fast, and copies from there.
int SpoolFile::read_past_page(std::uint64_t offset, std::span<std::byte> out) const noexcept {
  constexpr std::size_t page = 4096;
  constexpr std::size_t small = 4 * page;
  if (out.size() <= small) {
    alignas(page) std::byte aligned[small + page];
    std::byte* const bytes = aligned + offset % page;
    const int error = read_all_at(fd_.get(), bytes, out.size(), offset);
    if (error == 0) copy_bytes(out.data(), bytes, out.size());
    return error;
  }
  // The first bytes go to `head`, the rest to the start of `out`: `past` bytes too low, where the
  // kernel's copy is fast. Then the rest moves up, from its end, which is still in the first cache.
  const auto past = (reinterpret_cast<std::uintptr_t>(out.data()) - offset) % page;
  std::byte head[most_past_page];
  const auto first = std::span(head).first(past);
  const auto rest = out.first(out.size() - past);
  if (sys::pread(fd_.get(), first, rest, offset) != static_cast<ssize_t>(out.size())) {
    // Slow, and rare: it tells a failure from a read that was cut short.
    return read_all_at(fd_.get(), out.data(), out.size(), offset);
  }
  move_up(out.data() + past, rest.data(), rest.size());
  std::memcpy(out.data(), first.data(), past);
  return 0;
}

bool SpoolFile::punch(std::uint64_t slot) noexcept {
  if (handed_out_.load(std::memory_order_seq_cst)) return false;
  sys::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, slot * slot_size_,
                 slot_size_);
  return true;
}

void SpoolFile::preallocate(std::uint64_t slot) noexcept {
  if (!direct_) return;
  const std::uint64_t begin = slot * slot_size_;
  {
    MutexLock lock(mutex_);
    // Only what is written in order: somebody who jumps about has no use for the space ahead.
    if (begin != order_end_) next_step_ = begin + set_aside_at_once;
    order_end_ = begin + slot_size_;
    if (finished_ || begin < next_step_) return;
    next_step_ = begin + set_aside_at_once;
    has_set_aside_ = true;
  }
  const bool failed = sys::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, begin, set_aside_at_once) != 0;
  std::optional<std::uint64_t> end;
  {
    MutexLock lock(mutex_);
    end = end_;
    if (failed) finished_ = true;
  }
  // `finish` ran during the call, and could not give this space back.
  if (end) sys::ftruncate(fd_.get(), *end);
}

int SpoolFile::finish(std::uint64_t size) noexcept {
  bool has_set_aside = false;
  {
    MutexLock lock(mutex_);
    finished_ = true;
    end_ = size;
    has_set_aside = has_set_aside_;
  }
  if (sys::ftruncate(fd_.get(), size) != 0) return errno;
  // Once more: a file that grew to its size has kept what was set aside behind it.
  return !has_set_aside || sys::ftruncate(fd_.get(), size) == 0 ? 0 : errno;
}

SpoolFile::Window* SpoolFile::map(std::uint64_t slot, const std::byte*& bytes) {
  const std::uint64_t number = slot / slots_in_window;
  const std::size_t at = static_cast<std::size_t>(slot % slots_in_window) * slot_size_;
  MutexLock lock(windows_mutex_);
  auto [found, added] = windows_.try_emplace(number);
  Window& window = found->second;
  if (added) {
    const std::size_t size = slots_in_window * slot_size_;
    void* data = sys::mmap(size, PROT_READ, MAP_SHARED, fd_.get(), number * size);
    if (data == MAP_FAILED) {
      windows_.erase(found);
      return nullptr;
    }
    window.file = this;
    window.data = static_cast<std::byte*>(data);
  } else if (window.users == 0) {
    --idle_windows_;
  }
  ++window.users;
  bytes = window.data + at;
  return &window;
}

void SpoolFile::unmap(Window* window) noexcept {
  MutexLock lock(windows_mutex_);
  if (--window->users > 0) return;
  if (++idle_windows_ > max_idle_windows) drop_idle_windows();
}

void SpoolFile::drop_idle_windows() noexcept {
  std::erase_if(windows_, [this](const auto& entry) {
    if (entry.second.users > 0) return false;
    ::munmap(entry.second.data, slots_in_window * slot_size_);
    return true;
  });
  idle_windows_ = 0;
}

}  // namespace seekable::inline v1::detail
