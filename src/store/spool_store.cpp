// SPDX-License-Identifier: Apache-2.0
#include "store/spool_store.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

std::vector<std::filesystem::path> spool_directories(const Options& options) {
  if (!options.spool_directories.empty()) return options.spool_directories;
  const char* wanted = std::getenv("TMPDIR");
  return {wanted != nullptr && *wanted != '\0' ? wanted : "/var/tmp"};
}

// A sealed block takes one page more, so that slots stay on page boundaries.
constexpr std::size_t sealed_stride = block_size + 4096;

}  // namespace

SpoolStore::SpoolStore(const Options& options, std::unique_ptr<BlockCipher> cipher)
    : directories_(spool_directories(options)),
      disk_(options.disk_limit.value_or(unknown)),
      cipher_(std::move(cipher)),
      direct_(!cipher_ && !options.retention.window_size()) {}

SpoolStore::~SpoolStore() {
  for (auto& file : files_) delete file.load(std::memory_order_acquire);
}

std::size_t SpoolStore::stride() const noexcept { return cipher_ ? sealed_stride : block_size; }

std::size_t SpoolStore::charge(std::size_t size) const noexcept {
  return cipher_ ? size + BlockCipher::overhead : size;
}

std::optional<SpoolPlace> SpoolStore::write(std::uint64_t block, std::span<const std::byte> bytes) {
  const std::size_t cost = charge(bytes.size());
  if (!disk_.try_take(cost)) {
    note_error("the disk limit of " + std::to_string(disk_.limit()) + " bytes is reached");
    return std::nullopt;
  }
  std::optional<SpoolPlace> place;
  try {
    place = cipher_ ? write_sealed(block, bytes) : write_plain(block, {}, bytes);
  } catch (...) {
    disk_.give_back(cost);
    throw;
  }
  if (!place) disk_.give_back(cost);
  return place;
}

std::optional<SpoolPlace> SpoolStore::write_run(std::uint64_t first, SpoolFile::Pieces pieces) {
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  if (!direct_ || !disk_.try_take(size)) return std::nullopt;
  try {
    if (const auto number = open_file(current_.load(std::memory_order_relaxed), true)) {
      SpoolFile& file = *files_[*number].load(std::memory_order_acquire);
      const std::uint64_t end = first + size / block_size;
      preallocate({*number, first}, size);
      if (file.write_pieces(first, pieces, size) == 0) return SpoolPlace{*number, first};
      for (std::uint64_t slot = first; slot < end; ++slot) file.punch(slot);
    }
  } catch (const std::system_error&) {
    // `write` goes on to the next directory, and notes why.
  } catch (const std::bad_alloc&) {
    // `write` tries it again, a block at a time.
  }
  disk_.give_back(size);
  return std::nullopt;
}

bool SpoolStore::open_to_splice() {
  try {
    return open_file(current_.load(std::memory_order_relaxed), true).has_value();
  } catch (const std::system_error&) {
    return false;  // `write` goes on to the next directory, and notes why.
  }
}

SpoolStore::Spliced SpoolStore::splice(std::uint64_t first, SplicePipe& pipe, std::size_t size) {
  const auto number = open_file(current_.load(std::memory_order_relaxed), true);
  if (!number || !disk_.try_take(size)) return {};
  const SpoolPlace place{*number, first};
  preallocate(place, size);
  const std::size_t written = file(place).splice(first, pipe, size);
  disk_.give_back(size - written);
  return {written, place};
}

/// Has space set aside for the whole blocks of `size` bytes at `place`, and what comes behind them.
void SpoolStore::preallocate(SpoolPlace place, std::size_t size) noexcept {
  // With a limit every block is accounted for, and what is set aside would not be.
  if (disk_.limit() != unknown) return;
  for (std::size_t i = 0; i < size / block_size; ++i) file(place).preallocate(place.slot + i);
}

std::optional<SpoolPlace> SpoolStore::append(std::uint64_t block, SpoolPlace place, std::size_t at,
                                             std::span<const std::byte> bytes) {
  if (!disk_.try_take(bytes.size())) {
    note_error("the disk limit of " + std::to_string(disk_.limit()) + " bytes is reached");
    return std::nullopt;
  }
  if (file(place).write(place.slot, at, bytes) == 0) return place;
  std::byte prefix[block_size];
  std::optional<SpoolPlace> moved;
  if (disk_.try_take(at)) {
    const std::span<std::byte> kept(prefix, at);
    if (file(place).read(place.slot, 0, kept) == 0) moved = write_plain(block, kept, bytes);
    if (!moved) disk_.give_back(at);
  }
  if (!moved) disk_.give_back(bytes.size());
  return moved;
}

std::optional<SpoolPlace> SpoolStore::write_sealed(std::uint64_t block,
                                                   std::span<const std::byte> plain) {
  std::byte scratch[block_size + BlockCipher::overhead];
  const std::span<std::byte> sealed(scratch, plain.size() + BlockCipher::overhead);
  cipher_->seal(block_begin(block), plain, sealed);
  return write_plain(block, {}, sealed);
}

std::optional<SpoolPlace> SpoolStore::write_plain(std::uint64_t block,
                                                  std::span<const std::byte> prefix,
                                                  std::span<const std::byte> bytes) {
  const std::size_t first = current_.load(std::memory_order_relaxed);
  for (std::size_t step = 0; step < directories_.size(); ++step) {
    const std::size_t directory = (first + step) % directories_.size();
    if (auto place = try_directory(directory, block, prefix, bytes)) {
      current_.store(directory, std::memory_order_relaxed);
      return place;
    }
  }
  return std::nullopt;
}

