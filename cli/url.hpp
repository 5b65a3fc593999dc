// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace seekable::cli {

/// What stands before `://`, in small letters; empty if `text` does not begin like a URL.
std::string url_scheme(std::string_view text);

/// Throws: std::invalid_argument, with a line for a person, if `url` (which has a scheme) cannot be
///     asked for: it has no host, or blanks or control characters.
void check_url(std::string_view url);

/// `url` as a person may see it: without name and password, the query, and its fragment.
/// What is no URL stays as it is.
std::string shown_url(std::string_view url);

/// `text` with the queries of the URLs in it left out.
std::string without_queries(std::string_view text);

/// `url` without name, password and fragment: what tells one stream from another.
std::string url_identity(std::string_view url);

/// The last part of the URL's path, decoded: a name for a file in the working directory.
///
/// Returns: nothing if it is empty, names a directory, or has a character that no name should have.
std::optional<std::string> url_file_name(std::string_view url);

/// `name` without the ending that a compressed file has: `a.tar.gz` and `a.tgz` become `a.tar`.
std::string name_without_compression(const std::string& name);

}  // namespace seekable::cli
