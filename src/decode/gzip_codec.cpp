// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <new>

#include "decode/codec.hpp"

namespace seekable::inline v1::detail {

namespace {

class GzipCodec final : public Codec {
 public:
  GzipCodec() {
    constexpr int gzip_only = 16;
    if (::inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~GzipCodec() override { ::inflateEnd(&stream_); }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    const uInt in_size = clamped<uInt>(in.size());
    const uInt out_size = clamped<uInt>(out.size());
    // Its interface is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = in_size;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = out_size;
    const int code = ::inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    Step step{in_size - stream_.avail_in, out_size - stream_.avail_out, code == Z_STREAM_END};
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) step.broken = why();
    return step;
  }

 private:
  const char* why() const { return stream_.msg != nullptr ? stream_.msg : "its data are damaged"; }

  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Codec> gzip_codec() { return std::make_unique<GzipCodec>(); }

}  // namespace seekable::inline v1::detail
