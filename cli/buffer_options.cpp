// SPDX-License-Identifier: Apache-2.0
#include "cli/buffer_options.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "cli/report.hpp"
#include "seekable/error.hpp"
#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

namespace {

/// Why no file can be made in `directory`; nothing if one can. Leaves none behind.
std::optional<std::error_code> trouble_with(const std::filesystem::path& directory) {
  const FileDescriptor unnamed(
      ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (unnamed) return std::nullopt;
  const int error = errno;
  // A file system without unnamed files: the spool knows a way, here permission must do.
  const bool lacks_it = error == EOPNOTSUPP || error == EISDIR || error == EINVAL;
  if (lacks_it && ::access(directory.c_str(), W_OK | X_OK) == 0) return std::nullopt;
  return std::error_code(lacks_it ? errno : error, std::system_category());
}

}  // namespace

Options buffer_options(const CommonOptions& common) {
  Options options;
  options.memory_limit = common.memory;
  options.disk_limit = common.disk;
  options.encrypt_spool = common.encrypt;
  std::string first_trouble;
  for (const auto& directory : common.directories) {
    const auto trouble = trouble_with(directory);
    if (!trouble) {
      options.spool_directories.push_back(directory);
      continue;
    }
    const std::string line =
        fmt::format("cannot keep a file in '{}': {}", directory.string(), trouble->message());
    if (common.verbose) complain(line + "; it is left out");
    if (first_trouble.empty()) first_trouble = line;
  }
  if (options.spool_directories.empty() && !first_trouble.empty()) {
    throw Failed(first_trouble + "; name a writable directory with --dir");
  }
  return options;
}

StreamBuffer make_buffer(std::unique_ptr<Source> source, const Options& options) {
  try {
    return StreamBuffer(std::move(source), options);
  } catch (const std::system_error& error) {
    if (options.encrypt_spool && error.code() == std::errc::function_not_supported) {
      throw Failed(
          "--encrypt: this build has no encryption; leave it out, or build with libsodium");
    }
    throw;
  }
}

}  // namespace seekable::cli
