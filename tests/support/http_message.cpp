// SPDX-License-Identifier: Apache-2.0
#include "support/http_message.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace seekable::test {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  return line;
}

}  // namespace

std::optional<std::string> HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (same_name(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::optional<HttpRange> HttpRequest::range() const {
  constexpr std::string_view unit = "bytes=";
  const auto value = header("Range");
  if (!value || !value->starts_with(unit)) return std::nullopt;
  const std::string_view text = std::string_view(*value).substr(unit.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = to_number(text.substr(0, dash));
  if (!first) return std::nullopt;
  return HttpRange{*first, to_number(text.substr(dash + 1))};
}

std::optional<HttpRequest> parse_request(std::string_view head) {
  HttpRequest request;
  const std::string_view first = take_line(head);
  const std::size_t before = first.find(' ');
  const std::size_t behind = first.rfind(' ');
  if (before == std::string_view::npos || before == behind) return std::nullopt;
  request.method = first.substr(0, before);
  request.target = first.substr(before + 1, behind - before - 1);
  request.version = first.substr(behind + 1);
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    request.headers.push_back({std::string(line.substr(0, colon)),
                               std::string(value == line.npos ? "" : line.substr(value))});
  }
  return request;
}

HttpAnswer& HttpAnswer::set(const std::string& name, std::string value) {
  remove(name);
  headers.push_back({name, std::move(value)});
  return *this;
}

HttpAnswer& HttpAnswer::remove(std::string_view name) {
  std::erase_if(headers, [&](const HttpHeader& header) { return same_name(header.name, name); });
  return *this;
}

HttpAnswer& HttpAnswer::breaks_after(std::uint64_t bytes, Then how) {
  break_after = bytes;
  then = how;
  return *this;
}

HttpAnswer& HttpAnswer::body_is(std::string_view text) {
  content = std::make_shared<Bytes>(to_bytes(text));
  part = {0, text.size()};
  return set("Content-Length", std::to_string(text.size()));
}

HttpAnswer& HttpAnswer::goes_in_chunks() {
  chunked = true;
  remove("Content-Length");
  return set("Transfer-Encoding", "chunked");
}

HttpAnswer& HttpAnswer::ends_with_the_connection() {
  version = "HTTP/1.0";
  chunked = false;
  then = Then::close;
  remove("Transfer-Encoding");
  return remove("Content-Length");
}

std::string HttpAnswer::head() const {
  std::string text = version + " " + status + "\r\n";
  for (const HttpHeader& header : headers) text += header.name + ": " + header.value + "\r\n";
  return text + "\r\n";
}

HttpAnswer HttpAnswer::of(std::string status, std::string_view text) {
  HttpAnswer answer;
  answer.status = std::move(status);
  answer.body_is(text);
  return answer;
}

HttpAnswer HttpAnswer::redirect(std::string location, std::string status) {
  HttpAnswer answer = of(std::move(status), "it is elsewhere");
  answer.set("Location", std::move(location));
  return answer;
}

HttpAnswer HttpAnswer::bytes(std::string raw, Then then) {
  HttpAnswer answer;
  answer.raw = std::move(raw);
  answer.then = then;
  return answer;
}

HttpAnswer HttpAnswer::silence() { return bytes("", Then::hang); }

bool Honest::may_be_part(const HttpRequest& request) const {
  if (!ranges || !request.range()) return false;
  const auto condition = request.header("If-Range");
  if (!condition) return true;
  const bool is_strong = !etag.empty() && !etag.starts_with("W/");
  return (is_strong && *condition == etag) ||
         (!last_modified.empty() && *condition == last_modified);
}

void Honest::describe(HttpAnswer& answer) const {
  if (!date.empty()) answer.set("Date", date);
  if (!etag.empty()) answer.set("ETag", etag);
  if (!last_modified.empty()) answer.set("Last-Modified", last_modified);
  if (!content_type.empty()) answer.set("Content-Type", content_type);
  if (!content_coding.empty()) answer.set("Content-Encoding", content_coding);
  if (ranges) answer.set("Accept-Ranges", "bytes");
}

HttpAnswer Honest::operator()(const HttpRequest& request) const {
  if (request.method != "GET" && (!request.is_head() || !head)) {
    return HttpAnswer::of("405 Method Not Allowed");
  }
  const std::uint64_t size = content->size();
  HttpAnswer answer;
  answer.content = content;
  answer.part = {0, size};
  describe(answer);
  if (!request.is_head() && may_be_part(request)) {
    const HttpRange range = *request.range();
    if (range.first >= size || range.last.value_or(size) < range.first) {
      return HttpAnswer::of("416 Range Not Satisfiable")
          .set("Content-Range", "bytes */" + std::to_string(size));
    }
    answer.part = {range.first, std::min(size, range.last.value_or(size - 1) + 1)};
    answer.status = "206 Partial Content";
    answer.set("Content-Range", "bytes " + std::to_string(answer.part.begin) + "-" +
                                    std::to_string(answer.part.end - 1) + "/" +
                                    std::to_string(size));
  } else if (!length) {
    answer.goes_in_chunks();
  }
  if (!answer.chunked) {
    answer.set("Content-Length", std::to_string(answer.part.end - answer.part.begin));
  }
  return answer;
}

std::string http_date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace seekable::test
