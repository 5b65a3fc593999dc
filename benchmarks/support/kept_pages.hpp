// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "seekable/stream_buffer.hpp"

namespace seekable::bench {

/// Ends the process with a message where one of 200 pages of `buffer`, from its start to its end at
/// `size`, does not hold the pattern.
void check_pages(const StreamBuffer& buffer, std::uint64_t size);

}  // namespace seekable::bench
