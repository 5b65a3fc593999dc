// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <memory>

#include "decode/format.hpp"
#include "decode/input.hpp"
#include "decode/member.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1::detail {

/// The members of a compressed stream, one after the other.
///
/// It ends only where the source has ended and no byte of it is left over: each member has said
/// that it is whole, and what follows the last one is nothing, or padding that the format knows.
class DecodedSource final : public Source {
 public:
  explicit DecodedSource(std::unique_ptr<Source> source) : input_(std::move(source)) {}

  std::size_t read_some(std::span<std::byte> out) override;
  void cancel() noexcept override { input_.cancel(); }
  SourceInfo info() const override;

 private:
  std::size_t read(std::span<std::byte> out);
  bool next_member();
  void find_format();
  bool take_next();
  bool skip_padding();
  void skip_frame();
  void open_member(Format format);

  Input input_;
  bool begun_ = false;
  bool ended_ = false;
  Format format_ = Format::plain;   // of the stream
  std::unique_ptr<Member> member_;  // null: between two
  std::uint64_t given_ = 0;
  std::exception_ptr failure_;  // final
};

}  // namespace seekable::inline v1::detail
