// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "core/engine.hpp"
#include "core/output.hpp"
#include "seekable/error.hpp"
#include "source/file_source.hpp"
#include "system/calls.hpp"
#include "system/placed_file.hpp"
#include "system/unnamed_file.hpp"

namespace seekable::inline v1::detail {

namespace {

// How much of a file is given to the kernel at once: a wait for the source stays possible between.
constexpr std::size_t send_step = 1024 * 1024;

/// The place that was to be written failed, and not the stream.
class WriteError final : public Error {
 public:
  using Error::Error;
};

[[noreturn]] void throw_write_error(const std::string& name, int error, std::uint64_t offset) {
  throw WriteError({error, std::system_category()},
                   "write byte " + std::to_string(offset) + " of the stream to " + name, offset);
}

std::string name_of(int fd) { return "file descriptor " + std::to_string(fd); }

/// A file that cannot be linked may still be copied; one that cannot be written is lost.
bool cannot_be_linked(int error) {
  return error == EXDEV || error == EPERM || error == EACCES || error == ENOENT ||
         error == EMLINK || error == EOPNOTSUPP;
}

}  // namespace

std::uint64_t Engine::copy_to(int fd, ByteRange range, const Wait* wait) {
  if (range.begin > range.end) throw std::invalid_argument("copy_to: begin is past end");
  std::uint64_t offset = range.begin;
  const Output output(fd, wait);
  bool may_send = true;
  while (offset < range.end) {
    const bool over = is_end(offset);
    const bool failed = outcome_.failure() != nullptr;
    const std::uint64_t sent = send(output, offset, range.end, may_send);
    if (sent == 0) {
      if (over) break;
      if (failed) throw_if_failed();
      filler_.await(need(offset, range.end), wait);
    }
    offset += sent;
    if (sent > 0) filler_.note_read(offset);
  }
  return offset - range.begin;
}

/// Pins bytes that lie in a file, of the spool or in place; none if they do not.
std::optional<Storage::FileRange> Engine::range_in_file(std::uint64_t offset, std::uint64_t size,
                                                        ViewPin& pin) {
  const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size, send_step));
  if (in_place_ == nullptr) return storage_.pin_in_file(offset, step, pin);
  if (is_gone_in_place(offset) || offset < storage_.low()) return std::nullopt;
  return Storage::FileRange{in_place_->fd(), offset, step};
}

/// Has the kernel send from file to descriptor. Returns how much; 0 where it cannot: reading and
/// writing then tells which of the two fails, if it was not the way between them.
std::uint64_t Engine::send_in_kernel(const Output& output, std::uint64_t offset, std::uint64_t size,
                                     bool& may_send) {
  for (;;) {
    ViewPin pin;
    const auto range = range_in_file(offset, size, pin);
    if (!range) return 0;
    const ssize_t sent = sys::sendfile(output.fd(), range->fd, range->offset, range->size);
    const int error = errno;
    storage_.unpin(pin);
    if (sent > 0) {
      if (in_place_ != nullptr) check_in_place(offset);
      return static_cast<std::uint64_t>(sent);
    }
    if (sent < 0 && error == EAGAIN) {
      output.wait(offset);
      continue;
    }
    may_send = false;
    return 0;
  }
}

/// Sends what is kept at `offset`. Returns how much; 0 if it is missing.
std::uint64_t Engine::send(const Output& output, std::uint64_t offset, std::uint64_t end,
                           bool& may_send) {
  if (may_send) {
    const std::uint64_t sent = send_in_kernel(output, offset, end - offset, may_send);
    if (sent > 0) return sent;
  }
  std::byte buffer[block_size];
  const std::size_t most = std::min<std::uint64_t>(end - offset, block_size);
  const std::size_t size = copy_kept(offset, {buffer, most});
  const std::size_t written = output.write({buffer, size}, offset);
  if (written < size) throw_write_error(name_of(output.fd()), errno, offset + written);
  return size;
}

void Engine::check_nothing_released() const {
  if (storage_.low() > 0) {
    throw Error(Errc::released, "the whole stream is wanted, and its beginning was given up",
                storage_.low());
  }
}

FileDescriptor Engine::to_file(const Wait* wait) {
  storage_.check_not_forked(0);
  if (in_place_ != nullptr) {
    throw_if_failed();
    check_nothing_released();
    auto file = reopen_read_only(in_place_->fd());
    check_in_place(0);
    return file;
  }
  wait_for_all(wait);
  check_nothing_released();
  Exports& exports = exports_.make();
  const Turns::Turn turn(exports.turns, wait);
  if (!exports.copy) {
    if (SpoolFile* spool = complete_spool()) return reopen_read_only(spool->fd());
    exports.copy = file_of_copy(outcome_.end());
  }
  return reopen_read_only(exports.copy.get());
}

/// Makes the spool the whole stream, with what is in memory, if it can be that; else null.
SpoolFile* Engine::complete_spool() {
  if (!storage_.may_spool() || storage_.options().encrypt_spool) return nullptr;
  storage_.stop();  // What is still to be spilled need not be any more: it is written here.
  SpoolFile* file = storage_.make_spool().make_direct_file();
  if (file == nullptr) return nullptr;
  file->hand_out();          // First: after this no hole is punched any more ...
  check_nothing_released();  // ... and before this none was.
  return write_kept_to(*file, outcome_.end()) ? file : nullptr;
}

