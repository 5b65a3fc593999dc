// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "base/lazy.hpp"
#include "core/filler.hpp"
#include "core/outcome.hpp"
#include "core/reader_marks.hpp"
#include "core/storage.hpp"
#include "core/striped_counter.hpp"
#include "core/turns.hpp"
#include "seekable/bytes.hpp"
#include "seekable/file_descriptor.hpp"
#include "seekable/stats.hpp"
#include "seekable/subscription.hpp"
#include "seekable/view.hpp"
#include "seekable/wait.hpp"

namespace seekable::inline v1::detail {

class FileSource;
class Output;

/// One stream: what has been kept, what is known of its end, and what fills it. All handles
/// (`StreamBuffer`, `Reader`, `View`, `Writer`) point to one of these.
///
/// A regular file is not stored at all but read where it lies (`in_place_`): all of it is there
/// from the start.
/// Threads: safe from any number of threads. A null `Wait` waits without limit.
class Engine : public std::enable_shared_from_this<Engine> {
 public:
  /// A null `source`: a writer pushes. The caller is its first owner.
  static std::shared_ptr<Engine> make(std::unique_ptr<Source> source, Options&& options);
  Engine(std::unique_ptr<Source> source, Options&& options);
  ~Engine();

  // engine_read.cpp
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, const Wait* wait,
                      ReaderMarks::Mark* mark = nullptr);
  bool read_in_memory(std::uint64_t offset, std::span<std::byte> out) noexcept;
  bool bring_near(std::uint64_t offset, std::size_t size) noexcept {
    return storage_.bring_near(offset, size);
  }
  std::size_t read_kept_at(std::uint64_t offset, std::span<std::byte> out);
  std::size_t read_some_at(std::uint64_t offset, std::span<std::byte> out, const Wait* wait);
  Bytes read(std::uint64_t offset, std::uint64_t size, const Wait* wait);
  View view(std::uint64_t offset, std::size_t max_size, const Wait* wait);

  // engine.cpp
  std::uint64_t wait_for_size(const Wait* wait);
  bool wait_for(ByteRange range, std::chrono::nanoseconds timeout);
  void wait_for_all(const Wait* wait);

  std::optional<std::uint64_t> size() const noexcept { return outcome_.size(); }
  std::uint64_t available(std::uint64_t offset, std::uint64_t most) noexcept;
  bool exhausted() noexcept;
  std::optional<Failure> failure() noexcept;
  SourceInfo info() const;
  std::vector<Extent> residency();
  Stats stats();

  Subscription when_available(ByteRange range, std::function<void(std::error_code)> callback);
  void release_before(std::uint64_t offset);
  void cancel();
  void prefetch(std::span<const ByteRange> ranges);
  void unpin(ViewPin& pin) noexcept { storage_.unpin(pin); }

  /// A reader's mark has moved, or gone: a window that blocks follows the slowest.
  void follow_readers();
  bool window_follows_readers() const noexcept {
    return follows_readers_ && !storage_.is_forked_child();
  }
  ReaderMarks& marks() { return marks_.make(); }
  Filler& filler() noexcept { return filler_; }

  // engine_export.cpp
  std::uint64_t copy_to(int fd, ByteRange range, const Wait* wait);
  FileDescriptor to_file(const Wait* wait);
  void save(const std::filesystem::path& path, const Wait* wait, bool may_link);

  /// `Owner`s are those who can read; when the last is gone the source is cancelled.
  void add_owner() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
  static void drop_owner(std::shared_ptr<Engine>&& owner) noexcept;
  std::size_t owners() const noexcept { return owners_.load(std::memory_order_acquire); }

 private:
  bool is_end(std::uint64_t offset) const noexcept { return offset >= outcome_.end(); }
  std::size_t within_end(std::uint64_t offset, std::size_t size) const noexcept;
  std::size_t read_in_steps(std::uint64_t offset, std::span<std::byte> out, const Wait* wait,
                            ReaderMarks::Mark* mark);
  std::size_t copy_or_await(std::uint64_t byte, std::uint64_t end, std::span<std::byte> out,
                            const Wait* wait, bool& again);
  std::size_t copy_more(std::uint64_t offset, std::span<std::byte> out);
  std::size_t copy_kept(std::uint64_t offset, std::span<std::byte> out);
  Need need(std::uint64_t byte, std::uint64_t end) const noexcept;
  void throw_if_failed() const;
  void count_read(bool waited) noexcept;

  // engine_in_place.cpp
  template <typename Use>
  auto or_fail_in_place(std::uint64_t offset, Use use);
  std::size_t copy_in_place(std::uint64_t offset, std::span<std::byte> out);
  void check_in_place(std::uint64_t offset);
  bool is_gone_in_place(std::uint64_t offset) const noexcept {
    return is_end(offset) || outcome_.failure() != nullptr;
  }
  View view_of_copy(std::uint64_t offset, std::size_t max_size);
  std::error_code result_in_place(ByteRange range) const;

  std::uint64_t send(const Output& output, std::uint64_t offset, std::uint64_t end, bool& may_send);
  std::uint64_t send_in_kernel(const Output& output, std::uint64_t offset, std::uint64_t size,
                               bool& may_send);
  std::uint64_t copy_in_kernel(int fd, std::uint64_t offset, std::uint64_t size, bool& in_kernel);
  std::optional<Storage::FileRange> range_in_file(std::uint64_t offset, std::uint64_t size,
                                                  ViewPin& pin);
  void check_nothing_released() const;
  SpoolFile* complete_spool();
  bool write_kept_to(SpoolFile& file, std::uint64_t size);
  FileDescriptor file_of_copy(std::uint64_t size);
  FileDescriptor copy_in_directory(const std::filesystem::path& directory, std::uint64_t size,
                                   std::string& why);
  FileDescriptor file_in_memory(std::uint64_t size);
  void write_stream_to(int fd, std::uint64_t size, const std::string& name);
  bool link_spool(const std::filesystem::path& path, const Wait* wait);

  Storage storage_;
  Outcome outcome_;
  Filler filler_;
  Lazy<ReaderMarks> marks_;
  FileSource* in_place_ = nullptr;  // the source, where it is a file that need not be stored
  const bool follows_readers_;
  const bool wake_early_;  // a window may drop or hold up what a reader waits for in larger steps
  std::atomic<std::size_t> owners_{1};
  std::atomic<std::uint64_t> waits_{0};
  StripedCounter hits_;

  /// The stream as a file.
  struct Exports {
    Turns turns;                   ///< whose turn it is uses the next two
    std::uint64_t spooled_to = 0;  ///< so far the spool is a file of the stream
    FileDescriptor copy;           ///< a file of the stream where the spool cannot be it
  };
  Lazy<Exports> exports_;
};

/// One more of those who can read a stream.
class Owner {
 public:
  explicit Owner(std::shared_ptr<Engine> engine) noexcept : engine_(std::move(engine)) {
    engine_->add_owner();
  }
  Owner(Owner&& other) noexcept = default;
  Owner& operator=(Owner&&) = delete;
  ~Owner() {
    if (engine_) Engine::drop_owner(std::move(engine_));
  }

  Engine& engine() const noexcept { return *engine_; }

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace seekable::inline v1::detail
