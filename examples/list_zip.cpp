// SPDX-License-Identifier: Apache-2.0
// Lists a zip that lies on a web server: libzip reads through a `seekable::Reader`, and of the
// archive little more than its end, where the directory lies, comes over the network.
//
//     list_zip http://example.org/photos.zip
#include <zip.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>

#include "seekable/http.hpp"
#include "seekable/seekable.hpp"

namespace {

/// What libzip reads from.
struct Archive {
  explicit Archive(const char* url) : buffer(seekable::from_url(url)), reader(buffer.reader()) {}

  seekable::StreamBuffer buffer;
  seekable::Reader reader;
  zip_error_t error{};
};

/// What libzip is told of a command that failed.
zip_int64_t refuse(Archive& archive, int why) {
  zip_error_set(&archive.error, why, 0);
  return -1;
}

zip_int64_t seek(Archive& archive, void* data, zip_uint64_t size) {
  const auto* const to = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, size, &archive.error);
  if (to == nullptr) return -1;
  switch (to->whence) {
    case SEEK_SET: archive.reader.seek(to->offset); return 0;
    case SEEK_CUR: archive.reader.seek(to->offset, seekable::Whence::current); return 0;
    case SEEK_END: archive.reader.seek(to->offset, seekable::Whence::end); return 0;
    default: return refuse(archive, ZIP_ER_INVAL);
  }
}

zip_int64_t fill_stat(Archive& archive, void* data, zip_uint64_t size) {
  if (size < sizeof(zip_stat_t)) return refuse(archive, ZIP_ER_INVAL);
  auto& stat = *static_cast<zip_stat_t*>(data);
  zip_stat_init(&stat);
  stat.valid = ZIP_STAT_SIZE;
  stat.size = archive.reader.wait_for_size();
  return sizeof stat;
}

zip_int64_t obey(Archive& archive, void* data, zip_uint64_t size, zip_source_cmd_t command) {
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                            ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                            ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, -1);
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_READ:
      return static_cast<zip_int64_t>(
          archive.reader.read({static_cast<std::byte*>(data), static_cast<std::size_t>(size)}));
    case ZIP_SOURCE_SEEK: return seek(archive, data, size);
    case ZIP_SOURCE_TELL: return static_cast<zip_int64_t>(archive.reader.position());
    case ZIP_SOURCE_STAT: return fill_stat(archive, data, size);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&archive.error, data, size);
    default: return refuse(archive, ZIP_ER_OPNOTSUPP);
  }
}

zip_int64_t on_command(void* archive, void* data, zip_uint64_t size, zip_source_cmd_t command) {
  auto& self = *static_cast<Archive*>(archive);
  try {
    return obey(self, data, size, command);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "list_zip: %s\n", error.what());
    return refuse(self, ZIP_ER_READ);
  }
}

void list(const char* url) {
  Archive archive(url);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source = zip_source_function_create(on_command, &archive, &error);
  if (source == nullptr) throw std::runtime_error(zip_error_strerror(&error));
  const std::unique_ptr<zip_t, decltype(&zip_discard)> zip(
      zip_open_from_source(source, ZIP_RDONLY, &error), zip_discard);
  if (!zip) {
    zip_source_free(source);
    throw std::runtime_error(zip_error_strerror(&error));
  }
  const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* const name = zip_get_name(zip.get(), static_cast<zip_uint64_t>(i), 0);
    if (name == nullptr) throw std::runtime_error(zip_strerror(zip.get()));
    std::puts(name);
  }
  const auto cost = archive.buffer.stats().bytes_on_wire;
  std::fprintf(stderr, "%llu bytes of the archive came\n", static_cast<unsigned long long>(cost));
}

}  // namespace

int main(int count, char** words) try {
  if (count != 2) throw std::invalid_argument("usage: list_zip URL");
  list(words[1]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "list_zip: %s\n", error.what());
  return 1;
}
