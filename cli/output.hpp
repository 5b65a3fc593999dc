// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace seekable::cli {

/// Nobody reads standard output any more.
struct OutputClosed {};

/// Writes all of `bytes` to standard output.
///
/// Throws: OutputClosed; Failed, with a line for a person.
void write_output(std::span<const std::byte> bytes);
void write_output(std::string_view text);

/// Throws what an errno value of a failed write to standard output means.
[[noreturn]] void throw_output_trouble(int error);

}  // namespace seekable::cli
