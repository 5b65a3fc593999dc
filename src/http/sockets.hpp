// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <cstdint>

namespace seekable::inline v1::detail::http {

/// The sockets that libcurl has open, to look into one that is to be used again: libcurl itself
/// tells which it is only behind the request.
///
/// Threads: any.
class Sockets {
 public:
  /// For libcurl: as it opens and closes them itself, but not for a program that is started
  /// meanwhile.
  static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int close(void* self, curl_socket_t socket);

  /// Bytes that have come on the connection from this port of ours, and nobody has taken.
  static std::uint64_t bytes_waiting(int own_port);
};

}  // namespace seekable::inline v1::detail::http
