// SPDX-License-Identifier: Apache-2.0
#include "origin.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "gil.hpp"
#include "numbers.hpp"
#ifdef SEEKABLE_HAS_DECODE
#include "seekable/decode.hpp"
#endif
#ifdef SEEKABLE_HAS_HTTP
#include "seekable/http.hpp"
#endif

namespace seekable::python {

namespace {

py::object setting(const py::dict& settings, const char* name) {
  return settings.contains(name) ? settings[name].cast<py::object>() : py::none();
}

/// Reads the setting into `value`, where it is given.
template <typename Value>
void take(const py::dict& settings, const char* name, Value& value) {
  const py::object given = setting(settings, name);
  if (given.is_none()) return;
  try {
    value = given.cast<Value>();
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(name) + ": " + std::string(py::repr(given)) +
                         " is of the wrong type");
  }
}

void take_size(const py::dict& settings, const char* name, std::uint64_t& value) {
  const py::object given = setting(settings, name);
  if (!given.is_none()) value = to_offset(given, name);
}

void take_size(const py::dict& settings, const char* name, std::optional<std::uint64_t>& value) {
  const py::object given = setting(settings, name);
  if (!given.is_none()) value = to_offset(given, name);
}

#ifdef SEEKABLE_HAS_HTTP
void take_seconds(const py::dict& settings, const char* name, std::chrono::milliseconds& value) {
  double seconds = 0;
  if (setting(settings, name).is_none()) return;
  take(settings, name, seconds);
  if (!(seconds > 0 && seconds < 1e9)) {
    throw py::value_error(std::string(name) + " is not a number of seconds above 0");
  }
  value = std::chrono::milliseconds(std::max(1LL, std::llround(seconds * 1000)));
}

HttpOptions make_http_options(const py::dict& settings) {
  HttpOptions options;
  take(settings, "headers", options.headers);
  take(settings, "user", options.user);
  take(settings, "password", options.password);
  take(settings, "netrc", options.netrc);
  take(settings, "proxy", options.proxy);
  take(settings, "certificates", options.certificates);
  take(settings, "http2", options.http2);
  take(settings, "max_redirects", options.max_redirects);
  take(settings, "connections", options.connections);
  take_seconds(settings, "connect_timeout", options.connect_timeout);
  take_seconds(settings, "first_byte_timeout", options.first_byte_timeout);
  take_seconds(settings, "stall_timeout", options.stall_timeout);
  take(settings, "retries", options.retries);
  take_seconds(settings, "retry_delay", options.retry_delay);
  take_seconds(settings, "max_retry_delay", options.max_retry_delay);
  take(settings, "expected_validator", options.expected_validator);
  return options;
}
#endif

std::unique_ptr<RestartableSource> source_of_url(const py::object& stream,
                                                 [[maybe_unused]] const py::dict& settings) {
#ifdef SEEKABLE_HAS_HTTP
  const py::object http = setting(settings, "http");
  return from_url(stream.cast<std::string>(),
                  make_http_options(http.is_none() ? py::dict() : http.cast<py::dict>()));
#else
  throw py::value_error("read " + std::string(py::str(stream)) +
                        ": this build of seekable has no URLs: build it where libcurl is");
#endif
}

std::unique_ptr<Source> source_of_python(const std::string& kind, const py::object& stream,
                                         const py::dict& settings, Origin& origin) {
  auto state = std::make_shared<PythonSource::State>();
  take(settings, "name", state->name);
  state->pull = stream.inc_ref().ptr();
  if (kind == "file") {
    state->argument = py::int_(PythonSource::read_size).release().ptr();
  }
  origin.objects.state = state;
  return std::make_unique<PythonSource>(std::move(state));
}

std::unique_ptr<Source> source_of_bytes(const py::object& stream) {
  const Lease lease(stream);
  return without_gil([&] { return from_bytes(Bytes(lease.data(), lease.data() + lease.size())); });
}

std::unique_ptr<Source> make_decoded(std::unique_ptr<Source> source) {
#ifdef SEEKABLE_HAS_DECODE
  return decoded(std::move(source));
#else
  throw py::value_error(
      "decode: this build of seekable cannot decompress: build it where zlib, libbz2, liblzma, "
      "libzstd and liblz4 are");
#endif
}

}  // namespace

Origin make_origin(const std::string& kind, const py::object& stream, const py::dict& settings) {
  Origin origin;
  bool decode = false;
  take(settings, "decode", decode);
  const py::object callback = setting(settings, "progress");
  if (!callback.is_none()) origin.objects.progress = std::make_shared<Progress>(callback);
  if (kind == "url") {
    auto url = source_of_url(stream, settings);
    origin.web = url.get();
    if (origin.objects.progress) url = with_progress(std::move(url), origin.objects.progress);
    origin.source = std::move(url);
  } else {
    if (kind == "path") {
      // Without the interpreter lock: to open a named pipe waits for who writes it.
      const std::string path = stream.cast<std::string>();
      origin.source = without_gil([&] { return from_file(path); });
    } else if (kind == "bytes") {
      origin.source = source_of_bytes(stream);
    } else {
      origin.source = source_of_python(kind, stream, settings, origin);
    }
    // A file that is read in place has no progress.
    if (origin.objects.progress && kind != "path") {
      origin.source = with_progress(std::move(origin.source), origin.objects.progress);
    }
  }
  if (decode) origin.source = make_decoded(std::move(origin.source));
  return origin;
}

Options make_options(const py::dict& settings) {
  Options options;
  take_size(settings, "max_size", options.memory_limit);
  take_size(settings, "size", options.expected_size);
  if (options.expected_size == ~std::uint64_t{0}) {
    throw py::value_error("size 2**64 - 1 is more than a stream can have");
  }
  take_size(settings, "disk_limit", options.disk_limit);
  std::vector<std::string> directories;
  take(settings, "spool_directories", directories);
  options.spool_directories.assign(directories.begin(), directories.end());
  take_size(settings, "read_ahead", options.read_ahead);
  take(settings, "encrypt_spool", options.encrypt_spool);
  std::string fill = "on_demand";
  take(settings, "fill", fill);
  if (fill == "ahead") {
    options.fill = Fill::ahead;
  } else if (fill != "on_demand") {
    throw py::value_error("fill '" + fill + "' is neither 'on_demand' nor 'ahead'");
  }
  std::optional<std::uint64_t> window;
  take_size(settings, "window", window);
  if (window) options.retention = Retention::window(*window, WhenFull::drop_oldest);
  return options;
}

}  // namespace seekable::python
