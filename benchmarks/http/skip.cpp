// SPDX-License-Identifier: Apache-2.0
// 64 KiB far inside a file that a server gives at 20 MB/s, from nothing: a URL, a buffer, one read;
// beside a bare request for that range by libcurl. `size` is the number of rounds, at most 30 (and
// with more than 14 the closing of earlier connections counts, too); the cost is the median of
// ours.
#include <curl/curl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "seekable/http.hpp"
#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/nginx.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {
namespace {

constexpr std::uint64_t file_size = 200'000'000;
constexpr std::uint64_t offset = 150'000'000;
constexpr std::size_t wanted = 64 * 1024;

double ours(const std::string& url) {
  std::vector<std::byte> bytes(wanted);
  std::unique_ptr<StreamBuffer> buffer;
  const double seconds = seconds_of([&] {
    buffer = std::make_unique<StreamBuffer>(from_url(url));
    check(buffer->read_at(offset, bytes) == wanted, "all is read");
  });
  check_pattern(offset, bytes);
  return seconds;
}

/// Where a bare request puts its bytes.
struct Place {
  std::vector<std::byte> bytes{wanted};
  std::size_t size = 0;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* to) {
  Place& place = *static_cast<Place*>(to);
  check(size * count <= wanted - place.size, "no more comes than was asked for");
  std::memcpy(place.bytes.data() + place.size, data, size * count);
  place.size += size * count;
  return size * count;
}

double bare(const std::string& url) {
  const std::string range = std::to_string(offset) + "-" + std::to_string(offset + wanted - 1);
  Place place;
  CURL* easy = nullptr;
  const double seconds = seconds_of([&] {
    easy = ::curl_easy_init();
    ::curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(easy, CURLOPT_RANGE, range.c_str());
    ::curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, static_cast<void*>(&place));
    check(::curl_easy_perform(easy) == CURLE_OK && place.size == wanted, "all is read");
  });
  ::curl_easy_cleanup(easy);
  check_pattern(offset, place.bytes);
  return seconds;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Each round has an origin of its own, to which no connection is open. (The first one is for what
/// only happens once in a process.)
double all(std::uint64_t rounds) {
  check(2 * rounds <= Nginx::more_addresses, "there are so many origins");
  const Nginx nginx(file_size);
  ours(nginx.url(1, true));
  bare(nginx.url(1, true));
  std::vector<double> of_ours;
  std::vector<double> of_bare;
  std::vector<double> ratios;
  for (unsigned i = 0; i < rounds; ++i) {
    of_ours.push_back(ours(nginx.url(2 + 2 * i, true)));
    of_bare.push_back(bare(nginx.url(3 + 2 * i, true)));
    ratios.push_back(of_ours.back() / of_bare.back());
  }
  note("bare", median(of_bare));
  note("ratio", median(ratios));
  return median(of_ours);
}

const Register r("http_skip", "all", all);

}  // namespace
}  // namespace seekable::bench
