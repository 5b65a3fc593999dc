// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

/// A real name for a file that has none, which only one child process will see.
///
/// The child gets a mount namespace of its own (without privileges: in a user namespace of its
/// own, in which it stays who it is). There a small tmpfs covers a directory that exists and is
/// empty, and in that one lies the file:
///
///     /srv            an empty directory; covered by a tmpfs that cannot be written, so that what
///                     COMMAND may want to keep there fails instead of vanishing
///     /srv/seekable   a tmpfs that can be written: sqlite3, for one, makes files beside its own
///     /srv/seekable/stream   the file, bound, read only
///
/// The kernel binds only what has a name. So the file is linked into its own directory, bound, and
/// unlinked again, within microseconds, by a process that is in no process group that anybody
/// kills. The namespace, its mounts and its tmpfs go with the child.
struct PrivateName {
  std::string mount_point;         ///< "/srv"
  std::string directory;           ///< "/srv/seekable"
  std::string path;                ///< "/srv/seekable/stream"
  int file = -1;                   ///< the file
  std::string file_path;           ///< "/proc/self/fd/N"
  FileDescriptor spool_directory;  ///< where the file lies; taken before the namespace changes
  std::string link_name;           ///< the name it has there for a moment; empty: it is moved
  std::string link_path;
  std::string tmpfs_options;
  std::string uid_map;
  std::string gid_map;
};

/// Why there is no such name, for a person.
struct NoPrivateName {
  std::string reason;
};

/// Thinks of a name for `file`, with `file_name` as its last part. Changes nothing.
///
/// Lifetime: `file` is kept as a number and must stay open until the child has entered.
/// `arguments`: COMMAND's own; no directory that one of them, or the environment, speaks of is
/// covered.
std::variant<PrivateName, NoPrivateName> plan_private_name(
    int file, std::string_view file_name, const std::vector<std::string>& arguments);

/// What went wrong in the child: the step, and an errno value.
struct ChildTrouble {
  enum class Step : std::uint8_t {
    none,
    map_ids,
    make_namespace,
    separate_mounts,
    mount_tmpfs,
    make_file,
    link,
    bind,
    move,
    protect,
    redirect,
    execute,
  };
  Step step = Step::none;
  int error = 0;
};

/// For a person: "make a mount namespace".
std::string_view step_text(ChildTrouble::Step step);

/// Moves the calling process into a namespace where `name` is there.
///
/// Requires: called in a child that has one thread and will execute a program, or end; only
/// async-signal-safe calls are made.
ChildTrouble enter_private_name(const PrivateName& name) noexcept;

}  // namespace seekable::cli