/// Writes what `file` lacks of the stream. Returns false where there is no room; what was written
/// until then need not be written again.
bool Engine::write_kept_to(SpoolFile& file, std::uint64_t size) {
  std::byte buffer[block_size];
  SpoolStore& store = storage_.make_spool();
  std::uint64_t& done = exports_.make().spooled_to;
  for (; done < size; done += block_size) {
    ViewPin pin;
    if (const auto range = storage_.pin_in_file(done, block_size, pin)) {
      storage_.unpin(pin);
      // A block that was spilled at the last moment may lie in another directory.
      if (range->fd == file.fd()) continue;
    }
    const std::size_t kept = storage_.copy(done, buffer);
    if (!store.try_take(kept)) return false;
    if (file.write(block_of(done), 0, {buffer, kept}) != 0) {
      store.give_back(kept);
      return false;
    }
  }
  return file.finish(size) == 0;
}

/// A file of its own, where the spool cannot be it.
FileDescriptor Engine::file_of_copy(std::uint64_t size) {
  if (!storage_.may_spool() || storage_.options().encrypt_spool) return file_in_memory(size);
  SpoolStore& store = storage_.make_spool();
  std::string why = "the disk limit has no room for " + std::to_string(size) + " bytes";
  if (store.try_take(size)) {
    try {
      for (const auto& directory : store.directories()) {
        if (auto fd = copy_in_directory(directory, size, why)) return fd;
      }
    } catch (...) {
      store.give_back(size);
      throw;
    }
    store.give_back(size);
  }
  throw Error(Errc::disk_full, "make the stream a file: " + why, 0);
}

/// Returns no descriptor where the directory has no room; `why` says more.
FileDescriptor Engine::copy_in_directory(const std::filesystem::path& directory, std::uint64_t size,
                                         std::string& why) {
  FileDescriptor fd;
  try {
    fd = make_unnamed_file(directory, 0600).fd;
  } catch (const Error& error) {
    why = error.what();
    return {};
  }
  try {
    write_stream_to(fd.get(), size, "a temporary file in '" + directory.string() + "'");
  } catch (const WriteError& error) {
    why = error.what();
    return {};
  }
  return fd;
}

FileDescriptor Engine::file_in_memory(std::uint64_t size) {
  if (!storage_.take_memory(size)) {
    throw Error(Errc::disk_full,
                "make the stream a file: it may not lie on disk in the clear, and the memory "
                "limit has no room for another " +
                    std::to_string(size) + " bytes",
                0);
  }
  try {
    FileDescriptor fd(sys::memfd_create("seekable"));
    if (!fd) throw Error({errno, std::system_category()}, "make a file in memory", 0);
    write_stream_to(fd.get(), size, "a file in memory");
    return fd;
  } catch (...) {
    storage_.give_memory_back(size);
    throw;
  }
}

void Engine::write_stream_to(int fd, std::uint64_t size, const std::string& name) {
  bool in_kernel = true;
  for (std::uint64_t offset = 0; offset < size;) {
    std::uint64_t written = 0;
    if (in_kernel) written = copy_in_kernel(fd, offset, size, in_kernel);
    if (written == 0) {
      std::byte buffer[block_size];
      written = copy_kept(offset, buffer);
      if (written == 0) throw_if_failed();
      const int error = write_all_at(fd, buffer, written, offset);
      if (error != 0) throw_write_error(name, error, offset);
    }
    offset += written;
  }
  if (in_place_ != nullptr) check_in_place(0);
}

/// Copies from file to file, by reflink where the file system can. Returns how much; 0 where the
/// kernel cannot, as in `send_in_kernel`.
std::uint64_t Engine::copy_in_kernel(int fd, std::uint64_t offset, std::uint64_t size,
                                     bool& in_kernel) {
  ViewPin pin;
  const auto range = range_in_file(offset, size - offset, pin);
  if (!range) return 0;
  const ssize_t copied = sys::copy_file_range(range->fd, range->offset, fd, offset, range->size);
  storage_.unpin(pin);
  if (copied > 0) return static_cast<std::uint64_t>(copied);
  in_kernel = false;
  return 0;
}

void Engine::save(const std::filesystem::path& path, const Wait* wait, bool may_link) {
  storage_.check_not_forked(0);
  if (in_place_ == nullptr) wait_for_all(wait);
  throw_if_failed();
  check_nothing_released();
  if (may_link && link_spool(path, wait)) return;
  PlacedFile file(path);
  write_stream_to(file.fd(), outcome_.end(), "'" + path.string() + "'");
  check_nothing_released();
  file.place();
}

/// Lets the spool itself become the file at `path`. Returns false where that cannot be.
bool Engine::link_spool(const std::filesystem::path& path, const Wait* wait) {
  // Somebody who goes on reading must not see what is done to the file later on.
  const long others = weak_from_this().use_count() - 1 - (filler_.has_thread() ? 1 : 0);
  if (in_place_ != nullptr || others > 0 || owners() > 1) return false;
  Exports& exports = exports_.make();
  const Turns::Turn turn(exports.turns, wait);
  if (exports.copy || exports.spooled_to > 0 || storage_.spool() == nullptr) return false;
  SpoolFile* spool = storage_.spool()->only_direct_file();
  if (spool == nullptr || !spool->linkable() || !make_like_new_file(spool->fd(), path))
    return false;
  if (complete_spool() != spool) return false;
  const int error = link_into_place(spool->fd(), path);
  if (error == 0) return true;
  if (cannot_be_linked(error)) return false;
  throw_write_error("'" + path.string() + "'", error, 0);
}

}  // namespace seekable::inline v1::detail
