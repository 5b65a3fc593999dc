// SPDX-License-Identifier: Apache-2.0
#include "cli/web_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "cli/number.hpp"

namespace seekable::cli {

namespace {

constexpr std::string_view letters_of_names =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

}  // namespace

std::string parse_header(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string::npos ||
      text.find_first_not_of(letters_of_names) != colon) {
    throw std::invalid_argument("a header is written 'Name: value'");
  }
  const std::string_view name = std::string_view(text).substr(0, colon);
  if (has_control_character(text)) {
    throw std::invalid_argument(
        fmt::format("the value of '{}' has a control character; leave it out", name));
  }
  return text;
}

UserAndPassword parse_user(const std::string& text) {
  const std::size_t colon = text.find(':');
  UserAndPassword user{text.substr(0, colon), {}};
  if (colon != std::string::npos) user.password = text.substr(colon + 1);
  if (user.name.empty()) throw std::invalid_argument("the name is empty; write NAME:PASSWORD");
  if (has_control_character(text)) {
    throw std::invalid_argument("it has a control character; leave it out");
  }
  return user;
}

std::string parse_proxy(const std::string& text) {
  if (text.empty() || has_control_character(text) || text.find(' ') != std::string::npos) {
    throw std::invalid_argument("that is no address; write http://host:port");
  }
  return text;
}

std::string parse_file_name(const std::string& text) {
  if (text.empty()) throw std::invalid_argument("the name is empty; write that of a file");
  return text;
}

unsigned parse_connections(const std::string& text) {
  const LeadingNumber number = leading_number(text);
  if (number.trouble != NumberTrouble::none || !number.rest.empty() || number.value < 1 ||
      number.value > 4) {
    throw std::invalid_argument(fmt::format("'{}' is not a number from 1 to 4", text));
  }
  return static_cast<unsigned>(number.value);
}

std::string parse_sha256(const std::string& text) {
  constexpr std::size_t digits = 64;
  std::string sum = text;
  std::ranges::transform(sum, sum.begin(), [](char c) {
    return 'A' <= c && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (sum.size() != digits || sum.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw std::invalid_argument(
        fmt::format("'{}' is no SHA-256 sum; write its 64 hexadecimal digits", text));
  }
  return sum;
}

}  // namespace seekable::cli
