// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "support/http_streams.hpp"
#include "support/source_kinds.hpp"

namespace seekable::test {

namespace {

using Change = void (*)(HttpAnswer&);

Make served(Change change, bool ranges = true) {
  return [=](Feed& feed, const Content& content) {
    Honest honest(content);
    honest.ranges = ranges;
    auto peer = std::make_shared<HttpPeer>([=](const HttpRequest& request) {
      HttpAnswer answer = honest(request);
      if (!request.is_head()) change(answer);
      return answer;
    });
    feed.source = from_url(peer->url(), quick());
    feed.held.push_back(std::move(peer));
  };
}

void in_full(HttpAnswer& /*answer*/) {}

void in_chunks(HttpAnswer& answer) {
  answer.piece = 700;
  answer.goes_in_chunks();
}

void in_fragments(HttpAnswer& answer) { answer.breaks_after(20'000); }

/// Waits before what shows that it was the end.
void stuck_at_its_end(HttpAnswer& answer) {
  answer.goes_in_chunks();
  answer.gates[answer.part.end - answer.part.begin] = std::make_shared<Gate>();
}

}  // namespace

std::vector<SourceKind> http_source_kinds() {
  return {{"http", served(in_full), served(stuck_at_its_end, false)},
          {"http_that_breaks_off", served(in_fragments), {}},
          {"http_without_ranges", served(in_full, false), {}},
          {"http_without_length", served(in_chunks, false), {}}};
}

}  // namespace seekable::test
