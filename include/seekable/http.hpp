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
/// (its scheme, host and port), not to where it redirects, and appears in no message.
struct HttpOptions {
  /// Sent with every request, each as `Name: value`.
  std::vector<std::string> headers;

  /// For a server that asks for a name and a password.
  std::string user;
  std::string password;

  /// Takes them from the user's `~/.netrc` where the options give none.
  bool netrc = false;

  /// A proxy's URL. Empty: what `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
  std::string proxy;

  /// A file of certificates (PEM) to trust instead of the system's. Empty: the system's.
  std::string certificates;

  /// Speaks HTTP/2 where a server with TLS offers it.
  bool http2 = true;

  unsigned max_redirects = 10;

  /// At most so many connections for one buffer, 1 to 4. (All buffers of a process have 6 to an
  /// origin; the one that was read least recently is closed for another.)
  unsigned connections = 4;

  /// How long to wait for a connection, from the request to the first byte of the answer, and,
  /// while somebody waits, from one byte to the next. More than 0. A failure to be retried.
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::milliseconds first_byte_timeout{60'000};
  std::chrono::milliseconds stall_timeout{30'000};

  /// So many failures in a row without a byte in between are answered by another try; the next is
  /// final. Between two tries passes a random time up to `retry_delay`, which doubles up to
  /// `max_retry_delay`; at least what the server asks for by `Retry-After`. A server that asks for
  /// more than `max_retry_delay` is taken at its word, and the failure is final at once.
  unsigned retries = 5;
  std::chrono::milliseconds retry_delay{250};
  std::chrono::milliseconds max_retry_delay{30'000};

  /// The stream must be the one that had this `SourceInfo::validator` (and size); else it fails
  /// with `Errc::source_changed`. For going on with what an earlier process has begun.
  std::string expected_validator;
  std::optional<std::uint64_t> expected_size;
};

/// Counts of what one stream has cost on its connections, all of them together.
struct HttpTraffic {
  std::uint64_t requests = 0;  ///< sent, redirects and retries included
  std::uint64_t bytes_on_wire =
      0;  ///< received, headers included (without those of HTTP/2's frames and TLS)
};

/// Reads a URL, `http` or `https`: any offset by a range request, where the server has ranges; from
/// the start, and nothing is requested before a byte or the size is needed.
///
/// What belongs together is proven by the server's validator (a strong `ETag`, else a
/// `Last-Modified` that is old enough), the size, and where there is no validator, by bytes that
/// are compared again. What does not belong together fails with `Errc::source_changed`. A broken
/// connection is taken up again where it broke, within `HttpOptions::retries`.
///
/// All streams of a process share one thread for their connections. Each connection holds up to
/// 256 KiB beside the buffer's memory limit.
/// Throws: `std::invalid_argument` if `url` is no URL of these schemes, or an option is out of its
///     range.
/// Errors of the stream: `source_changed`; `truncated` where connections end early again and again;
///     `std::errc::no_such_file_or_directory` for 404 and 410, `permission_denied` for 401, 403 and
///     407; `timed_out`; the system's codes for what cannot be connected; `source_failed`, with
///     what the server said.
SEEKABLE_EXPORT std::unique_ptr<RestartableSource> from_url(std::string url,
                                                            HttpOptions options = {});

/// The traffic of a source made by `from_url` so far, and of all its `another()`s. Empty counts for
/// any other source. From any thread.
SEEKABLE_EXPORT HttpTraffic http_traffic(const Source& source);

}  // namespace seekable::inline v1
