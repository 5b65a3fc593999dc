// SPDX-License-Identifier: Apache-2.0
#include "decode/codec_member.hpp"

namespace seekable::inline v1::detail {

std::size_t CodecMember::read(std::span<std::byte> out) {
  while (!ended_) {
    if (broken_ != nullptr) throw BrokenMember(Errc::source_failed, broken_);
    // What was decoded already is given before anybody waits for more.
    const Codec::Step step = codec_->step(input_.at_hand(), out);
    input_.consume(step.taken);
    ended_ = step.ended;
    broken_ = step.broken;  // Behind the bytes that came before it.
    if (step.given > 0) return step.given;
    if (ended_ || broken_ != nullptr || step.taken > 0) continue;
    // What is at hand was not enough, and it took none of that.
    if (input_.ahead(input_.at_hand().size()).empty()) {
      throw BrokenMember(Errc::truncated, "it ends within a member");
    }
  }
  return 0;
}

}  // namespace seekable::inline v1::detail
