// SPDX-License-Identifier: Apache-2.0
#include "seekable/istream.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <streambuf>
#include <utility>

namespace seekable::inline v1 {

namespace {

/// A stream buffer over a `Reader`: reads that are larger than its own small buffer go past it.
class ReaderStreambuf final : public std::streambuf {
 public:
  explicit ReaderStreambuf(Reader reader) : reader_(std::move(reader)) {}

 protected:
  int_type underflow() override {
    const std::size_t size = reader_.read_some(std::as_writable_bytes(std::span(buffer_)));
    if (size == 0) return traits_type::eof();
    setg(buffer_.data(), buffer_.data(), buffer_.data() + size);
    return traits_type::to_int_type(*gptr());
  }

  std::streamsize xsgetn(char* out, std::streamsize wanted) override {
    const std::streamsize buffered = std::min(wanted, egptr() - gptr());
    if (buffered > 0) {
      std::memcpy(out, gptr(), static_cast<std::size_t>(buffered));
      setg(eback(), gptr() + buffered, egptr());
    }
    if (buffered == wanted) return wanted;
    setg(nullptr, nullptr, nullptr);  // It no longer ends where the reader's position is.
    const std::span<char> rest(out + buffered, static_cast<std::size_t>(wanted - buffered));
    const std::uint64_t begin = reader_.position() - static_cast<std::uint64_t>(buffered);
    return buffered + static_cast<std::streamsize>(read_to_end_or(begin, rest));
  }

  int_type pbackfail(int_type wanted) override {
    const std::uint64_t next = reader_.position() - static_cast<std::uint64_t>(egptr() - gptr());
    if (next == 0) return traits_type::eof();
    setg(nullptr, nullptr, nullptr);
    const int_type byte = byte_before(next);
    if (wanted == traits_type::eof() || wanted == byte) return byte;
    gbump(1);
    return traits_type::eof();
  }

  std::streamsize showmanyc() override {
    const std::uint64_t available = reader_.available();
    if (available == 0 && reader_.size() == reader_.position()) return -1;
    constexpr auto most = std::numeric_limits<std::streamsize>::max();
    return available > static_cast<std::uint64_t>(most) ? most
                                                        : static_cast<std::streamsize>(available);
  }

  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    const off_type unread = egptr() - gptr();
    try {
      if (from == std::ios_base::cur) {
        if (offset == 0) {  // tellg: what is buffered stays.
          return pos_type(static_cast<off_type>(reader_.position()) - unread);
        }
        off_type from_reader = 0;
        if (__builtin_sub_overflow(offset, unread, &from_reader)) return pos_type(off_type(-1));
        reader_.seek(from_reader, Whence::current);
      } else {
        reader_.seek(offset, from == std::ios_base::end ? Whence::end : Whence::begin);
      }
    } catch (const std::invalid_argument&) {
      return pos_type(off_type(-1));
    }
    setg(nullptr, nullptr, nullptr);
    return pos_type(static_cast<off_type>(reader_.position()));
  }

  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }

 private:
  /// Buffers from the byte before `next` on, and gives that one; else the position is `next`.
  int_type byte_before(std::uint64_t next) {
    try {
      reader_.seek(static_cast<std::int64_t>(next - 1));
      return underflow();
    } catch (...) {
      reader_.seek(static_cast<std::int64_t>(next));
      throw;
    }
  }

  /// Reads all of `out`, or to the end; throws the failure, also if bytes came before it: fewer
  /// bytes than asked are the end to a `std::istream`. The position is then `begin`.
  std::size_t read_to_end_or(std::uint64_t begin, std::span<char> out) {
    std::size_t done = 0;
    try {
      while (done < out.size()) {
        const std::size_t size = reader_.read(std::as_writable_bytes(out.subspan(done)));
        if (size == 0) break;
        done += size;
      }
    } catch (...) {
      setg(nullptr, nullptr, nullptr);
      reader_.seek(static_cast<off_type>(begin));
      throw;
    }
    return done;
  }

  Reader reader_;
  std::array<char, 8192> buffer_;
};

}  // namespace

istream::istream(StreamBuffer& buffer, std::uint64_t offset)
    : std::istream(nullptr), streambuf_(std::make_unique<ReaderStreambuf>(buffer.reader(offset))) {
  rdbuf(streambuf_.get());
}

istream::~istream() = default;

}  // namespace seekable::inline v1
