// SPDX-License-Identifier: Apache-2.0
// A player that goes to and fro between an index and the data of a film, with 177 seeks in 25 MB,
// of which it wants 16 MB, over a link of 50 Mb/s and 80 ms: the case of FFmpeg's commit
// 8c8e5d5286. The cost is the number of requests.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "seekable/http.hpp"
#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/nginx.hpp"
#include "support/pattern.hpp"
#include "support/places.hpp"
#include "support/simulated_link.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t file_size = 25'000'000;
constexpr std::uint64_t seeks = 177;
constexpr std::size_t index_piece = 4096;
constexpr std::size_t data_piece = 90'000;
constexpr std::uint64_t index_size = (seeks / 2 + 1) * index_piece;
constexpr LinkSpeed speed{50e6, 0.080};

struct Piece {
  std::uint64_t offset;
  std::size_t size;
};

/// Of the data each time two pieces, and then what is not wanted: 48 KiB or so of other tracks.
std::vector<Piece> trace(std::uint64_t index_begin, std::uint64_t data_begin) {
  std::vector<Piece> pieces;
  Places gaps(128, 1);
  std::uint64_t index = index_begin;
  std::uint64_t data = data_begin;
  for (std::uint64_t seek = 0; seek < seeks; ++seek) {
    if (seek % 2 == 0) {
      pieces.push_back({index, index_piece});
      index += index_piece;
      continue;
    }
    pieces.push_back({data, data_piece});
    pieces.push_back({data + data_piece, data_piece});
    data += 2 * data_piece + gaps.next() * 768;
  }
  check(index <= file_size && data <= file_size, "the film is long enough");
  return pieces;
}

/// A reader for each of the two, or one for both.
double run(const std::vector<Piece>& pieces, std::uint64_t index_begin, bool two_readers) {
  const Nginx nginx(file_size);
  const SimulatedLink link(nginx.port(), speed);
  const StreamBuffer buffer(from_url(url_at(link.port())));
  Reader data = buffer.reader();
  Reader index = buffer.reader();
  std::vector<std::byte> bytes(data_piece);
  std::uint64_t wanted = 0;
  const double seconds = seconds_of([&] {
    for (const Piece& piece : pieces) {
      const bool of_index = piece.offset >= index_begin && piece.offset < index_begin + index_size;
      Reader& reader = two_readers && of_index ? index : data;
      reader.seek(piece.offset);
      const auto out = std::span(bytes).first(piece.size);
      check(reader.read(out) == piece.size, "a whole piece is read");
      check_pattern(piece.offset, out);
      wanted += piece.size;
    }
  });
  const auto counts = link.counts();
  note("megabytes_on_the_wire", static_cast<double>(counts.bytes) * 1e-6);
  note("megabytes_wanted", static_cast<double>(wanted) * 1e-6);
  note("connections", static_cast<double>(counts.connections));
  note("seconds", seconds);
  return static_cast<double>(counts.requests);
}

double index_at_the_end(std::uint64_t) {
  const std::uint64_t index = file_size - index_size;
  return run(trace(index, 0), index, false);
}

double index_at_the_start(std::uint64_t) { return run(trace(0, index_size), 0, true); }

const Register r1("http_trace", "index_at_the_end", index_at_the_end);
const Register r2("http_trace", "index_at_the_start", index_at_the_start);

}  // namespace
}  // namespace seekable::bench
