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
  /// meanwhile. (Those of a connection that was given up early it closes by itself.)
  static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int close(void* self, curl_socket_t socket);

  /// The connection from this port of ours speaks HTTP/2: what comes on it says which answer it
  /// belongs to.
  static void set_framed(int own_port);

  /// Bytes that have come on the connection from this port of ours, and nobody has taken; 0 for
  /// HTTP/2.
  static std::uint64_t bytes_waiting(int own_port);
};

}  // namespace seekable::inline v1::detail::http
