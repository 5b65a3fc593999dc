// SPDX-License-Identifier: Apache-2.0
#include "http/sockets.hpp"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/mutex.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail::http {

namespace {

int port_of(curl_socket_t socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  switch (address.ss_family) {
    case AF_INET: return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    case AF_INET6: return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    default: return -1;
  }
}

class OpenSockets {
 public:
  OpenSockets() { at_fork(before_fork, after_fork, after_fork_in_child); }
  OpenSockets(const OpenSockets&) = delete;
  OpenSockets& operator=(const OpenSockets&) = delete;

  /// Never destroyed: connections are closed while the process ends, too.
  static OpenSockets& instance() {
    static auto* const open = new OpenSockets;
    return *open;
  }

  void add(curl_socket_t socket) {
    MutexLock lock(mutex_);
    forget(socket);
    sockets_.push_back({socket, false});
  }

  void remove(curl_socket_t socket) {
    MutexLock lock(mutex_);
    forget(socket);
  }

  void set_framed(int own_port) {
    MutexLock lock(mutex_);
    for (Socket& socket : sockets_) {
      if (!socket.framed && port_of(socket.number) == own_port) socket.framed = true;
    }
  }

  std::uint64_t bytes_waiting(int own_port) {
    MutexLock lock(mutex_);
    for (const Socket& socket : sockets_) {
      int bytes = 0;
      if (socket.framed || port_of(socket.number) != own_port) continue;
      if (::ioctl(socket.number, FIONREAD, &bytes) == 0 && bytes > 0) {
        return static_cast<std::uint64_t>(bytes);
      }
    }
    return 0;
  }

 private:
  struct Socket {
    curl_socket_t number;
    bool framed;
  };

  void forget(curl_socket_t socket) SEEKABLE_REQUIRES(mutex_) {
    std::erase_if(sockets_, [=](const Socket& one) { return one.number == socket; });
  }

  /// A child finds the mutex free; its parent's connections are none of its own.
  static void before_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.lock(); }
  static void after_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.unlock(); }
  static void after_fork_in_child() SEEKABLE_TSA(no_thread_safety_analysis) {
    instance().sockets_.clear();
    instance().mutex_.unlock();
  }

  Mutex mutex_;
  std::vector<Socket> sockets_ SEEKABLE_GUARDED_BY(mutex_);
};

// Made when the library is loaded: a child forked while another thread was making it would wait for
// that thread, which it does not have.
[[maybe_unused]] const OpenSockets& g_open_before_any_fork = OpenSockets::instance();

}  // namespace

curl_socket_t Sockets::open(void* /*self*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  try {
    OpenSockets::instance().add(socket);
    return socket;
  } catch (...) {
    ::close(socket);
    errno = ENOMEM;
    return CURL_SOCKET_BAD;
  }
}

int Sockets::close(void* /*self*/, curl_socket_t socket) {
  OpenSockets::instance().remove(socket);
  return ::close(socket);
}

void Sockets::set_framed(int own_port) { OpenSockets::instance().set_framed(own_port); }

std::uint64_t Sockets::bytes_waiting(int own_port) {
  return OpenSockets::instance().bytes_waiting(own_port);
}

}  // namespace seekable::inline v1::detail::http
