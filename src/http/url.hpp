// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace seekable::inline v1::detail::http {

/// A URL of HTTP, taken apart by libcurl. What it holds of a name and a password stands apart, so
/// that it appears in no message and goes to no other origin.
struct Url {
  std::string text;    ///< without name, password and fragment
  std::string origin;  ///< scheme, host and port
  std::string user;    ///< decoded; empty: none
  std::string password;

  /// Throws: `std::invalid_argument`, which says what is wrong with it.
  static Url parse(const std::string& text);

  /// What a `Location` in the answer to this URL means. Throws as `parse`.
  Url redirected(const std::string& location) const;

  /// For messages: without the query, and not longer than people read.
  std::string printable() const;
};

/// True if libcurl takes `text` for a proxy. (What it says otherwise quotes the password.)
bool is_proxy(const std::string& text);

}  // namespace seekable::inline v1::detail::http
