// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include <bit>
#include <new>

#include "decode/codec.hpp"

namespace seekable::inline v1::detail {

namespace {

class ZstdCodec final : public Codec {
 public:
  ZstdCodec() : context_(::ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    constexpr int window_log = std::bit_width(largest_window) - 1;
    ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_log);
  }
  ~ZstdCodec() override { ::ZSTD_freeDCtx(context_); }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t left = ::ZSTD_decompressStream(context_, &to, &from);
    if (::ZSTD_isError(left) != 0) {
      return {.broken = ::ZSTD_getErrorName(left)};
    }
    return {from.pos, to.pos, left == 0, nullptr};
  }

 private:
  ZSTD_DCtx* const context_;
};

}  // namespace

std::unique_ptr<Codec> zstd_codec() { return std::make_unique<ZstdCodec>(); }

}  // namespace seekable::inline v1::detail
