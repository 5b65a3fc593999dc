// SPDX-License-Identifier: Apache-2.0
#include "support/local_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

sockaddr_in address_of(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int make_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

LocalPort::LocalPort() : fd_(make_socket()) {
  sockaddr_in address = address_of(0);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  check(::bind(fd_.get(), any, size) == 0 && ::getsockname(fd_.get(), any, &size) == 0,
        "have a port");
  port_ = ntohs(address.sin_port);
}

int connect_to(std::uint16_t port) {
  FileDescriptor made(make_socket());
  const sockaddr_in address = address_of(port);
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return -1;
  }
  return made.release();
}

}  // namespace seekable::bench
