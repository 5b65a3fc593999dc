// SPDX-License-Identifier: Apache-2.0
#include "cli/front_hash.hpp"

#include <algorithm>
#include <memory>

#include "seekable/error.hpp"

namespace seekable::cli {

FrontHash::FrontHash(const PartFile& part) : part_(part) {
  thread_ = std::jthread([this] {
    try {
      work();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  });
}

FrontHash::~FrontHash() { stop(); }

void FrontHash::reach(std::uint64_t front) {
  const std::scoped_lock lock(mutex_);
  if (front <= front_) return;
  front_ = front;
  changed_.notify_all();
}

std::string FrontHash::sum() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return at_ == front_ || stopped_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    if (stopped_) throw Error(Errc::cancelled, "sum up the file", at_);
  }
  stop();
  thread_.join();
  return hash_.sum();
}

void FrontHash::stop() {
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool FrontHash::is_stopped() {
  const std::scoped_lock lock(mutex_);
  return stopped_;
}

void FrontHash::work() {
  const auto piece = std::make_unique<Piece>();
  std::uint64_t begin = 0;
  for (;;) {
    std::uint64_t end = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return begin < front_ || stopped_; });
      if (stopped_) return;
      end = front_;
    }
    add(begin, end, *piece);
    begin = end;
    const std::scoped_lock lock(mutex_);
    at_ = end;
    changed_.notify_all();
  }
}

void FrontHash::add(std::uint64_t begin, std::uint64_t end, Piece& piece) {
  while (begin < end && !is_stopped()) {
    const auto bytes =
        std::span(piece.bytes).first(std::min<std::uint64_t>(piece.bytes.size(), end - begin));
    part_.read(begin, bytes);
    hash_.add(bytes);
    begin += bytes.size();
  }
}

}  // namespace seekable::cli
