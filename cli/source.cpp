// SPDX-License-Identifier: Apache-2.0
#include "cli/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/durations.hpp"
#include "cli/report.hpp"
#include "cli/url.hpp"
#include "cli/web.hpp"
#include "seekable/file_descriptor.hpp"
#include "seekable/sources.hpp"

namespace seekable::cli {

namespace {

[[noreturn]] void refuse(const std::string& path, std::error_code why, std::string_view advice) {
  throw Failed(fmt::format("cannot read '{}': {}; {}", path, why.message(), advice));
}

/// Lets the writer of a pipe, if `fd` is one, be further ahead: with the usual 64 KiB a writer of
/// 128 KiB at a time waits for its reader within each write, and what the library splices at once
/// is nearly 512 KiB. A wish: some systems do not allow it.
void let_writer_run_ahead(int fd) {
  constexpr int wanted = 512 * 1024;
  const int size = ::fcntl(fd, F_GETPIPE_SZ);
  if (size > 0 && size < wanted) ::fcntl(fd, F_SETPIPE_SZ, wanted);
}

/// Opens a named pipe as soon as somebody writes to it.
FileDescriptor open_named_pipe(const std::string& path,
                               std::optional<std::chrono::milliseconds> timeout) {
  // A blocking open could not give up in time.
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) refuse(path, {errno, std::system_category()}, "check its permissions");
  pollfd writer{fd.get(), POLLIN, 0};
  const auto limit = timeout ? std::min<std::int64_t>(timeout->count(), INT_MAX) : -1;
  if (::poll(&writer, 1, static_cast<int>(limit)) == 0) {
    throw Failed(
        fmt::format("nobody has written to '{}' for {}; start its writer or raise "
                    "--timeout",
                    path, exact_duration(*timeout)));
  }
  ::fcntl(fd.get(), F_SETFL, O_RDONLY);
  let_writer_run_ahead(fd.get());
  return fd;
}

OpenedSource open_path(const std::string& path, std::optional<std::chrono::milliseconds> timeout) {
  struct ::stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    refuse(path, {errno, std::system_category()}, "check the name and its permissions");
  }
  if (S_ISDIR(status.st_mode)) {
    refuse(path, std::make_error_code(std::errc::is_a_directory), "name a file in it");
  }
  OpenedSource opened;
  opened.name = path;
  opened.file_name = std::filesystem::path(path).filename();
  try {
    opened.source = S_ISFIFO(status.st_mode)
                        ? from_fd(open_named_pipe(path, timeout).release(), true)
                        : from_file(path);
  } catch (const std::system_error& error) {
    refuse(path, error.code(), "check its permissions");
  }
  // A file of /proc is a regular one by its mode alone: the library knows.
  opened.in_place = dynamic_cast<RestartableSource*>(opened.source.get()) != nullptr;
  return opened;
}

OpenedSource open_url(const SourceChoice& choice) {
  OpenedSource opened;
  opened.name = shown_url(*choice.url);
  opened.file_name = url_file_name(*choice.url).value_or("stream");
  auto source = open_web(choice);
  opened.web = source.get();
  opened.source = std::move(source);
  return opened;
}

OpenedSource open_command(const std::string& command) {
  OpenedSource opened;
  opened.name = command;
  opened.file_name = "stream";
  try {
    opened.source = from_command({"/bin/sh", "-c", "--", command});
  } catch (const std::system_error& error) {
    throw Failed(fmt::format("cannot run /bin/sh for --exec: {}", error.code().message()));
  }
  return opened;
}

OpenedSource open_standard_input() {
  OpenedSource opened;
  opened.name = "standard input";
  opened.file_name = "stream";
  opened.standard_input = true;
  let_writer_run_ahead(STDIN_FILENO);
  opened.source = from_fd(STDIN_FILENO);
  return opened;
}

OpenedSource open_encoded(const SourceChoice& choice,
                          std::optional<std::chrono::milliseconds> timeout, Signals& signals) {
  if (!choice.url && !choice.command && choice.path != "-") {
    OpenedSource opened = open_path(choice.path, timeout);
    signals.begin();
    return opened;
  }
  signals.begin();
  if (choice.url) return open_url(choice);
  return choice.command ? open_command(*choice.command) : open_standard_input();
}

}  // namespace

OpenedSource open_source(const SourceChoice& choice,
                         std::optional<std::chrono::milliseconds> timeout, Signals& signals) {
  OpenedSource opened = open_encoded(choice, timeout, signals);
  if (choice.decode) {
    opened.source = open_decoded(std::move(opened.source));
    opened.file_name = name_without_compression(opened.file_name);
    opened.in_place = false;
    opened.decoded = true;
  }
  return opened;
}

}  // namespace seekable::cli
