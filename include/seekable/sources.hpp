// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "seekable/bytes.hpp"
#include "seekable/chunks.hpp"
#include "seekable/export.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1 {

/// Reads a file descriptor from its current position: a pipe, a socket, a terminal, a file.
///
/// `close`: the source closes `fd` when it is destroyed. A non-blocking descriptor is waited
/// for. `cancel` makes a waiting read throw at once. Reading moves the descriptor's position, and
/// nobody else may read it meanwhile. A socket that gives packets fails with
/// `std::errc::wrong_protocol_type`; a pipe in packet mode (`O_DIRECT`) cannot be told from another
/// and must not be given. A pipe that spills is no longer read by `RWF_NOWAIT` afterwards: the
/// kernel forgets that it could. Throws: `std::invalid_argument` if `fd` is negative. Lifetime:
/// without `close`, `fd` must stay open until the buffer and its readers are gone.
SEEKABLE_EXPORT std::unique_ptr<Source> from_fd(int fd, bool close = false);

/// Reads the file at `path`. A regular file is read in place: any offset at once, nothing is
/// spooled (unless a window or another `expected_size` is wanted). Anything else is read like
/// `from_fd`: a named pipe, a device, an empty file, one of /proc.
///
/// A regular file that is changed while it is read fails with `Errc::source_changed`.
/// Throws: std::system_error if the file cannot be opened, or is a directory.
/// Blocks: opening a named pipe waits for its writer; a file that was changed just now, some
///     milliseconds.
SEEKABLE_EXPORT std::unique_ptr<Source> from_file(const std::filesystem::path& path);

/// Reads a standard stream from where it stands. A stream that has already failed is a failure,
/// not an end.
///
/// Lifetime: `stream` must outlive the buffer and its readers, and nobody else may read it.
SEEKABLE_EXPORT std::unique_ptr<Source> from_istream(std::istream& stream);

/// Calls `read`, which follows the contract of `Source::read_some`.
///
/// Throws: `std::invalid_argument` if `read` is empty.
SEEKABLE_EXPORT std::unique_ptr<Source> from_function(
    std::function<std::size_t(std::span<std::byte>)> read);

/// Bytes that are there already; the source owns them and declares their size.
SEEKABLE_EXPORT std::unique_ptr<Source> from_bytes(Bytes bytes);
SEEKABLE_EXPORT std::unique_ptr<Source> from_bytes(std::string bytes);

/// Starts a program (looked for along `$PATH`) at once and reads its standard output. Its standard
/// input and standard error are the caller's.
///
/// A non-zero exit, or a signal, is a failure and not an end. `cancel` sends SIGTERM to the child
/// and what it has started (a shell leaves that behind); destruction does too, and SIGKILL to one
/// that stays 200 ms later. A process that ignores SIGCHLD, or reaps children that are not its own,
/// hides how it ended: that is a failure. Throws: `std::invalid_argument` if `argv` is empty;
/// std::system_error if it cannot be started.
SEEKABLE_EXPORT std::unique_ptr<Source> from_command(std::vector<std::string> argv);

}  // namespace seekable::inline v1
