// SPDX-License-Identifier: Apache-2.0
// The half of private_name.hpp that runs in the child. Each step is a system call or two; no memory
// is allocated and nothing is thrown.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "cli/private_name.hpp"

// <sys/mount.h> and <linux/mount.h> do not go together in every version of the C library.
extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data) noexcept;

namespace seekable::cli {

namespace {

using Step = ChildTrouble::Step;

constexpr std::size_t most_in_one_call = 1 << 20;

ChildTrouble trouble(Step step) noexcept { return {step, errno}; }

bool write_text(const char* path, const std::string& text) noexcept {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == std::ssize(text);
  const int error = errno;
  ::close(fd);
  errno = error;
  return written;
}

/// A mount namespace, in a user namespace where that is needed. In that one the user and the group
/// stay what they are; it is only what allows to mount.
ChildTrouble make_namespace(const PrivateName& name) noexcept {
  if (::unshare(CLONE_NEWNS) == 0) return {};
  if (errno != EPERM) return trouble(Step::make_namespace);
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return trouble(Step::make_namespace);
  // Without this, which old kernels lack, groups may not be mapped.
  write_text("/proc/self/setgroups", "deny");
  if (!write_text("/proc/self/uid_map", name.uid_map)) return trouble(Step::map_ids);
  if (!write_text("/proc/self/gid_map", name.gid_map)) return trouble(Step::map_ids);
  return {};
}

ChildTrouble mount_tmpfs(const PrivateName& name) noexcept {
  constexpr unsigned long flags = MS_NOSUID | MS_NODEV;
  // What others mount and unmount still arrives here; nothing of ours leaves.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return trouble(Step::separate_mounts);
  }
  const char* const cover = name.mount_point.c_str();
  if (::mount("seekable", cover, "tmpfs", flags, "mode=0755,nr_inodes=8,size=64k") != 0 ||
      ::mkdir(name.directory.c_str(), S_IRWXU) != 0 ||
      ::mount("seekable", name.directory.c_str(), "tmpfs", flags, name.tmpfs_options.c_str()) !=
          0) {
    return trouble(Step::mount_tmpfs);
  }
  // COMMAND must not believe that what it writes here is kept.
  if (::mount(nullptr, cover, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, nullptr) != 0) {
    return trouble(Step::protect);
  }
  return {};
}

/// Links, binds and unlinks.
ChildTrouble bind_file(const PrivateName& name) noexcept {
  const char* const link_name = name.link_name.c_str();
  const int directory = name.spool_directory.get();
  if (::linkat(AT_FDCWD, name.file_path.c_str(), directory, link_name, AT_SYMLINK_FOLLOW) != 0) {
    return trouble(Step::link);
  }
  ChildTrouble result;
  if (::mount(name.link_path.c_str(), name.path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    result = trouble(Step::bind);
  }
  ::unlinkat(directory, link_name, 0);
  return result;
}

/// `bind_file` in a process that no signal to this one, to the program that started it, or to their
/// process group reaches: once the link is there, it is taken away.
ChildTrouble bind_undisturbed(const PrivateName& name) noexcept {
  const pid_t binder = ::fork();
  if (binder < 0) return trouble(Step::bind);
  if (binder == 0) {
    ::setsid();
    const ChildTrouble result = bind_file(name);
    // An exit status has 8 bits: enough for every error of these calls.
    ::_exit(result.step == Step::link ? 128 + (result.error & 127) : result.error & 127);
  }
  int status = 0;
  while (::waitpid(binder, &status, 0) < 0) {
    if (errno != EINTR) return trouble(Step::bind);
  }
  if (!WIFEXITED(status)) return {Step::bind, EINTR};
  const int code = WEXITSTATUS(status);
  if (code == 0) return {};
  return code >= 128 ? ChildTrouble{Step::link, code - 128} : ChildTrouble{Step::bind, code};
}

ChildTrouble move_file(const PrivateName& name) noexcept {
  const int to = ::open(name.path.c_str(), O_WRONLY | O_CLOEXEC);
  if (to < 0) return trouble(Step::move);
  // Where it cannot be written the file is copied, and in memory twice.
  const int holes = ::open(name.file_path.c_str(), O_RDWR | O_CLOEXEC);
  off_t at = 0;
  for (;;) {
    const off_t begin = at;
    const ssize_t moved = ::sendfile(to, name.file, &at, most_in_one_call);
    if (moved < 0) return trouble(Step::move);
    if (moved == 0) break;
    ::fallocate(holes, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, moved);
  }
  ::close(holes);
  ::close(to);
  return {};
}

/// Makes the name read only, as far as the kernel can.
void protect_file(const PrivateName& name) noexcept {
  // The mode is for kernels without the call below.
  if (name.link_name.empty()) {
    ::chmod(name.path.c_str(), S_IRUSR);
    // A file that moved is no mount of its own yet, and only a mount can be read only.
    ::mount(name.path.c_str(), name.path.c_str(), nullptr, MS_BIND, nullptr);
  } else {
    ::fchmod(name.file, S_IRUSR);
  }
#ifdef SYS_mount_setattr
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  ::syscall(SYS_mount_setattr, AT_FDCWD, name.path.c_str(), 0, &attributes, sizeof attributes);
#else
  ::mount(nullptr, name.path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
#endif
}

}  // namespace

ChildTrouble enter_private_name(const PrivateName& name) noexcept {
  ChildTrouble result = make_namespace(name);
  if (result.step != Step::none) return result;
  result = mount_tmpfs(name);
  if (result.step != Step::none) return result;
  const int file =
      ::open(name.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return trouble(Step::make_file);
  ::close(file);
  result = name.link_name.empty() ? move_file(name) : bind_undisturbed(name);
  if (result.step == Step::none) protect_file(name);
  return result;
}

}  // namespace seekable::cli
