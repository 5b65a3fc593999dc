// SPDX-License-Identifier: Apache-2.0
// A source that cannot be opened at an offset is not restartable.
// expect: abstract
#include "seekable/seekable.hpp"

struct Stuck : seekable::RestartableSource {
  std::size_t read_some(std::span<std::byte>) override { return 0; }
#ifndef MUST_NOT_COMPILE
  void reopen(std::uint64_t, std::optional<std::uint64_t>) override {}
#endif
};

std::unique_ptr<seekable::Source> twin() { return std::make_unique<Stuck>(); }
