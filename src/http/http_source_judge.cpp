// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include "base/block.hpp"
#include "http/http_source.hpp"

namespace seekable::inline v1::detail::http {

namespace {

bool is_worth_another_try(int status) {
  switch (status) {
    case 408:  // request timeout
    case 425:  // too early
    case 429:  // too many requests
    case 500:
    case 502:
    case 503:
    case 504: return true;
    default: return false;
  }
}

std::error_code code_of(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407: return std::make_error_code(std::errc::permission_denied);
    case 404:
    case 410: return std::make_error_code(std::errc::no_such_file_or_directory);
    default: return Errc::source_failed;
  }
}

}  // namespace

HttpSource::Answer HttpSource::judge(Purpose purpose, const Head& head) {
  if (head.has_two_lengths) fail(Errc::source_failed, "the server tells two lengths");
  if (head.status == 206) return judge_part(head);
  if (head.status == 200 || head.status == 203) return judge_whole(purpose, head);
  if (head.status == 416 && range_begin_) return judge_unsatisfiable(head);
  if (head.status == 412) fail(Errc::source_changed, "the server answers " + head.reason);
  return judge_refusal(purpose, head);
}

/// Bytes that were given must be there still.
void HttpSource::check_long_enough(std::optional<std::uint64_t> total) const {
  if (!total || *total >= proven_end_) return;
  fail(Errc::source_changed, "it has " + std::to_string(*total) + " bytes now, and gave byte " +
                                 std::to_string(proven_end_ - 1) + " before");
}

/// Throws where it is not of the same representation.
void HttpSource::accept(const Head& head, bool proven) {
  resource_->accept(head, proven, position_);
  check_long_enough(resource_->total());
  keeps_tail_ = resource_->representation().tag.empty();
}

/// invariant 1
HttpSource::Answer HttpSource::judge_part(const Head& head) {
  if (!head.content_range || !head.content_range->range) {
    fail(Errc::source_failed, head.has_content_range
                                  ? "the server gives a part, and a Content-Range that is none"
                                  : "the server gives a part, and does not say which");
  }
  const ByteRange range = *head.content_range->range;
  if (range.begin != range_begin_.value_or(0)) {
    fail(Errc::source_failed, "the server was asked for byte " +
                                  std::to_string(range_begin_.value_or(0)) + " and gives byte " +
                                  std::to_string(range.begin));
  }
  if (head.length() && *head.length() != range.end - range.begin) {
    fail(Errc::source_failed, "the server gives " + std::to_string(*head.length()) +
                                  " bytes, and calls them bytes " + std::to_string(range.begin) +
                                  " to " + std::to_string(range.end - 1));
  }
  accept(head, told_validator_);
  at_ = answer_begin_ = range.begin;
  answer_end_ = range.end;
  return Answer::body;
}

HttpSource::Answer HttpSource::judge_whole(Purpose purpose, const Head& head) {
  if (purpose == Purpose::head) {
    // Some servers give 0 for what they would have to make first.
    if (head.length().value_or(0) == 0) return Answer::nothing;
    if (head.accept_ranges == "none") resource_->set_no_ranges();
    accept(head, false);
    return Answer::end;
  }
  accept(head, false);
  // A range, or a part of the same bytes, was asked for.
  if (range_begin_ || head.accept_ranges == "none") resource_->set_no_ranges();
  at_ = answer_begin_ = 0;
  answer_end_ = head.length().value_or(unknown);
  return Answer::body;
}

HttpSource::Answer HttpSource::judge_unsatisfiable(const Head& head) {
  const auto known = resource_->total();
  const auto told = head.content_range ? head.content_range->total : std::nullopt;
  if (known && told && *known != *told) {
    fail(Errc::source_changed,
         "its size was " + std::to_string(*known) + " and is " + std::to_string(*told));
  }
  // Bytes were there that are not any more.
  if (!tail_.empty() && keeps_tail_) {
    fail(Errc::source_changed, "it ends before byte " + std::to_string(*range_begin_) + " now");
  }
  const auto total = told ? told : known;
  check_long_enough(total);
  const std::string known_tag = resource_->representation().tag;
  if (head.entity_tag && !head.entity_tag->weak && !known_tag.empty() &&
      head.entity_tag->text != known_tag) {
    fail(Errc::source_changed, "its ETag is another one now");
  }
  if (!total && broke_) {
    fail(Errc::source_failed, "the server has no byte " + std::to_string(*range_begin_) +
                                  ", and does not tell if that is the end");
  }
  if (total && *range_begin_ < *total) {
    fail(Errc::source_failed, "the server has " + std::to_string(*total) +
                                  " bytes, and none at byte " + std::to_string(*range_begin_));
  }
  if (told) resource_->set_total(*told);
  return Answer::end;
}

HttpSource::Answer HttpSource::judge_refusal(Purpose purpose, const Head& head) {
  const std::string why = "the server answers " + head.reason;
  if (is_worth_another_try(head.status)) {
    trouble_ = Error(Errc::source_failed, resource_->what() + ": " + why, position_);
    if (const auto wait = parse_retry_after(head.retry_after, std::time(nullptr))) {
      asked_to_wait_ = std::chrono::seconds(*wait);
    }
    return Answer::trouble;
  }
  // Where it was redirected to may be good for a while only.
  if (asked_.text != resource_->url().text && redirects_ == 0) {
    resource_->remember_url(resource_->url());
    return Answer::try_again;
  }
  // Many a server has no HEAD; what is wrong with the URL itself a GET will tell.
  if (purpose == Purpose::head) return Answer::nothing;
  if (range_begin_ && head.status == 406) {
    resource_->set_no_ranges();
    return Answer::try_again;
  }
  fail(code_of(head.status), why);
}

}  // namespace seekable::inline v1::detail::http
