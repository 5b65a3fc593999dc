// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "seekable/source.hpp"

namespace seekable::cli {

/// `source` as one that gives its bytes in order and is never opened anew: for a stream of which
/// every byte is wanted once, one request is the cheapest. Used for URLs only: a file is read in
/// place.
std::unique_ptr<Source> forward_only(std::unique_ptr<Source> source);

}  // namespace seekable::cli
