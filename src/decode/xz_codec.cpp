// SPDX-License-Identifier: Apache-2.0
#include <lzma.h>

#include <new>

#include "decode/codec.hpp"

namespace seekable::inline v1::detail {

namespace {

class XzCodec final : public Codec {
 public:
  XzCodec() {
    // A check that cannot be verified is none.
    constexpr std::uint64_t besides_the_window = 1024 * 1024;
    const lzma_ret code = ::lzma_stream_decoder(&stream_, largest_window + besides_the_window,
                                                LZMA_TELL_UNSUPPORTED_CHECK);
    if (code != LZMA_OK) throw std::bad_alloc();
  }
  ~XzCodec() override { ::lzma_end(&stream_); }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    const lzma_ret code = ::lzma_code(&stream_, LZMA_RUN);
    if (code == LZMA_MEM_ERROR) throw std::bad_alloc();
    Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out,
              code == LZMA_STREAM_END};
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR) {
      step.broken = why(code);
    }
    return step;
  }

 private:
  static const char* why(lzma_ret code) {
    switch (code) {
      case LZMA_MEMLIMIT_ERROR: return "it needs more than 128 MiB of memory";
      case LZMA_UNSUPPORTED_CHECK: return "its check cannot be verified here";
      case LZMA_OPTIONS_ERROR: return "it needs what this version of liblzma does not have";
      default: return "its data are damaged";
    }
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
};

}  // namespace

std::unique_ptr<Codec> xz_codec() { return std::make_unique<XzCodec>(); }

}  // namespace seekable::inline v1::detail
