// SPDX-License-Identifier: Apache-2.0
// read_some is the one function that a source must have.
// expect: abstract
#include "seekable/seekable.hpp"

struct Mute : seekable::Source {
#ifdef MUST_NOT_COMPILE
  void cancel() noexcept override {}
#else
  std::size_t read_some(std::span<std::byte>) override { return 0; }
#endif
};

std::unique_ptr<seekable::Source> twin() { return std::make_unique<Mute>(); }
