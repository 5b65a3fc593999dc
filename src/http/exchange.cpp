// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "http/sockets.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail::http {

namespace {

/// So much of an error page is received, so that its connection can be used again.
constexpr std::uint64_t longest_dropped = 64 * 1024;

/// How much libcurl takes from the kernel at once, for a request of at most `large_step`: it stays
/// in the processor's cache.
constexpr std::size_t small_step = 64 * 1024;

/// The same for one of more, or without an end: who empties the kernel's buffer in large steps
/// keeps the server sending. Older versions of libcurl allow no more (`CURL_MAX_READ_SIZE`).
constexpr std::size_t large_step = 512 * 1024;

/// A ring that holds more makes its connection pause: what is left of the step still has room.
constexpr std::size_t nearly_full = 128 * 1024;
static_assert(Ring::capacity >= nearly_full + large_step);

/// What http.hpp says that a connection holds: libcurl has a buffer for a step, and keeps a copy of
/// what comes after it was told to pause: a step, in a buffer that has perhaps just doubled.
static_assert(Ring::capacity + 3 * large_step <= 2304 * 1024);
static_assert(nearly_full + small_step + 3 * small_step <= 512 * 1024);

/// A kernel takes so much at least before it makes the server wait (`net.ipv4.tcp_rmem`: a window
/// of 64 KiB to begin with).
constexpr std::uint64_t room_in_kernel = 48 * 1024;

/// So much of it in the kernel is sure to be more of the answer, whatever it is wrapped in.
constexpr std::uint64_t sure_to_bring_some = 32 * 1024;

/// The link is told in portions of this.
constexpr std::uint64_t measured_at_once = 64 * 1024;

/// A reader that sleeps is woken for so much, or where no more is there yet: not for each of
/// libcurl's portions of 16 KiB. To wake it costs more than to copy so much.
constexpr std::size_t worth_waking = 128 * 1024;

/// More than any server has to say.
constexpr std::size_t longest_head = 1024 * 1024;

CURL* make_easy() {
  CURL* const easy = ::curl_easy_init();
  if (easy == nullptr) throw std::bad_alloc();
  return easy;
}

}  // namespace

Exchange::Exchange(const Request& request, std::shared_ptr<Event> signal,
                   std::shared_ptr<Link> link, std::shared_ptr<Traffic> traffic)
    : easy_(make_easy()),
      origin_(request.origin),
      signal_(std::move(signal)),
      link_(std::move(link)),
      traffic_(std::move(traffic)),
      has_credentials_(!request.user.empty() || !request.password.empty() ||
                       request.options->netrc || !request.options->proxy.empty()),
      step_(request.range_size <= large_step ? small_step : large_step) {
  try {
    set_options(request);
  } catch (...) {
    ::curl_easy_cleanup(easy_);
    ::curl_slist_free_all(header_list_);
    throw;
  }
}

Exchange::~Exchange() {
  ::curl_easy_cleanup(easy_);
  ::curl_slist_free_all(header_list_);
}

template <typename Value>
void Exchange::set(CURLoption option, Value value) {
  const CURLcode code = ::curl_easy_setopt(easy_, option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  // An option that this libcurl was built without, HTTP/2 for one, has a value that will do.
  if (code == CURLE_OK || code == CURLE_NOT_BUILT_IN || code == CURLE_UNSUPPORTED_PROTOCOL) return;
  throw Error(Errc::source_failed, std::string("set up a request: ") + ::curl_easy_strerror(code),
              0);
}

void Exchange::set_headers(const Request& request) {
  // What is compressed on its way has other offsets than what the server has.
  header_list_ = ::curl_slist_append(nullptr, "Accept-Encoding: identity");
  if (header_list_ == nullptr) throw std::bad_alloc();
  for (const std::string& header : request.headers) {
    if (::curl_slist_append(header_list_, header.c_str()) == nullptr) throw std::bad_alloc();
  }
  set(CURLOPT_HTTPHEADER, header_list_);
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // Nothing of it to a proxy.
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void Exchange::set_trust(const Request& request) {
  if (!request.user.empty() || !request.password.empty()) {
    set(CURLOPT_USERNAME, request.user.c_str());
    set(CURLOPT_PASSWORD, request.password.c_str());
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC | CURLAUTH_DIGEST));
  } else if (request.options->netrc) {
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
  }
  if (!request.options->proxy.empty()) set(CURLOPT_PROXY, request.options->proxy.c_str());
  if (!request.options->certificates.empty())
    set(CURLOPT_CAINFO, request.options->certificates.c_str());
}

void Exchange::set_options(const Request& request) {
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROGRESS, 1L);
  set(CURLOPT_USERAGENT, "seekable");
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(request.options->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (request.head_only) set(CURLOPT_NOBODY, 1L);
  if (!request.range.empty()) set(CURLOPT_RANGE, request.range.c_str());
  set_headers(request);
  set_trust(request);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.options->connect_timeout.count()));
  // Whoever gives a stream up does not wait for a name server that does not answer.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_BUFFERSIZE, static_cast<long>(step_));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_OPENSOCKETFUNCTION, &Sockets::open);
  set(CURLOPT_CLOSESOCKETFUNCTION, &Sockets::close);
  set(CURLOPT_PREREQFUNCTION, &Exchange::before_request);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_);
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
}

