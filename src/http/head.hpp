// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/headers.hpp"

namespace seekable::inline v1::detail::http {

/// The head of an answer: its status and the fields that matter here.
struct Head {
  int status = 0;
  std::string reason;  ///< the status line without the version
  /// Nothing where the body has a coding for its transfer: its length is not the content's then,
  /// and whoever sends both lies in this one (RFC 9112, 6.3).
  std::optional<std::uint64_t> length() const noexcept {
    return transfer_coded ? std::nullopt : content_length;
  }
  std::optional<std::uint64_t> content_length;
  bool has_two_lengths = false;  ///< that differ
  bool transfer_coded = false;
  std::optional<ContentRange> content_range;
  bool has_content_range = false;  ///< also one that is not understood
  std::optional<EntityTag> entity_tag;
  std::string last_modified;  ///< as it was sent; empty: not sent, or no date
  std::optional<std::int64_t> last_modified_time;
  std::optional<std::int64_t> date;
  std::string content_type;
  std::string coding;  ///< of the content; empty: none
  std::string location;
  std::string retry_after;
  std::string accept_ranges;

  /// Takes in one line of it, the status line first.
  void add(std::string_view line);

  bool is_redirect() const noexcept {
    return !location.empty() &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
  }
};

}  // namespace seekable::inline v1::detail::http
