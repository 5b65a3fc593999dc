// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <cstring>

#include "support/model.hpp"

namespace seekable::test {

namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t block_bytes = 64 * kib;

/// Plays a setup; one connection of it.
class ModelSource final : public RestartableSource {
 public:
  struct Origin {
    explicit Origin(Setup what) : setup(std::move(what)) {}
    const Setup setup;
    std::atomic<int> connections{1};
  };

  explicit ModelSource(std::shared_ptr<Origin> origin) : origin_(std::move(origin)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (out.empty() || inside_.exchange(true)) std::abort();  // asked by two at once
    const Setup& setup = origin_->setup;
    std::uint64_t size = out.size();
    if (!setup.chunks.empty()) {
      size = std::min<std::uint64_t>(size, setup.chunks[next_chunk_++ % setup.chunks.size()]);
    }
    const std::uint64_t length = setup.content.size();
    size = position_ < length ? std::min(size, length - position_) : 0;
    if (setup.fail_at) {
      if (position_ >= *setup.fail_at || cancelled_) {
        inside_ = false;
        throw std::system_error(EIO, std::system_category(), "model source");
      }
      size = std::min(size, *setup.fail_at - position_);
    }
    if (size > 0) std::memcpy(out.data(), setup.content.data() + position_, size);
    position_ += size;
    inside_ = false;
    return static_cast<std::size_t>(size);
  }
  std::optional<std::uint64_t> size() const override { return origin_->setup.declared; }
  void cancel() noexcept override { cancelled_ = true; }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> /*wanted*/) override {
    position_ = offset;
  }
  bool worth_reading_through(std::uint64_t gap) const override {
    return gap <= origin_->setup.read_through;
  }
  std::optional<std::uint64_t> find_size() override {
    return origin_->setup.found ? origin_->setup.found : origin_->setup.declared;
  }
  std::unique_ptr<RestartableSource> another() const override {
    if (++origin_->connections > origin_->setup.connections) return nullptr;
    return std::make_unique<ModelSource>(origin_);
  }

 private:
  const std::shared_ptr<Origin> origin_;
  std::uint64_t position_ = 0;
  std::size_t next_chunk_ = 0;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> inside_{false};
};

/// The same, forward only.
class ForwardSource final : public Source {
 public:
  explicit ForwardSource(const std::shared_ptr<ModelSource::Origin>& origin) : source_(origin) {}
  std::size_t read_some(std::span<std::byte> out) override { return source_.read_some(out); }
  std::optional<std::uint64_t> size() const override { return source_.size(); }
  void cancel() noexcept override { source_.cancel(); }

 private:
  ModelSource source_;
};

std::vector<std::byte> make_content(Choices& choices, std::uint64_t size) {
  std::vector<std::byte> content(static_cast<std::size_t>(size));
  // Cheap to make, and no two places are alike.
  const std::uint64_t salt = choices.below(1U << 30U);
  for (std::size_t i = 0; i < content.size(); ++i) {
    content[i] = static_cast<std::byte>(((i + salt) * 0x9e3779b97f4a7c15U) >> 56U);
  }
  return content;
}

std::uint64_t some_stream_size(Choices& choices) {
  const std::uint64_t most = choices.one_of<std::uint64_t>(
      {1, 40, 5000, block_bytes, 2 * block_bytes + 1, 5 * block_bytes, 12 * block_bytes});
  return choices.below(most + 1);
}

void choose_options(Choices& choices, bool may_encrypt, Setup& setup) {
  Options& options = setup.options;
  const std::uint64_t size = setup.content.size();
  options.memory_limit =
      choices.one_of<std::uint64_t>({0, 8, 5000, block_bytes, block_bytes + 4096, 2 * block_bytes,
                                     4 * block_bytes, 8 * block_bytes, 5120 * kib});
  if (choices.chance(25)) {
    options.disk_limit = choices.chance(50) ? 0 : choices.below(size + 2);
    if (choices.chance(50)) options.memory_limit = 5120 * kib;
  }
  if (choices.chance(40)) {
    options.fill = Fill::ahead;
    if (choices.chance(50)) options.read_ahead = choices.below(2 * block_bytes);
  }
  if (choices.chance(35)) {
    const std::uint64_t window = 1 + choices.below(choices.chance(50) ? 100 : size + block_bytes);
    options.retention =
        Retention::window(window, choices.chance(60) ? WhenFull::drop_oldest : WhenFull::block);
  }
  options.encrypt_spool = may_encrypt && choices.chance(15);
}

