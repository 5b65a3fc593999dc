// SPDX-License-Identifier: Apache-2.0
#include "cli/failures.hpp"

#include <fmt/format.h>

#include "seekable/error.hpp"

namespace seekable::cli {

std::string failure_text(const StreamBuffer& buffer, const std::system_error& error,
                         std::string_view source_name) {
  if (const auto failure = buffer.failure()) {
    return fmt::format("the source '{}' failed after {} bytes: {}", source_name, failure->offset,
                       failure->message);
  }
  if (error.code() == Errc::disk_full) {
    return fmt::format("{}; give more room with --memory, --disk or --dir", error.what());
  }
  if (error.code() == Errc::released) {
    return fmt::format("{}; a larger --window keeps more", error.what());
  }
  return error.what();
}

}  // namespace seekable::cli
