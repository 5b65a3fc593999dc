// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>

#include <new>

#include "decode/codec.hpp"

namespace seekable::inline v1::detail {

namespace {

class Bzip2Codec final : public Codec {
 public:
  Bzip2Codec() {
    if (::BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }
  ~Bzip2Codec() override { ::BZ2_bzDecompressEnd(&stream_); }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    const unsigned in_size = clamped<unsigned>(in.size());
    const unsigned out_size = clamped<unsigned>(out.size());
    // Its interface is older than const.
    stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = in_size;
    stream_.next_out = reinterpret_cast<char*>(out.data());
    stream_.avail_out = out_size;
    const int code = ::BZ2_bzDecompress(&stream_);
    if (code == BZ_MEM_ERROR) throw std::bad_alloc();
    Step step{in_size - stream_.avail_in, out_size - stream_.avail_out, code == BZ_STREAM_END};
    if (code != BZ_OK && code != BZ_STREAM_END) step.broken = "its data are damaged";
    return step;
  }

 private:
  bz_stream stream_{};
};

}  // namespace

std::unique_ptr<Codec> bzip2_codec() { return std::make_unique<Bzip2Codec>(); }

}  // namespace seekable::inline v1::detail
