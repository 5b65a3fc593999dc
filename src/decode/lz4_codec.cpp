// SPDX-License-Identifier: Apache-2.0
#include <lz4frame.h>

#include <new>

#include "decode/codec.hpp"

namespace seekable::inline v1::detail {

namespace {

class Lz4Codec final : public Codec {
 public:
  Lz4Codec() {
    if (::LZ4F_isError(::LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) != 0) {
      throw std::bad_alloc();
    }
  }
  ~Lz4Codec() override { ::LZ4F_freeDecompressionContext(context_); }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    std::size_t taken = in.size();
    std::size_t given = out.size();
    const std::size_t left =
        ::LZ4F_decompress(context_, out.data(), &given, in.data(), &taken, nullptr);
    if (::LZ4F_isError(left) != 0) {
      return {.broken = ::LZ4F_getErrorName(left)};
    }
    return {taken, given, left == 0, nullptr};
  }

 private:
  LZ4F_dctx* context_ = nullptr;
};

}  // namespace

std::unique_ptr<Codec> lz4_codec() { return std::make_unique<Lz4Codec>(); }

}  // namespace seekable::inline v1::detail
