// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_link.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "seekable/file_descriptor.hpp"
#include "support/local_port.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}

/// What waits in sockets is on no link, and should be little.
constexpr int socket_bytes = 64 * 1024;

/// A thread that slept for too long makes up for it, if not for more than this: else the link would
/// be slower where the machine is busy.
constexpr Clock::duration most_late = std::chrono::milliseconds(50);

struct Piece {
  Time due;
  std::vector<char> bytes;  // none: the end
  std::size_t sent = 0;
};

/// One of the two sockets of a connection.
struct End {
  FileDescriptor fd;
  bool readable = true;  // until the kernel says otherwise, as for `writable`
  bool writable = true;
  bool over = false;         // it will give no more
  std::deque<Piece> coming;  // to be written to it
  std::size_t coming_bytes = 0;

  void add(Time due, std::vector<char> bytes) {
    coming_bytes += bytes.size();
    coming.push_back({due, std::move(bytes)});
  }
};

struct Connection {
  End client;
  End origin;
  Time open_from;            // its handshake is done
  bool nobody_left = false;  // the client has gone
  bool over = false;
  std::size_t of_head_end = 0;  // so much of the end of a request's head was seen
};

}  // namespace

class SimulatedLink::Loop {
 public:
  Loop(std::uint16_t origin, LinkSpeed speed)
      : origin_(origin),
        for_a_byte_(8 / speed.bits_per_second),
        one_way_(seconds(speed.round_trip / 2)),
        most_held_(static_cast<std::size_t>(speed.bits_per_second / 8 * speed.round_trip) +
                   std::size_t{64} * 1024),
        step_(std::clamp(static_cast<std::size_t>(speed.bits_per_second / 8 * 0.0005),
                         std::size_t{1460}, std::size_t{64} * 1024)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
        stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    check(::listen(listener_.fd(), SOMAXCONN) == 0, "listen");
    watch(listener_.fd(), &listener_, EPOLLIN);
    watch(timer_.get(), nullptr, EPOLLIN | EPOLLET);
    watch(stop_.get(), nullptr, EPOLLIN);
  }

  std::uint16_t port() const { return listener_.port(); }

  Counts counts() const { return {connected_.load(), requests_.load(), bytes_.load()}; }

  void stop() const {
    const std::uint64_t one = 1;
    check(::write(stop_.get(), &one, sizeof one) == sizeof one, "stop the link");
  }

  void run(const std::stop_token& stopped) {
    while (!stopped.stop_requested()) {
      wait();
      const Time now = Clock::now();
      for (Connection& each : connections_) take_from_client(each, now);
      share_the_link(now);
      for (Connection& each : connections_) {
        if (!each.nobody_left) deliver(each, each.client, Clock::now());
        if (each.nobody_left) drop(each, now);
        deliver(each, each.origin, now);
      }
      std::erase_if(connections_, [](const Connection& each) { return each.over; });
      set_timer();
    }
  }

