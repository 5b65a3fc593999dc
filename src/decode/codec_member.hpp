// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "decode/codec.hpp"
#include "decode/input.hpp"
#include "decode/member.hpp"

namespace seekable::inline v1::detail {

/// A member that a codec decodes.
class CodecMember final : public Member {
 public:
  CodecMember(Input& input, std::unique_ptr<Codec> codec)
      : input_(input), codec_(std::move(codec)) {}

  std::size_t read(std::span<std::byte> out) override;

 private:
  Input& input_;
  const std::unique_ptr<Codec> codec_;
  bool ended_ = false;
  const char* broken_ = nullptr;
};

}  // namespace seekable::inline v1::detail
