// SPDX-License-Identifier: Apache-2.0
#include "http/sockets.hpp"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "base/mutex.hpp"

namespace seekable::inline v1::detail::http {

namespace {

struct Open {
  Mutex mutex;
  std::vector<curl_socket_t> sockets SEEKABLE_GUARDED_BY(mutex);
};

/// Never freed: connections are closed while the process ends, too.
Open& all_open() {
  static Open& open = *new Open;
  return open;
}

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

}  // namespace

curl_socket_t Sockets::open(void* /*self*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  try {
    Open& open = all_open();
    MutexLock lock(open.mutex);
    open.sockets.push_back(socket);
    return socket;
  } catch (...) {
    ::close(socket);
    return CURL_SOCKET_BAD;
  }
}

int Sockets::close(void* /*self*/, curl_socket_t socket) {
  Open& open = all_open();
  {
    MutexLock lock(open.mutex);
    std::erase(open.sockets, socket);
  }
  return ::close(socket);
}

std::uint64_t Sockets::bytes_waiting(int own_port) {
  Open& open = all_open();
  MutexLock lock(open.mutex);
  for (const curl_socket_t socket : open.sockets) {
    int bytes = 0;
    if (port_of(socket) != own_port || ::ioctl(socket, FIONREAD, &bytes) != 0) continue;
    if (bytes > 0) return static_cast<std::uint64_t>(bytes);
  }
  return 0;
}

}  // namespace seekable::inline v1::detail::http