void choose_claims(Choices& choices, Setup& setup) {
  const std::uint64_t size = setup.content.size();
  if (choices.chance(50)) return;
  std::uint64_t claim = size;
  if (choices.chance(25))
    claim = choices.chance(50) ? size + 1 + choices.below(100'000) : choices.below(size + 1);
  switch (choices.below(3)) {
    case 0: setup.declared = claim; break;
    case 1: setup.options.expected_size = claim; break;
    default: setup.found = size; break;  // Asked only where a reader jumps: it had better be right.
  }
}

}  // namespace

Setup make_setup(Choices& choices, bool may_encrypt) {
  Setup setup;
  setup.content = make_content(choices, some_stream_size(choices));
  const std::uint64_t size = setup.content.size();
  const std::size_t kinds = static_cast<std::size_t>(choices.below(4));
  for (std::size_t i = 0; i < kinds; ++i) {
    const std::uint64_t least = 1 + size / 500;  // not a million reads
    setup.chunks.push_back(static_cast<std::size_t>(
        least + choices.below(choices.one_of<std::uint64_t>({1, 30, 3000, 100'000}))));
  }
  setup.restartable = choices.chance(40);
  if (setup.restartable) {
    setup.connections = 1 + static_cast<int>(choices.below(4));
    setup.read_through = choices.one_of<std::uint64_t>({0, 100, block_bytes, 1024 * kib});
  }
  if (choices.chance(25)) setup.fail_at = choices.below(size + 1);
  choose_options(choices, may_encrypt, setup);
  choose_claims(choices, setup);
  return setup;
}

Setup make_jumping_setup(Choices& choices, bool may_encrypt) {
  Setup setup;
  setup.content = make_content(choices, 4 * block_bytes + choices.below(20 * block_bytes));
  setup.chunks = {static_cast<std::size_t>(1000 + choices.below(100'000))};
  setup.restartable = true;
  setup.connections = 1 + static_cast<int>(choices.below(4));
  setup.read_through = choices.one_of<std::uint64_t>({0, 0, 100, block_bytes});
  if (choices.chance(25)) setup.fail_at = choices.below(setup.content.size() + 1);
  choose_options(choices, may_encrypt, setup);
  if (choices.chance(80)) {
    setup.options.retention = Retention::everything();
    setup.options.memory_limit = Options{}.memory_limit;
  }
  choose_claims(choices, setup);
  return setup;
}

std::unique_ptr<Source> make_source(const Setup& setup) {
  auto origin = std::make_shared<ModelSource::Origin>(setup);
  if (setup.restartable) return std::make_unique<ModelSource>(std::move(origin));
  return std::make_unique<ForwardSource>(origin);
}

std::string Setup::describe() const {
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? std::to_string(*value) : std::string("-");
  };
  std::string text = "size " + std::to_string(content.size()) + ", chunks";
  for (const std::size_t chunk : chunks) text += " " + std::to_string(chunk);
  if (restartable) {
    text += ", restartable with " + std::to_string(connections) + " connections reading through " +
            std::to_string(read_through);
  }
  text += ", declared " + number(declared) + " found " + number(found) + " expected " +
          number(options.expected_size) + ", fails at " + number(fail_at) + ", memory " +
          std::to_string(options.memory_limit) + " disk " + number(options.disk_limit);
  if (options.fill == Fill::ahead) text += ", ahead by " + number(options.read_ahead);
  if (options.retention.window_size()) {
    text += std::string(blocks() ? ", blocking" : ", dropping") + " window of " +
            number(options.retention.window_size());
  }
  if (options.encrypt_spool) text += ", encrypted";
  return text;
}

}  // namespace seekable::test
