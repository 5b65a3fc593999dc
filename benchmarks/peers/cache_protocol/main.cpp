// SPDX-License-Identifier: Apache-2.0
// FFmpeg's `cache:`, which keeps in a file what it reads from another protocol.
//
// usage: cache_protocol ingest_spilled    standard input, as seekable_scenarios pours it
// Prints seconds.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" {
#include <libavformat/avio.h>
#include <libavutil/log.h>
}

/// Stands before that of the C library: FFmpeg's place is /tmp, which may be memory.
extern "C" int mkstemp64(char* /*name*/) {
  return ::open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
}

namespace {

constexpr int step = 64 * 1024;
constexpr std::int64_t page_size = 4096;

void check(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "not as it should be: %s\n", what);
  std::exit(1);
}

double ingest() {
  std::vector<unsigned char> buffer(step);
  const auto begin = std::chrono::steady_clock::now();
  AVIOContext* stream = nullptr;
  // Direct: without it every byte would be copied once more, in smaller steps.
  check(avio_open(&stream, "cache:pipe:0", AVIO_FLAG_READ | AVIO_FLAG_DIRECT) >= 0, "opened");
  std::int64_t size = 0;
  for (;;) {
    const int got = avio_read(stream, buffer.data(), step);
    if (got <= 0) break;
    size += got;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const std::int64_t middle = size / 2 / page_size * page_size;
  std::uint64_t stamp = 0;
  check(avio_seek(stream, middle, SEEK_SET) == middle, "the middle is reached");
  check(avio_read(stream, buffer.data(), sizeof stamp) == sizeof stamp, "a stamp is read");
  std::memcpy(&stamp, buffer.data(), sizeof stamp);
  check(stamp == static_cast<std::uint64_t>(middle), "the bytes");
  avio_closep(&stream);
  return seconds.count();
}

}  // namespace

int main() {
  av_log_set_level(AV_LOG_QUIET);
  std::printf("%.9f\n", ingest());
  return 0;
}
