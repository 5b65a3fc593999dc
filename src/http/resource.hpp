// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/block.hpp"
#include "base/mutex.hpp"
#include "http/exchange.hpp"
#include "http/link.hpp"
#include "http/url.hpp"
#include "seekable/http.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1::detail::http {

/// What the bytes of a URL belong to: which of its versions, as its answers tell.
struct Representation {
  std::string tag;       ///< an ETag that stands for the bytes themselves
  std::string weak_tag;  ///< one that does not: it proves a change, and never that there was none
  std::string modified;  ///< a `Last-Modified`
  bool modified_is_strong = false;    ///< old enough that it would have changed with the bytes
  std::optional<std::string> coding;  ///< empty text: none; nothing: nobody has told yet
  std::optional<std::uint64_t> total;

  /// What `If-Range` may carry; empty: nothing does.
  const std::string& validator() const noexcept;
};

/// What all connections of one stream know of its URL.
///
/// The first answer says what the stream is. Each later one must be of the same, as `difference`
/// below has it.
///
/// Threads: safe from any number of threads.
class Resource {
 public:
  /// Throws: `std::invalid_argument`.
  Resource(const std::string& url, HttpOptions options);

  const HttpOptions& options() const noexcept { return options_; }
  const Url& url() const noexcept { return url_; }
  const std::shared_ptr<Link>& link() const noexcept { return link_; }
  std::string what() const { return "read " + url_.printable(); }

  /// For `url`, with what is secret if that is of the origin it is meant for.
  Request request_for(const Url& url) const;

  /// Where the last answer came from, so that the next request need not be redirected.
  Url last_url() const;
  void remember_url(const Url& url);

  /// Takes in the head of an answer with a body of this representation, or of HEAD.
  ///
  /// `proven`: the server was told the validator by If-Range and answered 206, so a Last-Modified
  /// may be missing.
  /// Throws: Error `source_changed`, at `offset`.
  void accept(const Head& head, bool proven, std::uint64_t offset);

  /// The stream was read to its end, and it had no length before.
  void set_total(std::uint64_t total);

  /// The server gives no ranges of it.
  void set_no_ranges() noexcept { no_ranges_.store(true, std::memory_order_relaxed); }
  bool no_ranges() const noexcept { return no_ranges_.load(std::memory_order_relaxed); }

  /// A first answer was there, in this process: what fails from now on may be mended.
  bool is_known() const noexcept { return answered_.load(std::memory_order_relaxed); }
  Representation representation() const;
  std::optional<std::uint64_t> total() const noexcept {
    const std::uint64_t total = total_.load(std::memory_order_acquire);
    if (total == unknown) return std::nullopt;
    return total;
  }
  SourceInfo info() const;

  /// Counts one more connection, as long as the result lives. Null: it has as many as it may have.
  static std::shared_ptr<Resource> with_connection(const std::shared_ptr<Resource>& resource);

  const std::shared_ptr<Traffic>& traffic() const noexcept { return traffic_; }

 private:
  const HttpOptions options_;
  const Url url_;
  const std::shared_ptr<Link> link_ = std::make_shared<Link>();
  const std::shared_ptr<Traffic> traffic_ = std::make_shared<Traffic>();
  std::atomic<bool> answered_{false};
  std::atomic<bool> no_ranges_{false};
  std::atomic<unsigned> connections_{0};
  std::atomic<std::uint64_t> total_{unknown};  // that of `known_as_`, read for each byte that comes

  mutable Mutex mutex_;
  Url last_url_ SEEKABLE_GUARDED_BY(mutex_);
  bool known_ SEEKABLE_GUARDED_BY(mutex_) = false;  // by an answer, or by what is expected
  Representation known_as_ SEEKABLE_GUARDED_BY(mutex_);
  std::string content_type_ SEEKABLE_GUARDED_BY(mutex_);
};

/// What a head says of the representation, its total size included.
Representation representation_of(const Head& head);

/// Why `now` is not what was `before`; empty: nothing says that it is not. `proven`: as for
/// `accept`.
std::string difference(const Representation& before, const Representation& now, bool proven);

}  // namespace seekable::inline v1::detail::http
