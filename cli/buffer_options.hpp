// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cli/options.hpp"
#include "seekable/options.hpp"
#include "seekable/source.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What the common options mean for a buffer. Directories that were named are tried at once, so
/// that a bad one is known before a byte is taken; with `--verbose` those left out are told.
///
/// Throws: Failed if no directory that was named can hold a file.
Options buffer_options(const CommonOptions& common);

/// Makes the buffer.
///
/// Throws: Failed for --encrypt in a build without encryption.
StreamBuffer make_buffer(std::unique_ptr<Source> source, const Options& options);

}  // namespace seekable::cli
