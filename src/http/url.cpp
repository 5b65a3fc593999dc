// SPDX-License-Identifier: Apache-2.0
#include "http/url.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>

#include "http/headers.hpp"

namespace seekable::inline v1::detail::http {

namespace {

struct FreeHandle {
  void operator()(CURLU* handle) const noexcept { ::curl_url_cleanup(handle); }
};
using Handle = std::unique_ptr<CURLU, FreeHandle>;

Handle make_handle() {
  Handle handle(::curl_url());
  if (!handle) throw std::bad_alloc();
  return handle;
}

/// Throws `std::invalid_argument` where `code` is an error; the text itself may hold a password.
void check(CURLUcode code, const std::string& what) {
  if (code == CURLUE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code == CURLUE_OK) return;
  throw std::invalid_argument(what + ": " + ::curl_url_strerror(code));
}

/// A part of the URL; empty where it has none.
std::string part(CURLU* handle, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  const CURLUcode code = ::curl_url_get(handle, which, &text, flags);
  const std::unique_ptr<char, decltype(&::curl_free)> owner(text, ::curl_free);
  switch (code) {
    case CURLUE_OK: return text;
    case CURLUE_NO_USER:
    case CURLUE_NO_PASSWORD: return {};
    default: check(code, "a URL cannot be read"); return {};
  }
}

Url take_apart(CURLU* handle) {
  Url url;
  const std::string scheme = part(handle, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    throw std::invalid_argument("a URL must begin with http:// or https://, not with " + scheme +
                                "://");
  }
  url.user = part(handle, CURLUPART_USER, CURLU_URLDECODE);
  url.password = part(handle, CURLUPART_PASSWORD, CURLU_URLDECODE);
  for (const CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT}) {
    check(::curl_url_set(handle, secret, nullptr, 0), "a URL cannot be read");
  }
  std::string host = part(handle, CURLUPART_HOST);
  std::ranges::transform(host, host.begin(), to_lower);
  url.origin = scheme + "://" + host + ":" + part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  url.text = part(handle, CURLUPART_URL);
  return url;
}

}  // namespace

Url Url::parse(const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    throw std::invalid_argument("a URL cannot hold a zero byte");
  }
  const Handle handle = make_handle();
  check(::curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME),
        "this is no URL");
  return take_apart(handle.get());
}

Url Url::redirected(const std::string& location) const {
  const Handle handle = make_handle();
  check(::curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), 0), "this is no URL");
  // Servers do send spaces here, which a URL cannot have.
  check(::curl_url_set(handle.get(), CURLUPART_URL, location.c_str(),
                       CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE | CURLU_ALLOW_SPACE),
        "the server redirects to what is no URL");
  return take_apart(handle.get());
}

bool is_proxy(const std::string& text) {
  const Handle handle = make_handle();
  const unsigned how = CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME;
  if (text.find('\0') != std::string::npos ||
      ::curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), how) != CURLUE_OK) {
    return false;
  }
  // Where it cannot read these, libcurl goes on without a proxy.
  for (const CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD}) {
    char* read = nullptr;
    const CURLUcode code = ::curl_url_get(handle.get(), secret, &read, CURLU_URLDECODE);
    ::curl_free(read);
    if (code != CURLUE_OK && code != CURLUE_NO_USER && code != CURLUE_NO_PASSWORD) return false;
  }
  const std::string scheme = part(handle.get(), CURLUPART_SCHEME);
  const auto schemes = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  return std::ranges::find(schemes, scheme) != schemes.end();
}

std::string Url::printable() const {
  constexpr std::size_t longest = 200;
  // A query may hold a signature, or a key.
  const std::size_t query = text.find('?');
  std::string shown = text.substr(0, std::min(query, longest));
  if (shown.size() < text.size()) shown += query <= longest ? "?..." : "...";
  return shown;
}

}  // namespace seekable::inline v1::detail::http
