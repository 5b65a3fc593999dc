// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Any stream, read like a file. Start at `stream_buffer.hpp`.

// IWYU pragma: begin_exports
#include "seekable/bytes.hpp"
#include "seekable/chunks.hpp"
#include "seekable/error.hpp"
#include "seekable/export.hpp"
#include "seekable/file_descriptor.hpp"
#include "seekable/istream.hpp"
#include "seekable/memory_budget.hpp"
#include "seekable/open_file.hpp"
#include "seekable/options.hpp"
#include "seekable/pipe.hpp"
#include "seekable/reader.hpp"
#include "seekable/source.hpp"
#include "seekable/sources.hpp"
#include "seekable/stats.hpp"
#include "seekable/stream_buffer.hpp"
#include "seekable/subscription.hpp"
#include "seekable/view.hpp"
#include "seekable/wait.hpp"
// IWYU pragma: end_exports
