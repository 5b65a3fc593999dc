// SPDX-License-Identifier: Apache-2.0
// Readers of well-known formats on streams that still grow: what has come is read at once, and what
// stands at the end is waited for.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

void put_number(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 255);
}

std::uint64_t number_at(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(text.at(at + i));
  }
  return value;
}

/// One file of a tar archive (POSIX.1-1988, ustar).
std::string tar_entry(const std::string& name, const std::string& content) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  std::array<char, 13> size{};
  std::snprintf(size.data(), size.size(), "%011zo", content.size());
  put(0, name);
  put(100, "0000644");
  put(124, size.data());
  put(148, "        ");
  put(156, "0");
  put(257, "ustar");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::array<char, 8> checksum{};
  std::snprintf(checksum.data(), checksum.size(), "%06o", sum);
  put(148, checksum.data());
  std::string padding((512 - content.size() % 512) % 512, '\0');
  return header + content + padding;
}

/// The samples of a wave file (RIFF), one byte each.
std::string wave(const std::string& samples) {
  std::string out = "RIFF";
  put_number(out, 36 + samples.size(), 4);
  out += "WAVEfmt ";
  put_number(out, 16, 4);
  for (const std::uint64_t word : {1, 1}) put_number(out, word, 2);
  for (const std::uint64_t word : {8000, 8000}) put_number(out, word, 4);
  for (const std::uint64_t word : {1, 8}) put_number(out, word, 2);
  out += "data";
  put_number(out, samples.size(), 4);
  return out + samples;
}

/// The end of a zip archive tells where its directory begins, which tells where its files are.
std::string stored_zip(const std::string& name, const std::string& content) {
  std::string local = "PK\x03\x04";
  put_number(local, 20, 2);
  local += std::string(8, '\0');
  put_number(local, 0, 4);  // The checksum is not looked at here.
  for (int i = 0; i < 2; ++i) put_number(local, content.size(), 4);
  put_number(local, name.size(), 2);
  put_number(local, 0, 2);
  const std::string file = local + name + content;
  std::string directory = "PK\x01\x02";
  put_number(directory, 20, 2);
  directory += local.substr(4, 26);
  directory += std::string(10, '\0');
  put_number(directory, 0, 4);
  directory += name;
  std::string end = std::string("PK\x05\x06") + std::string(4, '\0');
  for (int i = 0; i < 2; ++i) put_number(end, 1, 2);
  put_number(end, directory.size(), 4);
  put_number(end, file.size(), 4);
  put_number(end, 0, 2);
  return file + directory + end;
}

/// A pipe that the test writes to, and a buffer of it.
struct Growing {
  Ends ends = make_pipe_ends();
  StreamBuffer buffer{from_fd(ends.read.get())};

  void write(std::string_view text) const {
    ASSERT_EQ(::write(ends.write.get(), text.data(), text.size()), std::ssize(text));
  }
  void end() { ends.write.reset(); }
};

std::string read(std::istream& in, std::uint64_t offset, std::size_t size) {
  std::string out(size, '\0');
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(out.data(), static_cast<std::streamsize>(size));
  out.resize(static_cast<std::size_t>(in.gcount()));
  return out;
}

TEST(GrowingTar, IsReadFileByFileBeforeItsEnd) {
  const std::string first = tar_entry("first", "one");
  const std::string second = tar_entry("second", std::string(700, '2'));
  Growing growing;
  growing.write(first);
  istream in(growing.buffer);
  EXPECT_EQ(read(in, 0, 5), "first");
  EXPECT_EQ(std::stoul(read(in, 124, 11), nullptr, 8), 3U);
  EXPECT_EQ(read(in, 512, 3), "one");  // Nobody has written the second one yet.
  growing.write(second);
  EXPECT_EQ(read(in, 1024, 6), "second");
  EXPECT_EQ(std::stoul(read(in, 1024 + 124, 11), nullptr, 8), 700U);
  EXPECT_EQ(read(in, 1536, 700), std::string(700, '2'));
  EXPECT_EQ(read(in, 0, 5), "first");
  growing.end();
  EXPECT_EQ(read(in, first.size() + second.size(), 512), "");
}

TEST(GrowingWave, GivesItsFirstSamplesBeforeItsLast) {
  const std::string file = wave("samples that come one by one");
  Growing growing;
  growing.write(file.substr(0, 51));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(open_file(growing.buffer), &std::fclose);
  std::setvbuf(in.get(), nullptr, _IONBF, 0);
  std::string header(44, '\0');
  ASSERT_EQ(std::fread(header.data(), 1, 44, in.get()), 44U);
  EXPECT_EQ(header.substr(8, 4), "WAVE");
  EXPECT_EQ(number_at(header, 40, 4), file.size() - 44);
  std::string samples(7, '\0');
  ASSERT_EQ(std::fread(samples.data(), 1, 7, in.get()), 7U);
  EXPECT_EQ(samples, "samples");
  growing.write(file.substr(51));
  growing.end();
  ASSERT_EQ(std::fseek(in.get(), -3, SEEK_END), 0);
  ASSERT_EQ(std::fread(samples.data(), 1, 7, in.get()), 3U);
  EXPECT_EQ(samples.substr(0, 3), "one");
}

TEST(GrowingZip, IsListedWhenItsEndHasCome) {
  const std::string file = stored_zip("name.txt", "content");
  Growing growing;
  growing.write(file.substr(0, 20));
  std::promise<std::string> listed;
  std::jthread lister([&] {
    istream in(growing.buffer);
    in.seekg(-22, std::ios::end);  // Waits for the end.
    const auto at = static_cast<std::uint64_t>(in.tellg());
    const std::string end = read(in, at, 22);
    const std::uint64_t directory = number_at(end, 16, 4);
    listed.set_value(read(in, directory + 46, 8));
  });
  EXPECT_EQ(to_string(growing.buffer.read(0, 4)), "PK\x03\x04");  // Nor does it hold up others.
  growing.write(file.substr(20));
  growing.end();
  EXPECT_EQ(listed.get_future().get(), "name.txt");
}

}  // namespace
}  // namespace seekable::test
