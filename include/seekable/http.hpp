// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seekable/export.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1 {

/// How a URL is read. The defaults suit most servers.
///
/// What is secret in here (`headers`, `user`, `password`) is sent to the origin of the URL alone
/// (its scheme, host and port), not to where it redirects, and appears in no message. What `netrc`
/// finds is sent to the host that it is for; name and password of `proxy` go to the proxy, and
/// appear in no message either.
struct HttpOptions {
  /// Sent with every request to the URL's origin, each as `Name: value`, one line. Those that the
  /// library sends itself are refused: Range, If-Range, Accept-Encoding, Host, Connection,
  /// Content-Length, Transfer-Encoding.
  std::vector<std::string> headers;

  /// For a server that asks for them (Basic or Digest). Empty: those in the URL,
  /// `http://user:password@host/`.
  std::string user;
  std::string password;

  /// Takes name and password from `~/.netrc` where neither the options nor the URL have them; for
  /// each host asked, also one that is redirected to.
  bool netrc = false;

  /// A proxy, `[SCHEME://][USER:PASSWORD@]HOST[:PORT]`; the scheme is http, https, socks4, socks4a,
  /// socks5 or socks5h. Empty: what `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
  std::string proxy;

  /// A file of certificates (PEM) to trust instead of the system's. Empty: the system's.
  std::string certificates;

  /// Speaks HTTP/2 where a server with TLS offers it.
  bool http2 = true;

  /// More redirects in a row than this fail the stream with `source_failed`; 0 follows none.
  unsigned max_redirects = 10;

  /// At most so many cursors for one buffer, 1 to 4, each with one connection. A process has at
  /// most 6 connections to an origin: one that nobody is reading is closed for another, and a read
  /// that finds all six being read waits.
  unsigned connections = 4;

  /// Until a connection stands, TLS included. More than 0. Counts as a failure of `retries`.
  std::chrono::milliseconds connect_timeout{30'000};

  /// From there until the head of the answer is complete; what the connection did not use of its
  /// time is added. More than 0. Counts as a failure of `retries`.
  std::chrono::milliseconds first_byte_timeout{60'000};

  /// From one byte to the next while somebody waits for it. More than 0. Counts as a failure of
  /// `retries`.
  std::chrono::milliseconds stall_timeout{30'000};

  /// So many failures in a row without a byte in between are answered by another try; the next is
  /// final. Between two tries passes a random time up to `retry_delay`, which doubles up to
  /// `max_retry_delay`; at least what the server asks for by `Retry-After`. A server that asks for
  /// more than `max_retry_delay` is taken at its word, and the failure is final at once.
  ///
  /// What another try would not mend is final at once: a status other than 408, 425, 429, 500, 502,
  /// 503 and 504, a certificate that does not verify, and, before the first answer, a host that
  /// cannot be resolved or connected to.
  unsigned retries = 5;
  std::chrono::milliseconds retry_delay{250};
  std::chrono::milliseconds max_retry_delay{30'000};

  /// The stream must be the one that had this `SourceInfo::validator` (and size); else it fails
  /// with `Errc::source_changed`. For going on with what an earlier process has begun. A strong
  /// ETag with its quotes, or a Last-Modified, as `SourceInfo::validator` gave it. Empty: any.
  std::string expected_validator;
  std::optional<std::uint64_t> expected_size;
};

/// Counts of what one stream has cost on its connections, all of them together.
struct HttpTraffic {
  /// Begun, redirects and tries included; not the second one of a Digest login.
  std::uint64_t requests = 0;
  /// Headers included, but for those of HTTP/2's frames and TLS.
  std::uint64_t bytes_received = 0;
};

/// Reads a URL, `http` or `https`, from its start; where the server has ranges it can be opened at
/// any offset, else all before it is read. Returns at once: nothing is requested before a byte or
/// the size is needed.
///
/// What belongs together is told by the server: a strong `ETag`, else a `Last-Modified` at least
/// 60 s older than the answer, and the size. Where there is no strong `ETag`, a connection that is
/// taken up again begins with up to 4 KiB that were given before, and they must be the same. A
/// difference fails with `Errc::source_changed`. A broken connection is taken up again where it
/// broke, within `HttpOptions::retries`.
///
/// Whoever waits for a byte receives for all streams of the process meanwhile; where nobody does, a
/// thread that they share. Each connection holds up to 2.25 MiB beside the buffer's memory limit
/// where a request is for more than 512 KiB, or all there is, and comes faster than it is taken;
/// else up to 512 KiB. (More is requested than is wanted.)
///
/// Throws: `std::invalid_argument` if `url` is no URL of these schemes, or an option is out of its
///     range.
/// Errors of the stream: `source_changed`; `truncated` where connections end early again and again;
///     `std::errc::no_such_file_or_directory` for 404 and 410, `permission_denied` for 401, 403 and
///     407; `timed_out`; the system's codes for what cannot be connected, and `connection_reset`
///     for what breaks off; `std::errc::host_unreachable` for a name that cannot be resolved;
///     `operation_not_permitted` in a forked child; `not_enough_memory`; `Errc::cancelled`;
///     `source_failed` for the rest, with what the server said.
SEEKABLE_EXPORT std::unique_ptr<RestartableSource> from_url(const std::string& url,
                                                            HttpOptions options = {});

/// The traffic of a source made by `from_url` so far, and of all its `another()`s.
///
/// Returns: zeros for any other source, also for `decoded(from_url(...))`.
/// Threads: any.
/// Lifetime: `source` is alive: as long as the buffer that took it.
SEEKABLE_EXPORT HttpTraffic http_traffic(const Source& source);

}  // namespace seekable::inline v1
