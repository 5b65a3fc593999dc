// SPDX-License-Identifier: Apache-2.0
#include "support/sources.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

#include "seekable/error.hpp"

namespace seekable::test {

namespace {

/// One step of SplitMix64: spreads every bit of `value` over all of the result.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

class SeedPrinter final : public testing::EmptyTestEventListener {
 public:
  explicit SeedPrinter(std::uint64_t seed) : seed_(seed) {}

  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::printf("repeat with SEEKABLE_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

 private:
  std::uint64_t seed_;
};

std::uint64_t make_seed() {
  std::uint64_t seed = 0;
  if (const char* wanted = std::getenv("SEEKABLE_SEED")) {
    seed = std::strtoull(wanted, nullptr, 10);
  } else {
    std::random_device device;
    seed = (std::uint64_t{device()} << 32U) | device();
  }
  testing::UnitTest::GetInstance()->listeners().Append(new SeedPrinter(seed));  // takes it
  return seed;
}

constexpr std::size_t reads_listed = 100'000;

}  // namespace

std::uint64_t test_seed() {
  static const std::uint64_t seed = make_seed();
  return seed;
}

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mix(seed ^ mix(at));
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

std::vector<std::byte> to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string to_string(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> letters() { return to_bytes("abcdefghijklmnopqrstuvwxyz"); }

std::byte pattern_byte(std::uint64_t offset) {
  return static_cast<std::byte>(mix(offset / 8) >> (offset % 8 * 8));
}

std::vector<std::byte> pattern_bytes(std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = pattern_byte(offset + i);
  return bytes;
}

std::exception_ptr failure_with(std::error_code code, const std::string& what) {
  return std::make_exception_ptr(std::system_error(code, what));
}

std::exception_ptr failure_with(std::errc code, const std::string& what) {
  return failure_with(std::error_code(static_cast<int>(code), std::system_category()), what);
}

void Gate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

void Gate::pass(std::size_t count) {
  const std::lock_guard lock(mutex_);
  passes_ += count;
  changed_.notify_all();
}

void Gate::wait_entered(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return entered_ >= count; });
}

std::size_t Gate::entered() const {
  const std::lock_guard lock(mutex_);
  return entered_;
}

std::size_t Gate::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

bool Gate::enter(const std::atomic<bool>& given_up) {
  std::unique_lock lock(mutex_);
  ++entered_;
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return open_ || passes_ > 0 || given_up.load(); });
  --waiting_;
  changed_.notify_all();
  if (open_) return true;
  if (passes_ == 0) return false;
  --passes_;
  return true;
}

void Gate::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

std::vector<SourceLog::Read> SourceLog::read_list() const {
  const std::lock_guard lock(mutex_);
  return read_list_;
}

std::vector<SourceLog::Reopen> SourceLog::reopens() const {
  const std::lock_guard lock(mutex_);
  return reopens_;
}

ScriptPlayer::ScriptPlayer(std::shared_ptr<const Script> script, std::shared_ptr<SourceLog> log)
    : script_(std::move(script)), log_(std::move(log)), connection_(log_->connections_++) {
  ++log_->alive_;
}

ScriptPlayer::~ScriptPlayer() { --log_->alive_; }

std::uint64_t ScriptPlayer::length() const {
  return script_->byte_at ? script_->length : script_->content.size();
}

void ScriptPlayer::pass_gates(int connection) {
  static const std::atomic<bool> never{false};
  const auto& given_up = script_->heeds_cancel ? cancelled_ : never;
  const auto cancelled = [&] { return Error(Errc::cancelled, "scripted source", position_); };
  if (given_up) throw cancelled();
  const auto before_each = script_->connection_gates.find(connection);
  if (before_each != script_->connection_gates.end() && !before_each->second->enter(given_up)) {
    throw cancelled();
  }
  const auto here = script_->gates.find(position_);
  if (here != script_->gates.end() && !here->second->enter(given_up)) throw cancelled();
}

