// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Every kind of source there is, for the contract that all of them keep.

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "support/feeds.hpp"

namespace seekable::test {

using Content = std::vector<std::byte>;
using Make = std::function<void(Feed&, const Content&)>;

struct SourceKind {
  std::string name;
  Make make;        ///< a source of that content
  Make make_stuck;  ///< one that gives that content and then waits for ever; null: it cannot wait
};

inline std::ostream& operator<<(std::ostream& out, const SourceKind& kind) {
  return out << kind.name;
}

/// Text in lines, because a terminal passes on nothing else unchanged.
Content text(std::size_t size);

std::vector<SourceKind> source_kinds();

#ifdef SEEKABLE_TEST_HTTP
/// Those of them that come from a server.
std::vector<SourceKind> http_source_kinds();
#endif

#ifdef SEEKABLE_TEST_DECODE
/// What `packed` gives, compressed on its way and decoded again.
std::vector<SourceKind> decode_source_kinds(const SourceKind& packed);
#endif

/// Reads `size` bytes.
void read_content(Source& source, std::size_t size);

}  // namespace seekable::test
