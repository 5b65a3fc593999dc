// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>
#include <utility>

#include "base/block.hpp"
#include "http/http_source.hpp"

namespace seekable::inline v1::detail::http {

namespace {

std::error_code code_of(const Ending& ending) {
  switch (ending.code) {
    case CURLE_ABORTED_BY_CALLBACK: return Errc::cancelled;
    case CURLE_COULDNT_CONNECT:
      return ending.system_error != 0 ? std::error_code(ending.system_error, std::system_category())
                                      : std::make_error_code(std::errc::connection_refused);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return std::make_error_code(std::errc::host_unreachable);
    case CURLE_OPERATION_TIMEDOUT: return Errc::timed_out;
    case CURLE_PARTIAL_FILE: return Errc::truncated;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return std::make_error_code(std::errc::connection_reset);
    case CURLE_OUT_OF_MEMORY: return std::make_error_code(std::errc::not_enough_memory);
    default: return Errc::source_failed;
  }
}

/// What another try would not mend. `answered`: the URL has given an answer before, in this
/// process.
bool is_final(const Ending& ending, bool answered) {
  switch (ending.code) {
    // What is not HTTP. A connection that was used before may hold what belongs to no answer.
    case CURLE_UNSUPPORTED_PROTOCOL: return !ending.was_used;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_URL_MALFORMAT:
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_FAILED_INIT:
    case CURLE_OUT_OF_MEMORY: return true;
    // A name with a mistake in it should be told at once, and a server that restarts be waited for.
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return !answered;
    default: return false;
  }
}

std::string range_text(std::uint64_t begin, std::uint64_t end) {
  std::string text = std::to_string(begin) + "-";
  if (end != unknown) text += std::to_string(end - 1);
  return text;
}

}  // namespace

void HttpSource::fail(std::error_code code, const std::string& why) const {
  throw Error(code, resource_->what() + ": " + why, position_);
}

/// Asks until there is an answer that means something, or the trouble is final.
HttpSource::Answer HttpSource::ask(Purpose purpose) {
  for (;;) {
    check_may_go_on();
    Answer answer = ask_once(purpose);
    // A server that cannot answer HEAD may well have the bytes.
    if (answer == Answer::trouble && purpose == Purpose::head) answer = Answer::nothing;
    if (answer == Answer::trouble) {
      wait_for_next_try();
    } else if (answer != Answer::try_again) {
      if (answer != Answer::nothing) resource_->remember_url(asked_);
      redirects_ = 0;
      // Of a body that is to be read the exchange stays.
      if (answer != Answer::body) drop_exchange();
      if (exchange_) exchange_->set_being_read(false);
      return answer;
    }
  }
}

HttpSource::Answer HttpSource::ask_once(Purpose purpose) {
  drop_exchange();
  if (redirects_ == 0) asked_ = resource_->last_url();
  const Request request = next_request(purpose);
  if (!client_) client_ = Client::of_process();
  waited_ = false;
  gave_some_ = false;
  asked_to_wait_.reset();  // What an earlier answer asked for, to HEAD perhaps, is over.
  set_exchange(
      std::make_shared<Exchange>(request, signal_, resource_->link(), resource_->traffic()));
  exchange_->set_being_read(true);
  client_->begin(exchange_);
  return await_answer(purpose);
}

Request HttpSource::next_request(Purpose purpose) {
  Request request = resource_->request_for(asked_);
  range_begin_.reset();
  asked_end_ = unknown;
  told_validator_ = false;
  request.head_only = purpose == Purpose::head;
  const Representation known = resource_->representation();
  if (purpose != Purpose::head && !resource_->no_ranges()) request.range = next_range(purpose);
  if (asked_end_ != unknown) request.range_size = asked_end_ - range_begin_.value_or(0);
  if (!request.range.empty() && !known.validator().empty()) {
    told_validator_ = true;
    request.headers.push_back("If-Range: " + known.validator());
  }
  return request;
}

std::string HttpSource::next_range(Purpose purpose) {
  if (purpose == Purpose::first_byte) {
    range_begin_ = 0;
    asked_end_ = 1;
    return range_text(0, 1);
  }
  const std::uint64_t begin = position_ - (keeps_tail_ ? tail_.size() : 0);
  std::uint64_t end = unknown;
  const auto wanted = std::exchange(wanted_, std::nullopt);
  wanted_end_ = position_;
  const std::uint64_t left = resource_->total().value_or(unknown) - position_;
  if (wanted && *wanted < left) {
    wanted_end_ = position_ + *wanted;
    const std::uint64_t size = resource_->link()->worth_asking_for(*wanted, position_ == 0);
    if (*wanted <= size && size < left) end = position_ + size;
  }
  if (begin == 0 && end == unknown) return {};
  range_begin_ = begin;
  asked_end_ = end;
  return range_text(begin, end);
}

HttpSource::Answer HttpSource::await_answer(Purpose purpose) {
  const HttpOptions& options = resource_->options();
  const auto asked_at = Clock::now();
  const auto patience = bounded(options.connect_timeout) + bounded(options.first_byte_timeout);
  for (;;) {
    signal_->reset();
    check_may_go_on();
    if (const Head* const head = exchange_->head()) {
      return head->is_redirect() ? follow(*head) : judge(purpose, *head);
    }
    if (const Ending* const ending = exchange_->ending()) {
      if (ending->ask_again) return Answer::try_again;
      broke_off(*ending);
      return Answer::trouble;
    }
    // Patience counts from when it was begun, for which nobody is woken; and for its turn it has as
    // much.
    const auto deadline = exchange_->begun().value_or(asked_at) + patience;
    if (client_->wait(*signal_, deadline, *exchange_).in_time) continue;
    if (Clock::now() >= exchange_->begun().value_or(asked_at) + patience) {
      trouble_ =
          Error(Errc::timed_out, resource_->what() + ": the server gives no answer", position_);
      return Answer::trouble;
    }
  }
}

HttpSource::Answer HttpSource::follow(const Head& head) {
  if (++redirects_ > resource_->options().max_redirects) {
    fail(Errc::source_failed, "it is redirected more than " +
                                  std::to_string(resource_->options().max_redirects) + " times");
  }
  try {
    asked_ = asked_.redirected(head.location);
  } catch (const std::invalid_argument& error) {
    fail(Errc::source_failed, error.what());
  }
  return Answer::try_again;
}

/// Keeps the trouble for the last try. Throws it where no try will mend it.
void HttpSource::broke_off(const Ending& ending) {
  broke_ = true;
  trouble_ = Error(code_of(ending), resource_->what() + ": " + ending.text, position_);
  if (is_final(ending, resource_->is_known())) throw Error(*trouble_);
}

void HttpSource::wait_for_next_try() {
  drop_exchange();
  redirects_ = 0;
  resource_->remember_url(resource_->url());  // Where it was redirected to may be what is broken.
  const auto wait = retry_.failed(std::exchange(asked_to_wait_, std::nullopt));
  if (!wait) throw Error(*trouble_);
  const auto until = Clock::now() + bounded(*wait);
  for (;;) {
    signal_->reset();
    check_may_go_on();
    if (!signal_->wait_until(until)) return;
  }
}

std::optional<std::uint64_t> HttpSource::find_size() {
  return or_fail_for_good([&] { return ask_for_size(); });
}

std::optional<std::uint64_t> HttpSource::ask_for_size() {
  if (resource_->total()) return resource_->total();
  check_may_go_on();
  // The answer that is being read has none.
  if (exchange_) return std::nullopt;
  if (ask(Purpose::head) == Answer::nothing) {
    trouble_.reset();
    ask(Purpose::first_byte);
    // The whole, which a server without ranges gives, is what is read next.
    if (range_begin_ && answer_end_ == 1) drop_exchange();
  }
  return resource_->total();
}

}  // namespace seekable::inline v1::detail::http
