// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "seekable/file_descriptor.hpp"
#include "seekable/source.hpp"
#include "source/canceller.hpp"
#include "source/spliceable.hpp"
#include "system/splice_pipe.hpp"

namespace seekable::inline v1::detail {

/// Reads a descriptor forward, from its current position.
///
/// It never waits in `read`, where `cancel` could not reach it, but in `poll`; and it never touches
/// the flags of the descriptor, which other programs may share.
class FdSource final : public Source, public Spliceable {
 public:
  /// `name`: for people, as "file descriptor 7".
  FdSource(int fd, const std::string& name) : fd_(fd), name_(name), title_(name) {}

  /// Closes `fd` when destroyed. `name`: as messages have it, "'/path'"; `title`: as `info` has it.
  FdSource(FileDescriptor fd, std::string name, std::string title)
      : owned_(std::move(fd)),
        fd_(owned_.get()),
        name_(std::move(name)),
        title_(std::move(title)) {}

  std::size_t read_some(std::span<std::byte> out) override;
  void cancel() noexcept override { canceller_.cancel(); }
  SourceInfo info() const override;
  Spliceable* as_spliceable() noexcept override { return this; }
  std::size_t bytes_to_splice() const noexcept override;
  SplicePipe* splice_some(std::size_t most) noexcept override;

  /// Bytes given so far; those that were spliced count, but for what of them is still to be read.
  std::uint64_t position() const noexcept { return position_ - splice_pipe_.held(); }

 private:
  enum class Way : std::uint8_t {
    unknown,       // not looked at yet
    blocking,      // a file on disk: waits for the disk alone
    read_now,      // tried first without waiting
    recv_now,      // the same, for a socket
    poll_and_read  // asked first, because nothing else works: terminals, devices, named pipes
  };

  Way look_at_kind();
  void check_is_stream() const;
  std::int64_t try_read(std::span<std::byte> out);
  std::size_t read_spliced(std::span<std::byte> out);
  void wait();
  std::string what() const { return "read from " + name_; }

  FileDescriptor owned_;
  const int fd_;
  const std::string name_;
  const std::string title_;
  Canceller canceller_;
  Way way_ = Way::unknown;
  bool ended_ = false;          // A terminal would give more after its end.
  std::uint64_t position_ = 0;  // of the descriptor
  bool is_pipe_ = false;        // known from the first read on: nothing is spliced before it
  SplicePipe splice_pipe_;
};

}  // namespace seekable::inline v1::detail
