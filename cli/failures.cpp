// SPDX-License-Identifier: Apache-2.0
#include "cli/failures.hpp"

#include <fmt/format.h>

#include "cli/url.hpp"
#include "seekable/error.hpp"

namespace seekable::cli {

namespace {

/// What may help where a server refuses.
std::string_view advice_about(std::error_code code) {
  if (code == std::errc::no_such_file_or_directory) return "; check the URL";
  if (code == std::errc::permission_denied) return "; see --user, --netrc and --header";
  return "";
}

}  // namespace

std::string source_failure_text(std::error_code code, std::string_view what, std::uint64_t bytes,
                                std::string_view source_name) {
  std::string why = without_queries(what);
  const bool is_url = !url_scheme(source_name).empty();
  // The library says it too; and a URL without a path as one with a slash.
  for (const std::string_view slash : {"", "/"}) {
    const std::string named = fmt::format("read {}{}: ", source_name, slash);
    if (is_url && why.starts_with(named)) why.erase(0, named.size());
  }
  return fmt::format("the source '{}' failed after {} bytes: {}{}", source_name, bytes, why,
                     is_url ? advice_about(code) : "");
}

std::string failure_text(const StreamBuffer& buffer, const std::system_error& error,
                         std::string_view source_name) {
  if (const auto failure = buffer.failure()) {
    return source_failure_text(failure->code, failure->message, failure->offset, source_name);
  }
  if (error.code() == Errc::disk_full) {
    return fmt::format("{}; give more room with --memory, --disk or --dir", error.what());
  }
  if (error.code() == Errc::released) {
    return fmt::format("{}; a larger --window keeps more", error.what());
  }
  return without_queries(error.what());
}

}  // namespace seekable::cli