void Exchange::begin() noexcept {
  traffic_->requests.fetch_add(1, std::memory_order_relaxed);
  begun_.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
}

/// A server that sends more than the length it tells leaves it in the connection, and libcurl would
/// take it for the next answer. (It sees only what comes with the last byte.)
int Exchange::before_request(void* self, char* /*address*/, char* /*own_address*/, int /*port*/,
                             int own_port) {
  Exchange& exchange = *static_cast<Exchange*>(self);
  exchange.own_port_ = own_port;
  if (!exchange.is_used_again() || Sockets::bytes_waiting(own_port) == 0) {
    return CURL_PREREQFUNC_OK;
  }
  exchange.has_leftovers_ = true;
  ::curl_easy_setopt(exchange.easy_, CURLOPT_FORBID_REUSE, 1L);  // So that it is closed.
  return CURL_PREREQFUNC_ABORT;
}

/// The exchange was given a connection that was made for it.
bool Exchange::has_connected() const noexcept {
  long connections = 0;
  return ::curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connections) == CURLE_OK &&
         connections > 0;
}

std::size_t Exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) try {
  return static_cast<Exchange*>(self)->take_header({data, size * count});
} catch (...) {
  static_cast<Exchange*>(self)->no_memory_ = true;
  return 0;  // Libcurl ends the transfer.
}

std::size_t Exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) try {
  const auto bytes = std::as_bytes(std::span(data, size * count));
  return static_cast<Exchange*>(self)->take_body(bytes);
} catch (...) {
  static_cast<Exchange*>(self)->no_memory_ = true;
  return 0;
}

std::size_t Exchange::take_header(std::string_view line) {
  traffic_->bytes.fetch_add(line.size(), std::memory_order_relaxed);
  head_bytes_ += line.size();
  if (head_bytes_ > longest_head) return 0;  // Libcurl would keep it all.
  // Trailers come behind the body, and change nothing.
  if (head_done_.load(std::memory_order_relaxed)) return line.size();
  if (!trimmed(line).empty()) {
    if (line.starts_with("HTTP/2")) Sockets::set_framed(own_port_);
    head_.add(line);
    return line.size();
  }
  if (head_.status < 200) return line.size();
  has_head_ = true;
  // Libcurl may have an answer to that, and send another request by itself.
  if (has_credentials_ && (head_.status == 401 || head_.status == 407)) return line.size();
  publish_head();
  link_->answered(Clock::now() - *begun(), has_connected());
  return line.size();
}

void Exchange::publish_head() noexcept {
  head_done_.store(true, std::memory_order_release);
  unsignalled_ = true;  // What comes with it is one thing to wake for.
}

std::size_t Exchange::take_body(std::span<const std::byte> bytes) {
  if (head_.status < 200 || head_.status > 299) {
    if (head() == nullptr) publish_head();  // Libcurl has no answer to it.
    traffic_->bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    dropped_ += bytes.size();
    return dropped_ <= longest_dropped ? bytes.size() : 0;
  }
  const std::size_t direct = place(bytes);
  if (direct < bytes.size() && !ring_.write(bytes.subspan(direct))) {
    is_to_pause_ = false;
    note_pause();
    return CURL_WRITEFUNC_PAUSE;
  }
  traffic_->bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
  unmeasured_ += bytes.size();
  body_bytes_ += bytes.size();
  unsignalled_ = true;
  const bool is_last = head_.length() == body_bytes_;
  if (!is_to_pause_ && !is_last && ring_.size() > nearly_full) {
    // A write that is refused would make libcurl copy what it has, and allocate for that. (One that
    // was paused is not done with its answer, and its connection would be torn down for that.)
    is_to_pause_ = ::curl_easy_pause(easy_, CURLPAUSE_RECV) == CURLE_OK;
  }
  if (placed_ + ring_.size() >= worth_waking) wake_reader();
  return bytes.size();
}

/// Returns how many of them are where the reader wants them. Where any are, the ring was empty, so
/// the others, a portion at most, have room there: were the write refused, libcurl would bring all
/// of them again.
std::size_t Exchange::place(std::span<const std::byte> bytes) noexcept {
  if (place_.empty() || ring_.size() > 0) return 0;
  const std::size_t size = std::min(bytes.size(), place_.size());
  std::memcpy(place_.data(), bytes.data(), size);
  place_ = place_.subspan(size);
  placed_ += size;
  return size;
}

void Exchange::wake_reader() {
  if (std::exchange(unsignalled_, false)) signal_->set();
}

/// A reader that was woken in this round makes room at once.
void Exchange::end_round() {
  measure();
  const bool was_paused = paused_.load(std::memory_order_relaxed);
  if (std::exchange(is_to_pause_, false)) note_pause();
  if (!unsignalled_) return;
  const std::size_t size = ring_.size();
  const bool enough = placed_ > 0 ? place_.empty() : size >= worth_waking;
  if (was_paused || enough || bytes_in_kernel() < sure_to_bring_some) wake_reader();
  // Else the next round, which begins at once, is sure to bring more.
}

