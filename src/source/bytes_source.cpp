// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "seekable/sources.hpp"
#include "source/canceller.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

/// Bytes that are there already, shared by all connections.
class BytesSource final : public RestartableSource {
 public:
  BytesSource(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (cancelled_.load(std::memory_order_relaxed)) throw_cancelled("read from bytes", position_);
    if (position_ >= bytes_.size()) return 0;
    const auto rest = bytes_.subspan(static_cast<std::size_t>(position_));
    const std::size_t size = std::min(out.size(), rest.size());
    std::memcpy(out.data(), rest.data(), size);
    position_ += size;
    return size;
  }

  std::optional<std::uint64_t> size() const override { return bytes_.size(); }

  void cancel() noexcept override { cancelled_.store(true, std::memory_order_relaxed); }

  SourceInfo info() const override {
    SourceInfo info;
    info.name = "bytes";
    return info;
  }

  void reopen(std::uint64_t offset, std::optional<std::uint64_t> /*wanted*/) override {
    position_ = offset;
  }

  bool worth_reading_through(std::uint64_t gap) const override { return gap == 0; }

  std::unique_ptr<RestartableSource> another() const override {
    return std::make_unique<BytesSource>(owner_, bytes_);
  }

 private:
  const std::shared_ptr<const void> owner_;
  const std::span<const std::byte> bytes_;  // What `owner_` owns.
  std::uint64_t position_ = 0;
  std::atomic<bool> cancelled_{false};
};

template <typename Container>
std::unique_ptr<Source> from_container(Container container) {
  const auto owner = std::make_shared<const Container>(std::move(container));
  return std::make_unique<BytesSource>(owner, std::as_bytes(std::span(*owner)));
}

}  // namespace

}  // namespace detail

std::unique_ptr<Source> from_bytes(Bytes bytes) { return detail::from_container(std::move(bytes)); }

std::unique_ptr<Source> from_bytes(std::string bytes) {
  return detail::from_container(std::move(bytes));
}

}  // namespace seekable::inline v1
