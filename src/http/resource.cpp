// SPDX-License-Identifier: Apache-2.0
#include "http/resource.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "seekable/error.hpp"

namespace seekable::inline v1::detail::http {

namespace {

/// A change within the same second leaves a date of change as it was, and clocks differ. RFC 9110,
/// 8.8.2.2, asks for a second at least; the minute is that of its predecessor, RFC 7232.
constexpr std::int64_t settled_seconds = 60;

void check_options(const HttpOptions& options) {
  const auto check = [](bool good, const char* what) {
    if (!good) throw std::invalid_argument(std::string("from_url: ") + what);
  };
  using std::chrono::milliseconds;
  check(options.connections >= 1 && options.connections <= 4, "connections must be 1 to 4");
  check(options.connect_timeout > milliseconds(0) && options.first_byte_timeout > milliseconds(0) &&
            options.stall_timeout > milliseconds(0),
        "a time-out must be more than 0");
  check(options.retry_delay >= milliseconds(0) && options.max_retry_delay >= milliseconds(0),
        "the time between two tries must not be negative");
  check(std::ranges::none_of(options.expected_validator,
                             [](char c) { return static_cast<unsigned char>(c) < ' '; }),
        "a validator cannot hold control characters");
  check(options.proxy.empty() || is_proxy(options.proxy),
        "a proxy must read [SCHEME://][USER:PASSWORD@]HOST[:PORT], its scheme http, https, socks4, "
        "socks4a, socks5 or socks5h");
  for (const std::string& header : options.headers) {
    const bool one_line = header.find_first_of(std::string("\r\n\0", 3)) == std::string::npos;
    check(one_line && parse_field(header), "a header must read 'Name: value', in one line");
    const std::string_view name = parse_field(header)->name;
    for (const char* ours : {"range", "if-range", "accept-encoding", "host", "connection",
                             "content-length", "transfer-encoding"}) {
      check(!same_name(name, ours), "this header is for the library to send");
    }
  }
}

Representation expected(const HttpOptions& options) {
  Representation known;
  if (options.expected_validator.starts_with('"')) {
    known.tag = options.expected_validator;
  } else {
    known.modified = options.expected_validator;
    known.modified_is_strong = !known.modified.empty();
  }
  known.total = options.expected_size;
  return known;
}

/// For a message: a server may send much.
std::string shown(const std::string& text) {
  constexpr std::size_t longest = 100;
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

bool differ(const std::string& a, const std::string& b) {
  return !a.empty() && !b.empty() && a != b;
}

/// Fills in what was not known before.
void complete(Representation& known, const Representation& now) {
  const auto fill = [](std::string& mine, const std::string& other) {
    if (mine.empty()) mine = other;
  };
  if (!known.total) known.total = now.total;
  if (!known.coding) known.coding = now.coding;
  fill(known.tag, now.tag);
  fill(known.weak_tag, now.weak_tag);
  if (known.modified.empty()) known.modified = now.modified;
  // The same date can be old enough by now.
  if (known.modified == now.modified && now.modified_is_strong) known.modified_is_strong = true;
}

}  // namespace

const std::string& Representation::validator() const noexcept {
  static const std::string none;
  if (!tag.empty()) return tag;
  return modified_is_strong ? modified : none;
}

Representation representation_of(const Head& head) {
  Representation found;
  if (head.entity_tag) {
    (head.entity_tag->weak ? found.weak_tag : found.tag) = head.entity_tag->text;
  }
  found.modified = head.last_modified;
  found.modified_is_strong = head.last_modified_time && head.date &&
                             *head.date - *head.last_modified_time >= settled_seconds;
  found.coding = head.coding;
  if (head.status == 206) {
    if (head.content_range) found.total = head.content_range->total;
  } else {
    found.total = head.length();
  }
  return found;
}

std::string difference(const Representation& before, const Representation& now, bool proven) {
  if (differ(before.tag, now.tag))
    return "its ETag was " + shown(before.tag) + " and is " + shown(now.tag);
  if (before.total && now.total && *before.total != *now.total) {
    return "its size was " + std::to_string(*before.total) + " and is " +
           std::to_string(*now.total);
  }
  if (before.coding && now.coding && *before.coding != *now.coding) {
    return "its content coding was '" + *before.coding + "' and is '" + *now.coding + "'";
  }
  if (differ(before.weak_tag, now.weak_tag)) {
    return "its ETag was W/" + shown(before.weak_tag) + " and is W/" + shown(now.weak_tag);
  }
  // Servers behind one name may differ in this, where they agree in a strong ETag.
  if (before.tag.empty() && differ(before.modified, now.modified)) {
    return "it was last modified " + before.modified + " and now " + now.modified;
  }
  // A 206 must repeat the ETag, but need not repeat Last-Modified where If-Range carried it (RFC
  // 9110, 15.3.7).
  if (!before.tag.empty() && now.tag.empty()) return "its ETag is gone";
  if (proven) return {};
  if (before.tag.empty() && before.modified_is_strong && now.modified.empty()) {
    return "its date of change is gone";
  }
  return {};
}

Resource::Resource(const std::string& url, HttpOptions options)
    : options_(std::move(options)), url_(Url::parse(url)) {
  check_options(options_);
  last_url_ = url_;
  known_as_ = expected(options_);
  total_.store(known_as_.total.value_or(unknown), std::memory_order_release);
  known_ = !options_.expected_validator.empty() || options_.expected_size.has_value();
}

std::shared_ptr<Resource> Resource::with_connection(const std::shared_ptr<Resource>& resource) {
  unsigned connections = resource->connections_.load(std::memory_order_relaxed);
  do {
    if (connections >= resource->options_.connections) return nullptr;
  } while (!resource->connections_.compare_exchange_weak(connections, connections + 1,
                                                         std::memory_order_relaxed));
  // (Where there is no memory for it, what gives the connection back is called at once.)
  return {resource.get(), [resource](Resource* /*same*/) {
            resource->connections_.fetch_sub(1, std::memory_order_relaxed);
          }};
}

Request Resource::request_for(const Url& url) const {
  Request request;
  request.url = url.text;
  request.origin = url.origin;
  if (url.origin == url_.origin) {
    request.headers = options_.headers;
    request.user = options_.user.empty() ? url_.user : options_.user;
    const bool of_url = options_.user.empty() && options_.password.empty();
    request.password = of_url ? url_.password : options_.password;
  }
  request.options = &options_;
  return request;
}

Url Resource::last_url() const {
  MutexLock lock(mutex_);
  return last_url_;
}

void Resource::remember_url(const Url& url) {
  MutexLock lock(mutex_);
  last_url_ = url;
}

void Resource::accept(const Head& head, bool proven, std::uint64_t offset) {
  Representation now = representation_of(head);
  MutexLock lock(mutex_);
  // What an earlier process expects does not say of what type it is.
  if (!known_ || content_type_.empty()) content_type_ = head.content_type;
  if (known_) {
    const std::string why = difference(known_as_, now, proven);
    if (!why.empty()) throw Error(Errc::source_changed, what() + ": " + why, offset);
    complete(known_as_, now);
  } else {
    known_ = true;
    known_as_ = std::move(now);
  }
  total_.store(known_as_.total.value_or(unknown), std::memory_order_release);
  answered_.store(true, std::memory_order_relaxed);
}

void Resource::set_total(std::uint64_t total) {
  MutexLock lock(mutex_);
  if (known_as_.total) return;
  known_as_.total = total;
  total_.store(total, std::memory_order_release);
}

Representation Resource::representation() const {
  MutexLock lock(mutex_);
  return known_as_;
}

SourceInfo Resource::info() const {
  MutexLock lock(mutex_);
  SourceInfo info;
  info.name = url_.printable();
  info.content_type = content_type_;
  info.validator = known_as_.validator();
  if (const auto seconds = parse_http_date(known_as_.modified)) {
    info.modified = std::chrono::system_clock::from_time_t(*seconds);
  }
  return info;
}

}  // namespace seekable::inline v1::detail::http