std::optional<SpoolPlace> SpoolStore::try_directory(std::size_t directory, std::uint64_t block,
                                                    std::span<const std::byte> prefix,
                                                    std::span<const std::byte> bytes) {
  int error = EFBIG;
  // An array of slots where the offset is past what a file can have, and for a block that moves: in
  // a direct file it could come to lie where its published bytes are, or are about to be punched.
  for (const bool direct : {true, false}) {
    if ((direct && !(direct_ && prefix.empty())) || error != EFBIG) continue;
    try {
      const auto number = open_file(directory, direct);
      if (!number) {
        note_error("the spool in '" + directories_[directory].string() +
                   "' would be more than its " + std::to_string(max_files) + " files");
        return std::nullopt;
      }
      SpoolPlace place;
      error = write_in(*number, block, prefix, bytes, place);
      if (error == 0) return place;
    } catch (const std::system_error& e) {
      note_error(e.what());
      return std::nullopt;
    }
  }
  note_error("write to the spool in '" + directories_[directory].string() +
             "': " + std::system_category().message(error));
  return std::nullopt;
}

int SpoolStore::write_in(std::uint8_t number, std::uint64_t block,
                         std::span<const std::byte> prefix, std::span<const std::byte> bytes,
                         SpoolPlace& place) {
  SpoolFile& file = *files_[number].load(std::memory_order_acquire);
  place = {number, file.take_slot(block)};
  if (prefix.empty()) preallocate(place, bytes.size());
  int error = prefix.empty() ? 0 : file.write(place.slot, 0, prefix);
  if (error == 0) error = file.write(place.slot, prefix.size(), bytes);
  if (error != 0) {
    file.punch(place.slot);
    file.put_slot(place.slot);
  }
  return error;
}

std::optional<std::uint8_t> SpoolStore::open_file(std::size_t directory, bool direct) {
  {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].directory == directory && keys_[i].direct == direct) {
        return static_cast<std::uint8_t>(i);
      }
    }
    if (keys_.size() == max_files) return std::nullopt;
  }
  auto file = std::make_unique<SpoolFile>(directories_[directory], stride(), direct);
  MutexLock lock(mutex_);
  // Another filler may have made the same file meanwhile: two of a kind do no harm.
  if (keys_.size() == max_files) return std::nullopt;
  keys_.push_back({directory, direct});
  const auto number = static_cast<std::uint8_t>(keys_.size() - 1);
  files_[number].store(file.release(), std::memory_order_release);
  return number;
}

void SpoolStore::read(std::uint64_t block, SpoolPlace place, std::size_t filled, std::size_t at,
                      std::span<std::byte> out) const {
  const std::uint64_t offset = block_begin(block) + at;
  const auto check = [&](int error) {
    if (error == 0) return;
    throw Error({error, std::system_category()},
                "read from the spool in '" + file(place).directory().string() + "' at byte " +
                    std::to_string(offset) + " of the stream",
                offset);
  };
  if (!cipher_) {
    check(file(place).read(place.slot, at, out));
    return;
  }
  std::byte scratch[block_size + BlockCipher::overhead];
  std::byte plain[block_size];
  const std::span<std::byte> sealed(scratch, filled + BlockCipher::overhead);
  check(file(place).read(place.slot, 0, sealed));
  if (!cipher_->open(block_begin(block), sealed, {plain, filled})) {
    throw Error(Errc::spool_corrupt,
                "read from the spool in '" + file(place).directory().string() + "' at byte " +
                    std::to_string(offset) + " of the stream",
                offset);
  }
  std::copy_n(plain + at, out.size(), out.begin());
}

void SpoolStore::give_up(SpoolPlace place, std::size_t filled) noexcept {
  SpoolFile& held = file(place);
  const bool given_back = held.punch(place.slot);
  held.put_slot(place.slot);
  if (given_back) disk_.give_back(charge(filled));
}

SpoolFile* SpoolStore::only_direct_file() const noexcept {
  MutexLock lock(mutex_);
  if (keys_.size() != 1 || !keys_.front().direct) return nullptr;
  return files_[0].load(std::memory_order_acquire);
}

SpoolFile* SpoolStore::make_direct_file() {
  if (!direct_ || !enabled()) return nullptr;
  if (auto* file = only_direct_file()) return file;
  {
    MutexLock lock(mutex_);
    if (!keys_.empty()) return nullptr;
  }
  for (std::size_t directory = 0; directory < directories_.size(); ++directory) {
    try {
      if (open_file(directory, true)) break;
    } catch (const std::system_error& e) {
      note_error(e.what());
    }
  }
  return only_direct_file();
}

void SpoolStore::finish(std::uint64_t size) noexcept {
  for (auto& entry : files_) {
    SpoolFile* file = entry.load(std::memory_order_acquire);
    // What cannot be given back now is given back with the file.
    if (file != nullptr && file->direct()) (void)file->finish(size);
  }
}

std::string SpoolStore::last_error() const {
  MutexLock lock(mutex_);
  return last_error_;
}

void SpoolStore::note_error(const std::string& text) {
  MutexLock lock(mutex_);
  last_error_ = text;
}

}  // namespace seekable::inline v1::detail
