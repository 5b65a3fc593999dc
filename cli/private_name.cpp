// SPDX-License-Identifier: Apache-2.0
#include "cli/private_name.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

namespace seekable::cli {

namespace {

/// Directories that are empty on most systems, those first that COMMAND has least use for. The
/// last ones belong to the kernel and hold nothing unless something is mounted there.
constexpr std::array candidates = {"/srv",       "/media",   "/mnt", "/var/empty",
                                   "/var/local", "/var/opt", "/opt", "/sys/fs/fuse/connections"};

/// What COMMAND may write beside its file.
constexpr std::uint64_t tmpfs_bytes = 16 * 1024 * 1024;

bool is_empty_directory(const char* path) {
  struct ::stat status{};
  if (::lstat(path, &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path), &::closedir);
  if (!directory) return false;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return errno == 0;
}

std::string working_directory() {
  std::array<char, PATH_MAX> path{};
  return ::getcwd(path.data(), path.size()) == nullptr ? std::string() : path.data();
}

/// Words that may name a directory which COMMAND uses: it must not be covered.
std::vector<std::string> what_command_may_use(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = arguments;
  words.push_back(working_directory());
  for (char** variable = environ; *variable != nullptr; ++variable) words.emplace_back(*variable);
  for (const std::string& argument : arguments) {
    // Relative to here, or through a link, it may lead there too.
    std::error_code none;
    words.push_back(std::filesystem::weakly_canonical(argument, none).string());
  }
  return words;
}

std::optional<std::string> empty_directory(const std::vector<std::string>& spoken_of) {
  for (const char* const candidate : candidates) {
    const bool in_use = std::ranges::any_of(spoken_of, [candidate](const std::string& text) {
      return text.find(candidate) != std::string::npos;
    });
    if (!in_use && is_empty_directory(candidate)) return candidate;
  }
  return std::nullopt;
}

/// What /proc says the file behind `fd` is, or was, called.
std::string name_of(int fd) {
  std::array<char, PATH_MAX> path{};
  const auto length =
      ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
  return length <= 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(length));
}

std::string unlikely_name() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    number = static_cast<std::uint64_t>(::getpid());
  }
  return fmt::format(".seekable-{:016x}", number);
}

std::string error_text(int error) { return std::system_category().message(error); }

/// Fills in how the file gets its name. Returns what is against it, or nothing.
std::optional<std::string> plan_link(PrivateName& name) {
  struct ::stat status{};
  if (::fstat(name.file, &status) != 0) return error_text(errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::string known_as = name_of(name.file);
  std::uint64_t copied = 0;  // A file in memory alone has no directory to be linked into.
  if (known_as.starts_with("/memfd:")) {
    copied = size;
  } else {
    const std::size_t slash = known_as.rfind('/');
    if (slash == std::string::npos) return "the directory of the unnamed file is not known";
    const std::string directory = known_as.substr(0, std::max<std::size_t>(slash, 1));
    name.spool_directory.reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!name.spool_directory) return fmt::format("open '{}': {}", directory, error_text(errno));
    name.link_name = unlikely_name();
    name.link_path = (directory == "/" ? "" : directory) + "/" + name.link_name;
  }
  name.tmpfs_options = fmt::format("mode=0700,nr_inodes=1k,size={}", tmpfs_bytes + copied);
  return std::nullopt;
}

}  // namespace

std::variant<PrivateName, NoPrivateName> plan_private_name(
    int file, std::string_view file_name, const std::vector<std::string>& arguments) {
  PrivateName name;
  name.file = file;
  name.file_path = fmt::format("/proc/self/fd/{}", file);
  if (auto trouble = plan_link(name)) return NoPrivateName{*trouble};
  std::vector<std::string> spoken_of = what_command_may_use(arguments);
  spoken_of.push_back(name.link_path);
  const auto mount_point = empty_directory(spoken_of);
  if (!mount_point) return NoPrivateName{"there is no empty directory to cover, such as /srv"};
  name.mount_point = *mount_point;
  name.directory = name.mount_point + "/seekable";
  const bool usable = !file_name.empty() && file_name != "." && file_name != ".." &&
                      file_name.find('/') == std::string_view::npos;
  name.path = fmt::format("{}/{}", name.directory, usable ? file_name : "stream");
  name.uid_map = fmt::format("{0} {0} 1", ::geteuid());
  name.gid_map = fmt::format("{0} {0} 1", ::getegid());
  return name;
}

std::string_view step_text(ChildTrouble::Step step) {
  using enum ChildTrouble::Step;
  switch (step) {
    case none: return "";
    case map_ids: return "map the user into a namespace";
    case make_namespace: return "make a mount namespace";
    case separate_mounts: return "separate its mounts";
    case mount_tmpfs: return "mount a tmpfs";
    case make_file: return "make a file in the tmpfs";
    case link: return "link the unnamed file";
    case bind: return "bind the file to its name";
    case move: return "move the file into the tmpfs";
    case protect: return "protect the tmpfs";
    case redirect: return "redirect descriptors";
    case execute: return "run the program";
  }
  return "";
}

}  // namespace seekable::cli
