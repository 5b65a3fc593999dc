// SPDX-License-Identifier: Apache-2.0
#include "cli/forward_only.hpp"

#include <utility>

namespace seekable::cli {

namespace {

class ForwardOnly final : public Source {
 public:
  explicit ForwardOnly(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  std::size_t read_some(std::span<std::byte> out) override { return source_->read_some(out); }
  std::optional<std::uint64_t> size() const override { return source_->size(); }
  void cancel() noexcept override { source_->cancel(); }
  SourceInfo info() const override { return source_->info(); }

 private:
  const std::unique_ptr<Source> source_;
};

}  // namespace

std::unique_ptr<Source> forward_only(std::unique_ptr<Source> source) {
  return std::make_unique<ForwardOnly>(std::move(source));
}

}  // namespace seekable::cli
