// SPDX-License-Identifier: Apache-2.0
#include "cli/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace seekable::cli {

namespace {

constexpr std::string_view separator = "://";

bool is_letter(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); }
bool is_digit(char c) { return '0' <= c && c <= '9'; }

/// What a URL consists of, each a part of its text.
struct Parts {
  std::string_view scheme;
  std::string_view user;  ///< with the password and the @; empty if there is none
  std::string_view host;  ///< with the port
  std::string_view path;
  std::string_view query;  ///< with the question mark
};

/// Requires: `url` has a scheme.
Parts parts_of(std::string_view url) {
  Parts parts;
  url = url.substr(0, url.find('#'));
  const std::size_t scheme_end = url.find(separator);
  parts.scheme = url.substr(0, scheme_end);
  url.remove_prefix(scheme_end + separator.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  url.remove_prefix(authority.size());
  const std::size_t at = authority.rfind('@');
  const std::size_t user_size = at == std::string_view::npos ? 0 : at + 1;
  parts.user = authority.substr(0, user_size);
  parts.host = authority.substr(user_size);
  parts.path = url.substr(0, url.find('?'));
  parts.query = url.substr(parts.path.size());
  return parts;
}

/// `text` with its %XX decoded; nothing where one is broken.
std::optional<std::string> decoded_text(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text.front() != '%') {
      plain += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return std::nullopt;
    unsigned value = 0;
    const char* const end = text.data() + 3;
    if (std::from_chars(text.data() + 1, end, value, 16).ptr != end) return std::nullopt;
    plain += static_cast<char>(value);
    text.remove_prefix(3);
  }
  return plain;
}

bool is_blank_or_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f;
}

}  // namespace

std::string url_scheme(std::string_view text) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos || end == 0 || !is_letter(text.front())) return {};
  std::string scheme(text.substr(0, end));
  for (char& c : scheme) {
    if (!is_letter(c) && !is_digit(c) && std::string_view("+-.").find(c) == std::string_view::npos)
      return {};
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return scheme;
}

void check_url(std::string_view url) {
  if (std::ranges::any_of(url, is_blank_or_control)) {
    throw std::invalid_argument(fmt::format(
        "'{}' has a blank or a control character; write %20 for a blank", shown_url(url)));
  }
  const std::string_view host = parts_of(url).host;
  if (host.empty() || host.front() == ':') {
    throw std::invalid_argument(
        fmt::format("'{}' names no host; write it as http://host/path", shown_url(url)));
  }
}

std::string shown_url(std::string_view url) {
  if (url_scheme(url).empty()) return std::string(url);
  const Parts parts = parts_of(url);
  // What is asked may be a key or a signature.
  return fmt::format("{}{}{}{}{}", parts.scheme, separator, parts.host, parts.path,
                     parts.query.size() > 1 ? "?..." : "");
}

std::string without_queries(std::string_view text) {
  std::string shown;
  for (;;) {
    const std::size_t url = text.find(separator);
    const std::size_t end = std::min(text.find_first_of(" \n'\"", url), text.size());
    const std::size_t query = text.substr(0, end).find('?', url);
    if (url == std::string_view::npos) return shown.append(text);
    if (query == std::string_view::npos) {
      shown.append(text.substr(0, end));
    } else {
      // A colon or comma at its end belongs to the sentence.
      const bool ends_a_part = end < text.size() && (text[end - 1] == ':' || text[end - 1] == ',');
      shown.append(text.substr(0, query)).append("?...");
      if (ends_a_part) shown += text[end - 1];
    }
    text.remove_prefix(end);
  }
}

std::string url_identity(std::string_view url) {
  if (url_scheme(url).empty()) return std::string(url);
  const Parts parts = parts_of(url);
  return fmt::format("{}{}{}{}{}", parts.scheme, separator, parts.host, parts.path, parts.query);
}

std::optional<std::string> url_file_name(std::string_view url) {
  const std::string_view path = parts_of(url).path;
  auto name = decoded_text(path.substr(path.rfind('/') + 1));
  if (!name || name->empty() || *name == "." || *name == "..") return std::nullopt;
  const bool bad = std::ranges::any_of(
      *name, [](char c) { return c == '/' || (is_blank_or_control(c) && c != ' '); });
  if (bad) return std::nullopt;
  return name;
}

std::string name_without_compression(const std::string& name) {
  constexpr std::array<std::string_view, 5> plain = {".gz", ".zst", ".xz", ".bz2", ".lz4"};
  constexpr std::array<std::string_view, 4> tar = {".tgz", ".tzst", ".txz", ".tbz2"};
  for (const std::string_view ending : plain) {
    if (name.size() > ending.size() && name.ends_with(ending)) {
      return name.substr(0, name.size() - ending.size());
    }
  }
  for (const std::string_view ending : tar) {
    if (name.size() > ending.size() && name.ends_with(ending)) {
      return name.substr(0, name.size() - ending.size()) + ".tar";
    }
  }
  return name;
}

}  // namespace seekable::cli
