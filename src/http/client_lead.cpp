// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "http/client.hpp"
#include "http/without_signals.hpp"

namespace seekable::inline v1::detail::http {

namespace {

using std::chrono::milliseconds;

/// While an exchange is queued, so often the leader looks whether another may give way: that its
/// reader has gone wakes nobody.
constexpr milliseconds look_again(20);
constexpr milliseconds at_most(60'000);

/// So long exchanges may run with nobody who leads: what comes meanwhile stays in the kernel, and a
/// connection of 100 MB/s has room there for some milliseconds.
constexpr milliseconds patrol(5);

/// So long after a reader has left others asleep the thread hands the lead to no reader: else it
/// would go to and fro between readers that take turns.
constexpr milliseconds crowded(50);

}  // namespace

Client::Waited Client::wait(Event& signal, Clock::time_point deadline, Exchange& exchange,
                            std::span<std::byte> place) {
  {
    MutexLock lock(mutex_);
    if (leader_ != Leader::nobody || stopped_) {
      lock.unlock();
      return {sleep_until(signal, deadline), 0};
    }
    leader_ = Leader::reader;
    ++turns_;
  }
  return lead_until(signal, deadline, exchange, place);
}

/// Without memory in the middle of a round the exchanges of others would be left half done: then
/// the process ends (`noexcept`).
Client::Waited Client::lead_until(const Event& signal, Clock::time_point deadline,
                                  Exchange& exchange, std::span<std::byte> place) noexcept {
  begin_to_lead();
  exchange.offer(place);
  while (!signal.is_set() && may_go_on_leading()) {
    {
      const WithoutSignals without_signals;
      round();
    }
    if (signal.is_set() || Clock::now() >= deadline) break;
    poll(deadline);
  }
  const Waited waited{signal.is_set() || Clock::now() < deadline, exchange.withdraw()};
  exchange.reader_stops_leading();
  stop_leading(Leader::reader);
  return waited;
}

bool Client::sleep_until(Event& signal, Clock::time_point deadline) {
  bool asks = false;
  {
    MutexLock lock(mutex_);
    ++asleep_;
    if (leader_ == Leader::nobody) {
      call_thread();
    } else if (leader_ == Leader::thread && asleep_ == 1 && Clock::now() >= crowded_until_) {
      successor_ = &signal;
      asks = true;
    }
  }
  if (asks) wake();
  const bool is_set = signal.wait_until(deadline);
  MutexLock lock(mutex_);
  --asleep_;
  if (successor_ == &signal) successor_ = nullptr;
  if (asleep_ > 0 && leader_ == Leader::nobody)
    call_thread();  // This reader will perhaps not lead.
  return is_set;
}

void Client::begin_to_lead() {
  for (auto& [name, origin] : origins_) {
    for (const auto& exchange : origin.running) exchange->somebody_leads();
  }
}

void Client::call_thread() {
  called_ = true;
  work_.set();
}

void Client::stop_leading(Leader who) {
  MutexLock lock(mutex_);
  leader_ = Leader::nobody;
  is_active_ = !origins_.empty();
  const bool handed_on = successor_ != nullptr;
  if (handed_on) std::exchange(successor_, nullptr)->set();
  if (who == Leader::thread) {
    if (asleep_ > 0 && !handed_on) called_ = true;  // By one that came while it was leaving.
    return;
  }
  if (asleep_ > 0) {
    called_ = true;
    crowded_until_ = Clock::now() + crowded;
  }
  if (called_ || stopped_ || (has_work() && !patrols_)) work_.set();
}

bool Client::may_go_on_leading() {
  MutexLock lock(mutex_);
  return !stopped_;
}

void Client::round() {
  carry_out_commands();
  int running = 0;
  ::curl_multi_perform(multi_, &running);
  take_endings();
  for (auto& [name, origin] : origins_) {
    for (const auto& exchange : origin.running) exchange->end_round();
    start_some(origin);
  }
  std::erase_if(origins_, [](const auto& entry) { return entry.second.is_idle(); });
}

void Client::poll(Clock::time_point deadline) {
  milliseconds most = has_queued_exchange() ? look_again : at_most;
  if (deadline != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    most = std::clamp(left, milliseconds(0), most);
  }
  ::curl_multi_poll(multi_, nullptr, 0, static_cast<int>(most.count()), nullptr);
}

void Client::run() noexcept {
  while (await_lead()) {
    begin_to_lead();
    lead_for_others();
    stop_leading(Leader::thread);
  }
  end_all();
}

/// Returns true when the thread leads; false when the process ends: then it keeps the lead for
/// good.
bool Client::await_lead() {
  std::uint64_t seen = 0;
  bool in_time = true;
  for (;;) {
    work_.reset();
    bool patrols = false;
    {
      MutexLock lock(mutex_);
      const bool nothing_new = !in_time && turns_ == seen;
      if (leader_ == Leader::nobody) {
        if (stopped_ || called_ || (nothing_new && has_work())) {
          leader_ = Leader::thread;
          called_ = false;
          patrols_ = false;
          return !stopped_;
        }
      }
      // No patrol while one reader leads for long: when that stops, it wakes this thread.
      patrols = patrols_ = leader_ == Leader::nobody ? has_work() : !nothing_new;
      seen = turns_;
    }
    in_time = work_.wait_until(patrols ? Clock::now() + patrol : Clock::time_point::max());
  }
}

void Client::lead_for_others() {
  for (;;) {
    round();
    {
      MutexLock lock(mutex_);
      if (stopped_ || successor_ != nullptr) return;
      if (origins_.empty() && commands_.empty()) return;
    }
    poll(Clock::time_point::max());
  }
}

}  // namespace seekable::inline v1::detail::http