 private:
  void watch(int fd, void* whose, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = whose;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0, "watch a socket");
  }

  void wait() {
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, 64, -1);
    for (int i = 0; i < count; ++i) {
      void* const whose = events[i].data.ptr;
      if (whose == nullptr) continue;
      if (whose == &listener_) {
        connect_one();
        continue;
      }
      End& end = *static_cast<End*>(whose);
      if ((events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        end.readable = true;
      }
      if ((events[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) end.writable = true;
    }
  }

  void connect_one() {
    FileDescriptor client(
        ::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.get() < 0) return;
    Connection& made = connections_.emplace_back();
    made.client.fd = std::move(client);
    made.origin.fd.reset(connect_to(origin_));
    made.open_from = Clock::now() + 2 * one_way_;
    ++connected_;
    for (End* end : {&made.client, &made.origin}) {
      const int fd = end->fd.get();
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_bytes, sizeof socket_bytes);
      watch(fd, end, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
  }

  /// Returns whether there was anything.
  bool take(End& from, End& to, std::size_t most, Time due_if_over,
            const std::function<Time(std::span<const char>)>& due) {
    std::vector<char> bytes(most);
    const ssize_t got = ::recv(from.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
      from.readable = false;
      return false;
    }
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    from.over = bytes.empty();
    const Time at = from.over ? due_if_over : due(bytes);
    to.add(at, std::move(bytes));
    return true;
  }

  void take_from_client(Connection& connection, Time now) {
    const Time due = std::max(now, connection.open_from) + one_way_;
    while (connection.client.readable && !connection.client.over) {
      take(connection.client, connection.origin, step_, due, [&](std::span<const char> bytes) {
        count_heads(connection, bytes);
        return due;
      });
      if (connection.client.over) connection.nobody_left = true;
    }
  }

  void count_heads(Connection& connection, std::span<const char> bytes) {
    constexpr std::string_view end = "\r\n\r\n";
    std::size_t& seen = connection.of_head_end;
    for (const char c : bytes) {
      seen = c == end[seen] ? seen + 1 : c == '\r' ? 1 : 0;
      if (seen == end.size()) {
        ++requests_;
        seen = 0;
      }
    }
  }

  /// Lets bytes of the origin in, a step of each connection in turns, while the link is free.
  void share_the_link(Time now) {
    free_at_ = std::max(free_at_, waited_ ? now - most_late : now);
    waited_ = false;
    for (bool any = true; any;) {
      any = false;
      for (Connection& each : connections_) {
        if (!each.origin.readable || each.origin.over) continue;
        if (each.client.coming_bytes >= most_held_) continue;
        if (free_at_ > now) {
          waited_ = true;
          return;
        }
        any |= take(each.origin, each.client, step_, free_at_ + one_way_,
                    [&](std::span<const char> bytes) {
                      free_at_ += seconds(static_cast<double>(bytes.size()) * for_a_byte_);
                      return free_at_ + one_way_;
                    });
      }
      // Who was first comes last now, so that nobody has the link for himself.
      if (!connections_.empty()) {
        connections_.splice(connections_.end(), connections_, connections_.begin());
      }
    }
  }

  void deliver(Connection& connection, End& to, Time now) {
    while (to.writable && !to.coming.empty() && to.coming.front().due <= now) {
      Piece& piece = to.coming.front();
      if (piece.bytes.empty()) {
        connection.over = true;
        return;
      }
      const ssize_t sent = ::send(to.fd.get(), piece.bytes.data() + piece.sent,
                                  piece.bytes.size() - piece.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        to.writable = false;
        if (errno != EAGAIN) lose(connection, to, now);
        return;
      }
      const auto size = static_cast<std::size_t>(sent);
      if (&to == &connection.client) bytes_ += size;
      piece.sent += size;
      to.coming_bytes -= size;
      if (piece.sent == piece.bytes.size()) to.coming.pop_front();
    }
  }

  /// The peer at one end does not take any more.
  void lose(Connection& connection, const End& end, Time now) {
    if (&end != &connection.client) {
      connection.over = true;
    } else if (!connection.nobody_left) {
      connection.nobody_left = true;
      connection.client.over = true;
      connection.origin.add(now + one_way_, {});
    }
  }

  /// What comes out where the client was.
  void drop(Connection& connection, Time now) {
    auto& coming = connection.client.coming;
    while (!coming.empty() && coming.front().due <= now) {
      const std::size_t size = coming.front().bytes.size() - coming.front().sent;
      bytes_ += size;
      connection.client.coming_bytes -= size;
      coming.pop_front();
    }
  }

  void set_timer() const {
    std::optional<Time> next;
    const auto consider = [&](Time time) { next = std::min(next.value_or(time), time); };
    if (waited_) consider(free_at_);
    for (const Connection& each : connections_) {
      for (const End* end : {&each.client, &each.origin}) {
        if (end->coming.empty()) continue;
        if (end->writable || each.nobody_left) consider(end->coming.front().due);
      }
    }
    itimerspec spec{};
    if (next) {
      const auto at = std::max<Clock::rep>(next->time_since_epoch().count(), 1);
      spec.it_value.tv_sec = at / 1'000'000'000;
      spec.it_value.tv_nsec = at % 1'000'000'000;
    }
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  const std::uint16_t origin_;
  const double for_a_byte_;  // seconds
  const Clock::duration one_way_;
  const std::size_t most_held_;
  const std::size_t step_;
  LocalPort listener_;
  const FileDescriptor epoll_;
  const FileDescriptor timer_;
  const FileDescriptor stop_;
  std::list<Connection> connections_;
  Time free_at_{};       // All that was let in has passed by then.
  bool waited_ = false;  // Something is there that was not let in yet.
  std::atomic<std::uint64_t> connected_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

SimulatedLink::SimulatedLink(std::uint16_t origin, LinkSpeed speed)
    : loop_(std::make_unique<Loop>(origin, speed)),
      thread_([this](const std::stop_token& stop) { loop_->run(stop); }) {}

SimulatedLink::~SimulatedLink() {
  thread_.request_stop();
  loop_->stop();
}

std::uint16_t SimulatedLink::port() const { return loop_->port(); }

SimulatedLink::Counts SimulatedLink::counts() const { return loop_->counts(); }

}  // namespace seekable::bench
