// SPDX-License-Identifier: Apache-2.0
#include "seekable/open_file.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <system_error>

namespace seekable::inline v1 {

namespace {

/// What `errno` says of the exception that is being handled.
int current_errno() noexcept {
  try {
    throw;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::no_space_on_device) return ENOSPC;
    if (error.code() == std::errc::timed_out) return ETIMEDOUT;
    if (error.code() == std::errc::operation_canceled) return ECANCELED;
    const bool system = error.code().category() == std::system_category() ||
                        error.code().category() == std::generic_category();
    return system ? error.code().value() : EIO;
  } catch (const std::invalid_argument&) {
    return EINVAL;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (...) {
    return EIO;
  }
}

ssize_t read_cookie(void* cookie, char* data, size_t size) {
  try {
    const std::span<char> out(data, size);
    return static_cast<ssize_t>(
        static_cast<Reader*>(cookie)->read_some(std::as_writable_bytes(out)));
  } catch (...) {
    errno = current_errno();
    return -1;
  }
}

int seek_cookie(void* cookie, off64_t* offset, int whence) {
  try {
    auto& reader = *static_cast<Reader*>(cookie);
    const Whence from = whence == SEEK_SET   ? Whence::begin
                        : whence == SEEK_CUR ? Whence::current
                                             : Whence::end;
    *offset = static_cast<off64_t>(reader.seek(*offset, from));
    return 0;
  } catch (...) {
    errno = current_errno();
    return -1;
  }
}

int close_cookie(void* cookie) {
  delete static_cast<Reader*>(cookie);
  return 0;
}

}  // namespace

std::FILE* open_file(const StreamBuffer& buffer) {
  auto reader = std::make_unique<Reader>(buffer.reader());
  std::FILE* file =
      ::fopencookie(reader.get(), "rb", {read_cookie, nullptr, seek_cookie, close_cookie});
  if (file == nullptr) {
    throw std::system_error(errno, std::system_category(), "open a stream as a FILE");
  }
  (void)reader.release();
  return file;
}

}  // namespace seekable::inline v1
