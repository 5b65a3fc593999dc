// SPDX-License-Identifier: Apache-2.0
// Every chunking, offset and size of a stream of 26 letters: small enough to try them all, and it
// is where most packages of this kind give wrong bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seekable/seekable.hpp"
#include "support/sources.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t most = 29;

std::string expected(std::uint64_t offset, std::uint64_t size) {
  if (offset >= alphabet.size()) return {};
  return std::string(alphabet.substr(offset, size));
}

struct Case {
  Fill fill;
  std::optional<std::uint64_t> memory_limit;
  bool restartable;
};

Options options_of(const Case& one) {
  Options options;
  options.fill = one.fill;
  if (one.memory_limit) options.memory_limit = *one.memory_limit;
  return options;
}

StreamBuffer letters_in_chunks(std::size_t chunk, const Case& one) {
  Script script;
  script.content = letters();
  script.chunks = {chunk};
  if (one.restartable) {
    return StreamBuffer(std::make_unique<ScriptedRestartable>(std::move(script)), options_of(one));
  }
  return StreamBuffer(std::make_unique<ScriptedSource>(std::move(script)), options_of(one));
}

class Letters : public testing::TestWithParam<Case> {};

/// Counts instead of expecting each: a hundred thousand lines help nobody.
void expect_none_wrong(const std::string& first_wrong, std::size_t wrong, std::size_t tried) {
  EXPECT_EQ(wrong, 0U) << "of " << tried << " reads; the first: " << first_wrong;
}

TEST_P(Letters, AreRightInAFreshBufferForEachChunkingOffsetAndSize) {
  Watchdog watchdog("letters, fresh buffers");
  std::size_t wrong = 0;
  std::size_t tried = 0;
  std::string first;
  for (std::size_t chunk = 1; chunk <= alphabet.size(); ++chunk) {
    watchdog.next("letters, fresh buffers, chunk " + std::to_string(chunk));
    for (std::uint64_t offset = 0; offset <= most; ++offset) {
      for (std::uint64_t size = 0; size <= most; ++size) {
        const StreamBuffer buffer = letters_in_chunks(chunk, GetParam());
        const std::string got = to_string(buffer.read(offset, size));
        ++tried;
        if (got == expected(offset, size)) continue;
        if (++wrong > 1) continue;
        first = "chunk " + std::to_string(chunk) + " offset " + std::to_string(offset) + " size " +
                std::to_string(size) + " gives '" + got + "'";
      }
    }
  }
  EXPECT_EQ(tried, 26U * 30U * 30U);
  expect_none_wrong(first, wrong, tried);
}

TEST_P(Letters, AreRightInOneBufferReadAgainAndAgain) {
  Watchdog watchdog("letters, one buffer");
  std::size_t wrong = 0;
  std::size_t tried = 0;
  std::string first;
  // Ascending, descending and jumping about: what was kept by one read serves the next.
  for (const std::size_t stride : {std::size_t{1}, most, std::size_t{7}}) {
    for (std::size_t chunk = 1; chunk <= alphabet.size(); ++chunk) {
      const StreamBuffer buffer = letters_in_chunks(chunk, GetParam());
      for (std::uint64_t i = 0; i <= most; ++i) {
        const std::uint64_t offset = (i * stride + stride / 2) % (most + 1);
        for (std::uint64_t size = 0; size <= most; ++size) {
          ++tried;
          const std::string got = to_string(buffer.read(offset, size));
          const std::string again = to_string(buffer.read(offset, size));
          if (got == expected(offset, size) && again == got) continue;
          if (++wrong == 1) {
            first = "chunk " + std::to_string(chunk) + " offset " + std::to_string(offset) +
                    " size " + std::to_string(size) + " gives '" + got + "', then '" + again + "'";
          }
        }
      }
      EXPECT_EQ(to_string(buffer.read(0, 100)), alphabet);
      EXPECT_TRUE(buffer.exhausted());
    }
  }
  expect_none_wrong(first, wrong, tried);
}

INSTANTIATE_TEST_SUITE_P(
    All, Letters,
    testing::Values(Case{Fill::on_demand, std::nullopt, false}, Case{Fill::on_demand, 8, false},
                    Case{Fill::on_demand, 0, false}, Case{Fill::ahead, std::nullopt, false},
                    Case{Fill::ahead, 8, false}, Case{Fill::ahead, 0, false},
                    Case{Fill::on_demand, std::nullopt, true}, Case{Fill::on_demand, 0, true},
                    Case{Fill::ahead, std::nullopt, true}),
    [](const testing::TestParamInfo<Case>& info) {
      const Case& one = info.param;
      std::string name = one.fill == Fill::ahead ? "Ahead" : "OnDemand";
      name += one.memory_limit ? "Spilled" + std::to_string(*one.memory_limit) : "InMemory";
      return name + (one.restartable ? "Restartable" : "");
    });

}  // namespace
}  // namespace seekable::test
