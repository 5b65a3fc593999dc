// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace seekable::cli {

/// A name and a password, for a server that asks who you are.
struct UserAndPassword {
  std::string name;
  std::string password;
};

// Each reads the value of an option.
// Throws: std::invalid_argument, with a line for a person that does not show the value where that
//     may be secret.

/// `Name: value`.
std::string parse_header(const std::string& text);

/// `NAME:PASSWORD`; without the colon there is no password.
UserAndPassword parse_user(const std::string& text);

/// A proxy's URL, or its host and port.
std::string parse_proxy(const std::string& text);

/// The name of a file; not empty.
std::string parse_file_name(const std::string& text);

/// 1 to 4.
unsigned parse_connections(const std::string& text);

/// A SHA-256 sum: 64 hexadecimal digits, which become small letters.
std::string parse_sha256(const std::string& text);

}  // namespace seekable::cli
