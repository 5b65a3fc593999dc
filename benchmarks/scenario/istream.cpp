// SPDX-License-Identifier: Apache-2.0
// Kept bytes through a std::istream, beside std::ifstream on a file of the same bytes.
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <istream>
#include <memory>
#include <span>
#include <string>

#include "seekable/seekable.hpp"
#include "support/job.hpp"
#include "support/pattern.hpp"
#include "support/pour.hpp"

namespace seekable::bench {
namespace {

constexpr std::size_t step = 64 * 1024;

struct alignas(page_size) Step {
  std::byte bytes[step];
};

std::uint64_t read_all(std::istream& stream, Step& out, bool checked) {
  std::uint64_t done = 0;
  for (;;) {
    stream.read(reinterpret_cast<char*>(out.bytes), step);
    const auto got = static_cast<std::size_t>(stream.gcount());
    if (got == 0) return done;
    if (checked) check_pattern(done, std::span(out.bytes).first(got));
    done += got;
  }
}

double time_of(std::istream& stream, std::uint64_t size) {
  const auto out = std::make_unique<Step>();
  check(read_all(stream, *out, true) == size, "all was read");
  stream.clear();
  stream.seekg(0);
  return seconds_of([&] { check(read_all(stream, *out, false) == size, "all was read"); });
}

double ours(std::uint64_t size, std::uint64_t memory) {
  const Pourer pourer(size);
  Options options;
  options.memory_limit = memory;
  StreamBuffer buffer(from_fd(pourer.fd()), options);
  buffer.wait_for_size();
  seekable::istream stream(buffer);
  return time_of(stream, size);
}

double ifstream(std::uint64_t size) {
  const std::filesystem::path path = "/var/tmp/seekable-bench-" + std::to_string(::getpid());
  {
    const Pourer pourer(size);
    StreamBuffer(from_fd(pourer.fd())).save(path);
  }
  std::ifstream stream(path, std::ios::binary);
  std::filesystem::remove(path);
  return time_of(stream, size);
}

const Register r1("istream_memory", "ours",
                  [](std::uint64_t size) { return ours(size, size + (1 << 20)); });
const Register r2("istream_memory", "ifstream", ifstream);
const Register r3("istream_spilled", "ours",
                  [](std::uint64_t size) { return ours(size, 5 << 20); });
const Register r4("istream_spilled", "ifstream", ifstream);

}  // namespace
}  // namespace seekable::bench
