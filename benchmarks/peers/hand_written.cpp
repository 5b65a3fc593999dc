// SPDX-License-Identifier: Apache-2.0
// What people write by hand: a temporary file of the C library, and one mutex around it.
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/job.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr std::size_t step = 64 * 1024;

class TemporaryFile {
 public:
  void append(std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    std::fseek(file_.get(), 0, SEEK_END);
    check(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size(), "written");
    size_ += bytes.size();
    changed_.notify_all();
  }

  void end() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

  /// Waits for the first byte; 0 at the end.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return size_ > offset || over_; });
    std::fseek(file_.get(), static_cast<long>(offset), SEEK_SET);
    return std::fread(out.data(), 1, out.size(), file_.get());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), &std::fclose};
  std::uint64_t size_ = 0;
  bool over_ = false;
};

template <typename Store>
std::uint64_t fill(int fd, Store& store) {
  std::vector<std::byte> buffer(step);
  std::uint64_t done = 0;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    store.append(std::span(buffer).first(static_cast<std::size_t>(got)));
    done += static_cast<std::uint64_t>(got);
  }
  store.end();
  return done;
}

double ingest(std::uint64_t size) {
  const Pourer pourer(size);
  TemporaryFile store;
  const double seconds = seconds_of([&] { check(fill(pourer.fd(), store) == size, "all came"); });
  std::byte page[page_size];
  check(store.read_at(size / 2, page) == page_size, "a page is read");
  check_pattern(size / 2, page);
  return seconds;
}

double followers(std::uint64_t size) {
  const Pourer pourer(size);
  return seconds_of([&] {
    TemporaryFile store;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        std::vector<std::byte> out(step);
        std::uint64_t done = 0;
        while (const std::size_t got = store.read_at(done, out)) {
          if (done % (64 * step) == 0) {
            check_pattern(done, std::span(out).first(std::min(got, page_size)));
          }
          done += got;
        }
        check(done == size, "all was read");
      });
    }
    fill(pourer.fd(), store);
  });
}

double lives(std::uint64_t size) {
  std::vector<std::byte> content(size);
  std::vector<std::byte> out(size);
  fill_pattern(0, content);
  const auto live = [&] {
    TemporaryFile store;
    for (std::size_t at = 0; at < size; at += step) {
      store.append(std::span(content).subspan(at, std::min<std::size_t>(step, size - at)));
    }
    keep(store.read_at(0, out));
  };
  live();
  check_pattern(0, out);
  const auto count = std::max<std::uint64_t>(5, (std::uint64_t{1} << 28) / (size + 20'000));
  const double seconds = seconds_of([&] {
    for (std::uint64_t i = 0; i < count; ++i) live();
  });
  return seconds / static_cast<double>(count);
}

double string_stream(std::uint64_t size) {
  struct Store {
    std::stringstream stream;
    void append(std::span<const std::byte> bytes) {
      stream.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
    void end() {}
  };
  const Pourer pourer(size);
  Store store;
  return seconds_of([&] { check(fill(pourer.fd(), store) == size, "all came"); });
}

const Register r1("ingest_spilled", "tmpfile and a mutex", ingest);
const Register r2("followers_4", "tmpfile and a mutex", followers);
const Register r3("lives", "tmpfile and a mutex", lives);
const Register r4("ingest_memory", "std::stringstream", string_stream);

}  // namespace
}  // namespace seekable::bench
