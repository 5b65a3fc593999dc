// SPDX-License-Identifier: Apache-2.0
#include "cli/buffer_options.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "cli/report.hpp"
#include "seekable/error.hpp"
#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

namespace {

/// Makes a file and removes its name at once, where the file system lacks files without names.
bool makes_named_file(const std::filesystem::path& directory) {
  std::string name = (directory / ".seekable-XXXXXX").string();
  const FileDescriptor named(::mkostemp(name.data(), O_CLOEXEC));
  return named && ::unlink(name.c_str()) == 0;
}

/// Why no file can be made in `directory`; nothing if one can. Leaves none behind.
std::optional<std::error_code> trouble_with(const std::filesystem::path& directory) {
  constexpr mode_t mode = S_IRUSR | S_IWUSR;
  const FileDescriptor unnamed(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (unnamed) return std::nullopt;
  const bool lacks_it = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
  if (lacks_it && makes_named_file(directory)) return std::nullopt;
  return std::error_code(errno, std::system_category());
}

std::vector<std::filesystem::path> usable_directories(const CommonOptions& common) {
  std::vector<std::filesystem::path> usable;
  std::string first_trouble;
  for (const auto& directory : common.directories) {
    const auto trouble = trouble_with(directory);
    if (!trouble) {
      usable.push_back(directory);
      continue;
    }
    const std::string line =
        fmt::format("cannot keep a file in '{}': {}", directory.string(), trouble->message());
    if (common.verbose) complain(line + "; it is left out");
    if (first_trouble.empty()) first_trouble = line;
  }
  if (usable.empty() && !first_trouble.empty()) {
    throw Failed(first_trouble + "; name a writable directory with --dir");
  }
  return usable;
}

}  // namespace

Options buffer_options(const CommonOptions& common) {
  Options options;
  options.memory_limit = common.memory;
  options.disk_limit = common.disk;
  options.encrypt_spool = common.encrypt;
  options.spool_directories = usable_directories(common);
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
