// SPDX-License-Identifier: Apache-2.0
// A mixed trace of reads and seeks over a simulated link: with what the library decides by itself,
// and with fixed thresholds up to which a gap is read through. `size` is the seed of the trace; the
// cost is the time of ours, each threshold's is a note.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "seekable/http.hpp"
#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/nginx.hpp"
#include "support/pattern.hpp"
#include "support/simulated_link.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t file_size = 256 * mib;
constexpr std::size_t step = 64 * kib;
constexpr std::uint64_t thresholds[] = {64 * kib, 256 * kib, mib, 4 * mib, 16 * mib};

/// The same source, but for what is read through.
class FixedThreshold final : public RestartableSource {
 public:
  FixedThreshold(std::unique_ptr<RestartableSource> source, std::uint64_t threshold)
      : source_(std::move(source)), threshold_(threshold) {}

  std::size_t read_some(std::span<std::byte> out) override { return source_->read_some(out); }
  std::optional<std::uint64_t> size() const override { return source_->size(); }
  void cancel() noexcept override { source_->cancel(); }
  SourceInfo info() const override { return source_->info(); }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) override {
    source_->reopen(offset, wanted);
  }
  bool worth_reading_through(std::uint64_t gap) const override {
    // Without an answer that is being received there is nothing to read on.
    return source_->worth_reading_through(0) && gap <= threshold_;
  }
  std::optional<std::uint64_t> find_size() override { return source_->find_size(); }
  std::unique_ptr<RestartableSource> another() const override {
    auto more = source_->another();
    if (!more) return nullptr;
    return std::make_unique<FixedThreshold>(std::move(more), threshold_);
  }

 private:
  const std::unique_ptr<RestartableSource> source_;
  const std::uint64_t threshold_;
};

struct Read {
  std::uint64_t offset;
  std::uint64_t size;
};

/// Half are gaps ahead, of which each octave from 1 KiB to 8 MiB is as likely; a fourth reads on;
/// some go back to what is kept, some far away.
class Trace {
 public:
  Trace(std::uint64_t seed, std::uint64_t reads) : random_(seed) {
    reads_.push_back({0, step});
    while (reads_.size() < reads) reads_.push_back(next());
  }

  const std::vector<Read>& reads() const noexcept { return reads_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  Read next() {
    const std::uint64_t kind = below(100);
    if (kind < 15) return reads_[below(reads_.size())];
    Read read{at_, step};
    if (kind < 25) {
      read.offset = below(file_size);
    } else if (kind < 50) {
      read.size = 128 * kib + below(384 * kib);
    } else {
      const double octaves = static_cast<double>(below(13'000)) / 1000;
      read.offset += static_cast<std::uint64_t>(1024 * std::exp2(octaves));
      read.size = 4 * kib + below(60 * kib);
    }
    if (read.offset + read.size > file_size) read.offset = below(file_size / 2);
    at_ = read.offset + read.size;
    return read;
  }

  std::mt19937_64 random_;  // Its numbers are the same everywhere.
  std::uint64_t at_ = step;
  std::vector<Read> reads_;
};

double run(const Nginx& nginx, LinkSpeed speed, const Trace& trace, std::uint64_t threshold) {
  const SimulatedLink link(nginx.port(), speed);
  Options options;
  options.memory_limit = file_size + mib;  // No disk has a say in this.
  auto source = from_url(url_at(link.port()));
  if (threshold > 0) source = std::make_unique<FixedThreshold>(std::move(source), threshold);
  const StreamBuffer buffer(std::move(source), options);
  std::vector<std::byte> bytes(step);
  double seconds = 0;
  for (const Read& read : trace.reads()) {
    for (std::uint64_t done = 0; done < read.size;) {
      const auto out = std::span(bytes).first(std::min(read.size - done, std::uint64_t{step}));
      seconds += seconds_of(
          [&] { check(buffer.read_at(read.offset + done, out) == out.size(), "all is read"); });
      check_pattern(read.offset + done, out);
      done += out.size();
    }
  }
  return seconds;
}

/// Links that leave the machine idle are run at the same time.
double all(std::uint64_t seed, LinkSpeed speed, std::uint64_t reads, bool at_once) {
  const Nginx nginx(file_size);
  const Trace trace(seed, reads);
  std::vector<std::uint64_t> sides{0};
  sides.insert(sides.end(), std::begin(thresholds), std::end(thresholds));
  std::vector<double> seconds(sides.size());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    // Who is first is another one each time.
    const std::size_t side = (i + seed) % sides.size();
    threads.emplace_back([&, side] { seconds[side] = run(nginx, speed, trace, sides[side]); });
    if (!at_once) threads.back().join();
  }
  threads.clear();
  for (std::size_t i = 1; i < sides.size(); ++i) {
    note("through_" + std::to_string(sides[i] / kib), seconds[i]);
  }
  return seconds[0];
}

const Register r1("http_links", "1000_mbit_15_ms",
                  [](std::uint64_t seed) { return all(seed, {1000e6, 0.015}, 150, false); });
const Register r2("http_links", "300_mbit_20_ms",
                  [](std::uint64_t seed) { return all(seed, {300e6, 0.020}, 80, false); });
const Register r3("http_links", "50_mbit_80_ms",
                  [](std::uint64_t seed) { return all(seed, {50e6, 0.080}, 40, true); });
const Register r4("http_links", "10_mbit_150_ms",
                  [](std::uint64_t seed) { return all(seed, {10e6, 0.150}, 20, true); });

}  // namespace
}  // namespace seekable::bench
