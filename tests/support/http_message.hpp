// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Requests as a peer of ours gets them, and what it answers: the truth, or what a script makes of
/// it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seekable/bytes.hpp"
#include "support/sources.hpp"

namespace seekable::test {

struct HttpHeader {
  std::string name;
  std::string value;
};

/// What `bytes=first-last` or `bytes=first-` asks for.
struct HttpRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> last;

  friend bool operator==(const HttpRange&, const HttpRange&) = default;
};

struct HttpRequest {
  std::string method;
  std::string target;
  std::string version;
  std::vector<HttpHeader> headers;
  std::size_t number = 0;      ///< 0: the first that this peer got
  std::size_t connection = 0;  ///< 0: the first that this peer accepted

  std::optional<std::string> header(std::string_view name) const;
  std::optional<HttpRange> range() const;
  bool is_head() const { return method == "HEAD"; }
};

/// Reads one request up to its empty line. Returns: nothing where it is none.
std::optional<HttpRequest> parse_request(std::string_view head);

/// An answer, honest or not: nothing in it has to fit to anything else in it.
struct HttpAnswer {
  /// What becomes of the connection behind the answer.
  enum class Then : std::uint8_t {
    keep,   ///< the next request is read
    close,  ///< it is closed as it should be
    reset,  ///< it is torn down, what is on its way with it
    hang,   ///< it stays open and nothing more comes, until the other side gives up
  };

  std::string version = "HTTP/1.1";
  std::string status = "200 OK";
  std::vector<HttpHeader> headers;
  std::shared_ptr<const Bytes> content = std::make_shared<Bytes>();
  ByteRange part;                            ///< of `content`: the body
  bool chunked = false;                      ///< the body goes in chunks
  std::optional<std::uint64_t> break_after;  ///< so much of the body, and `then`
  std::size_t piece = 64 * 1024;             ///< how much of the body goes in one chunk and call
  std::optional<std::string> raw;            ///< sent in place of all the above
  Then then = Then::keep;

  std::shared_ptr<Gate> head_gate;                       ///< to be passed before the first byte
  std::map<std::uint64_t, std::shared_ptr<Gate>> gates;  ///< before that byte of the body

  HttpAnswer& set(const std::string& name, std::string value);
  HttpAnswer& remove(std::string_view name);
  HttpAnswer& breaks_after(std::uint64_t bytes, Then how = Then::close);
  HttpAnswer& body_is(std::string_view text);  ///< with its `Content-Length`
  HttpAnswer& goes_in_chunks();
  HttpAnswer& ends_with_the_connection();  ///< the way of HTTP/1.0

  std::string head() const;

  static HttpAnswer of(std::string status, std::string_view text = "");
  static HttpAnswer redirect(std::string location, std::string status = "302 Found");
  static HttpAnswer bytes(std::string raw, Then then = Then::close);
  static HttpAnswer silence();  ///< never a byte
};

/// A server that keeps to the rules: what scripts start from.
struct Honest {
  std::shared_ptr<const Bytes> content;
  std::string etag = "\"one\"";  ///< as it stands in the header; empty: none
  std::string last_modified;     ///< empty: none
  std::string date;              ///< empty: none
  std::string content_type = "application/octet-stream";
  std::string content_coding;  ///< empty: none
  bool ranges = true;          ///< else a `Range` is ignored, and nothing is said about ranges
  bool head = true;            ///< else HEAD is not allowed
  bool length = true;          ///< else whole answers go in chunks

  explicit Honest(Bytes bytes) : content(std::make_shared<Bytes>(std::move(bytes))) {}

  HttpAnswer operator()(const HttpRequest& request) const;

 private:
  bool may_be_part(const HttpRequest& request) const;
  void describe(HttpAnswer& answer) const;
};

/// A time as HTTP writes it.
std::string http_date(std::chrono::system_clock::time_point time);

}  // namespace seekable::test
