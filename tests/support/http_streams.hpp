// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Streams from a scripted peer, made in one line, and what their tests look at.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "seekable/http.hpp"
#include "seekable/seekable.hpp"
#include "support/buffers.hpp"
#include "support/http_peer.hpp"

namespace seekable::test {

/// One answer to a request, made from what an honest server would say.
using HttpScript = std::function<HttpAnswer(const HttpRequest&, const Honest&)>;

/// Answers the first GETs by one script each, and everything else as `honest` does.
HttpPeer::Answerer first_by(const Honest& honest, std::vector<HttpScript> scripts);

/// Answers every GET by `script`, and everything else as `honest` does.
HttpPeer::Answerer always_by(const Honest& honest, HttpScript script);

/// Scripts.
HttpScript honestly();
HttpScript breaks_off(std::uint64_t after, HttpAnswer::Then how = HttpAnswer::Then::close);
HttpScript says(std::string status, std::vector<HttpHeader> headers = {});
HttpScript gives(HttpAnswer answer);

/// The honest answer with this header, in place of its own one.
HttpScript with_header(std::string name, std::string value);

/// Options with which nothing is waited for long.
HttpOptions quick();

/// The same, and nothing is tried twice.
HttpOptions without_retries();

StreamBuffer open(const HttpPeer& peer, HttpOptions http = quick(), Options options = {});

/// What came of reading a stream.
struct Outcome {
  std::error_code code;      ///< none: it is whole
  std::uint64_t offset = 0;  ///< of the failure
  std::string text;
};

/// Reads it all and compares; where it fails, all before the failure must be there and be right.
Outcome outcome_of(const StreamBuffer& buffer, const Bytes& content);

/// What `outcome_of` says of a stream from a peer like that.
Outcome outcome_of(HttpPeer::Answerer answerer, const Bytes& content, HttpOptions http = quick());

/// Those that were no HEAD.
std::vector<HttpRequest> gets_of(const HttpPeer& peer);

/// 32 MiB: farther than any gap that is read through.
const Bytes& far_content();

}  // namespace seekable::test