std::size_t ScriptPlayer::size_of_next(std::size_t asked) {
  std::uint64_t size = asked;
  if (!script_->chunks.empty()) {
    size = std::min<std::uint64_t>(size, script_->chunks[next_chunk_++ % script_->chunks.size()]);
  }
  size = std::min(size, position_ < length() ? length() - position_ : 0);
  if (script_->fail_at && *script_->fail_at > position_) {
    size = std::min(size, *script_->fail_at - position_);
  }
  const auto gate = script_->gates.upper_bound(position_);
  if (gate != script_->gates.end()) size = std::min(size, gate->first - position_);
  return static_cast<std::size_t>(size);
}

void ScriptPlayer::copy(std::span<std::byte> out) const {
  if (!script_->byte_at) {
    if (out.empty()) return;
    std::memcpy(out.data(), script_->content.data() + position_, out.size());
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = script_->byte_at(position_ + i);
}

std::size_t ScriptPlayer::read_some(std::span<std::byte> out) {
  struct Inside {
    explicit Inside(std::atomic<int>& count) : count_(count), now(++count) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { --count_; }
    std::atomic<int>& count_;
    const int now;
  };
  const Inside inside(inside_);
  int most = log_->max_concurrent_;
  while (most < inside.now && !log_->max_concurrent_.compare_exchange_weak(most, inside.now)) {
  }
  ++log_->reads_;
  {
    const std::lock_guard lock(log_->mutex_);
    if (log_->read_list_.size() < reads_listed) {
      log_->read_list_.push_back({connection_, position_, out.size()});
    }
  }
  if (script_->on_read) script_->on_read(position_);
  pass_gates(connection_);
  if (script_->fail_at && *script_->fail_at == position_) {
    if (script_->failure) std::rethrow_exception(script_->failure);
    std::rethrow_exception(failure_with(std::errc::io_error));
  }
  const std::size_t size = size_of_next(out.size());
  copy(out.first(size));
  position_ += size;
  log_->bytes_ += size;
  return size;
}

void ScriptPlayer::cancel() noexcept {
  cancelled_ = true;
  ++log_->cancels_;
  for (const auto& [offset, gate] : script_->gates) gate->wake();
  for (const auto& [connection, gate] : script_->connection_gates) gate->wake();
}

ScriptedSource::ScriptedSource(Script script, std::shared_ptr<SourceLog> log)
    : script_(std::make_shared<const Script>(std::move(script))),
      log_(std::move(log)),
      player_(script_, log_) {}

ScriptedRestartable::ScriptedRestartable(Script script, std::shared_ptr<SourceLog> log)
    : ScriptedRestartable(std::make_shared<const Script>(std::move(script)), std::move(log)) {}

ScriptedRestartable::ScriptedRestartable(std::shared_ptr<const Script> script,
                                         std::shared_ptr<SourceLog> log)
    : script_(std::move(script)), log_(std::move(log)), player_(script_, log_) {}

void ScriptedRestartable::reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) {
  {
    const std::lock_guard lock(log_->mutex_);
    log_->reopens_.push_back({player_.connection(), offset, wanted});
  }
  if (script_->on_reopen) script_->on_reopen(offset);
  player_.seek(offset);
}

std::optional<std::uint64_t> ScriptedRestartable::find_size() {
  ++log_->find_sizes_;
  return script_->found_size ? script_->found_size : size();
}

std::unique_ptr<RestartableSource> ScriptedRestartable::another() const {
  if (log_->connections() >= script_->max_connections) return nullptr;
  return std::make_unique<ScriptedRestartable>(script_, log_);
}

std::unique_ptr<ScriptedSource> scripted(std::vector<std::byte> content,
                                         std::vector<std::size_t> chunks) {
  Script script;
  script.content = std::move(content);
  script.chunks = std::move(chunks);
  return std::make_unique<ScriptedSource>(std::move(script));
}

}  // namespace seekable::test