void Exchange::note_pause() {
  measure();
  tell_link();
  receiving_since_.reset();
  in_kernel_.store(bytes_in_kernel(), std::memory_order_relaxed);
  paused_.store(true, std::memory_order_seq_cst);
  signal_->set();
}

/// Time is only counted from one round to the next, and not over a pause. What came in the first
/// round was on its way before, for nobody knows how long.
void Exchange::measure() {
  const std::uint64_t bytes = std::exchange(unmeasured_, 0);
  if (bytes == 0) return;
  const auto now = Clock::now();
  const std::uint64_t early = std::min(bytes, lay_in_kernel_);
  lay_in_kernel_ -= early;
  if (receiving_since_ && early == 0) {
    measured_bytes_ += bytes;
    measured_time_ += now - *receiving_since_;
    if (measured_bytes_ >= measured_at_once) tell_link();
  }
  // The next ones may have been on their way for as long as these.
  if (early == 0) receiving_since_ = now;
}

void Exchange::tell_link() {
  if (measured_bytes_ == 0) return;
  link_->received(std::exchange(measured_bytes_, 0),
                  std::exchange(measured_time_, Clock::duration{}));
}

std::uint64_t Exchange::bytes_in_kernel() const noexcept {
  curl_socket_t socket = CURL_SOCKET_BAD;
  int bytes = 0;
  if (::curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return 0;
  if (socket == CURL_SOCKET_BAD || ::ioctl(socket, FIONREAD, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

void Exchange::reader_stops_leading() {
  if (paused_.load(std::memory_order_relaxed)) return;
  in_kernel_.store(bytes_in_kernel(), std::memory_order_relaxed);
}

void Exchange::somebody_leads() {
  if (paused_.load(std::memory_order_relaxed)) return;
  in_kernel_.store(0, std::memory_order_relaxed);
  // As long as there was room in the kernel for more, all came as fast as with somebody receiving.
  const std::uint64_t bytes = bytes_in_kernel();
  if (bytes < room_in_kernel) return;
  tell_link();
  receiving_since_.reset();
  lay_in_kernel_ = bytes;
}

/// Libcurl brings what it was refused within this call.
CURLcode Exchange::go_on() {
  if (!paused_.exchange(false, std::memory_order_seq_cst)) return CURLE_OK;
  // It came while nothing was received, and says nothing about the link; nor does what libcurl
  // keeps.
  lay_in_kernel_ = bytes_in_kernel() + step_;
  in_kernel_.store(0, std::memory_order_relaxed);
  return ::curl_easy_pause(easy_, CURLPAUSE_CONT);
}

void Exchange::end(CURLcode code) {
  measure();
  tell_link();
  Ending ending;
  // Libcurl takes a connection that is closed within a head for one that has nothing more to say.
  ending.code = code == CURLE_OK && !has_head_ ? CURLE_GOT_NOTHING : code;
  if (no_memory_) ending.code = CURLE_OUT_OF_MEMORY;
  long number = 0;
  if (::curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &number) == CURLE_OK) {
    ending.system_error = static_cast<int>(number);
  }
  ending.was_used = is_used_again();
  if (has_leftovers_ && head_.status < 200) {
    traffic_->requests.fetch_sub(1, std::memory_order_relaxed);  // It was not sent.
    ending.ask_again = true;
  } else if (has_leftovers_) {
    ending.code = CURLE_RECV_ERROR;
    ending.text = "the server sends more than the length it tells";
  }
  if (ending.text.empty()) ending.text = text_of(ending.code);
  finish(std::move(ending));
}

/// What libcurl says. Of a callback that failed that is not why; and it quotes a proxy, with its
/// password, perhaps not to the end.
std::string Exchange::text_of(CURLcode code) const {
  const std::size_t size = std::strlen(error_);
  const bool is_fit =
      size > 0 && size < CURL_ERROR_SIZE - 1 && std::strchr(error_, '@') == nullptr && !no_memory_;
  return is_fit ? error_ : ::curl_easy_strerror(code);
}

void Exchange::give_way() {
  Ending ending;
  ending.code = CURLE_RECV_ERROR;
  ending.text = "the connection was needed for another read";
  ending.ask_again = true;
  finish(std::move(ending));
}

void Exchange::abandon() {
  Ending ending;
  ending.code = CURLE_ABORTED_BY_CALLBACK;
  ending.text = "the process is about to end";
  finish(std::move(ending));
}

void Exchange::finish(Ending ending) {
  // Of an exchange that broke after it was asked for a name and a password, that is not the answer.
  if (has_head_ && ending.code == CURLE_OK) head_done_.store(true, std::memory_order_release);
  ending_ = std::move(ending);
  done_.store(true, std::memory_order_release);
  signal_->set();
}

}  // namespace seekable::inline v1::detail::http
