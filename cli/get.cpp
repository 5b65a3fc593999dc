// SPDX-License-Identifier: Apache-2.0
#include "cli/get.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "cli/download.hpp"
#include "cli/failures.hpp"
#include "cli/front_hash.hpp"
#include "cli/part_file.hpp"
#include "cli/part_map.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"
#include "cli/sizes.hpp"
#include "cli/url.hpp"
#include "cli/watch.hpp"
#include "cli/web.hpp"
#include "seekable/error.hpp"

namespace seekable::cli {

namespace {

/// What an earlier run has left is of another version of the stream.
struct HasChanged {};

/// Takes the statistics when the scope ends in which a download works, however it ends.
class DownloadStats {
 public:
  DownloadStats(std::optional<StatsSnapshot>& kept, const Download& download, const Source& web)
      : kept_(kept), download_(download), web_(web) {}
  ~DownloadStats() {
    kept_ = StatsSnapshot{download_.stats(), download_.size(), std::move(failure_),
                          web_traffic(web_), download_.done()};
  }
  DownloadStats(const DownloadStats&) = delete;
  DownloadStats& operator=(const DownloadStats&) = delete;

  void failed(const std::system_error& error, std::uint64_t offset) {
    failure_ = Failure{error.code(), without_queries(error.what()), offset, nullptr};
  }

 private:
  std::optional<StatsSnapshot>& kept_;
  const Download& download_;
  const Source& web_;
  std::optional<Failure> failure_;
};

/// One run of the command.
class Getter {
 public:
  Getter(const GetOptions& options, Signals& signals, std::optional<StatsSnapshot>& stats)
      : options_(options),
        url_(*options.common.source.url),
        shown_(shown_url(url_)),
        signals_(signals),
        stats_(stats),
        part_(options.target) {}

  void get() {
    try {
      get_with(map_to_go_on_with());
    } catch (const HasChanged&) {
      complain(
          fmt::format("'{}' is no longer what '{}' was begun with; it starts again from nothing",
                      shown_, options_.target));
      get_with(new_map());
    }
  }

 private:
  PartMap new_map() const {
    PartMap map;
    map.url = url_identity(url_);
    return map;
  }

  PartMap map_to_go_on_with() const {
    auto map = part_.read_map();
    if (!map || map->url != url_identity(url_) || options_.common.source.decode) return new_map();
    tell(fmt::format("goes on with '{}': {} of {} are there", options_.target,
                     rounded_size(map->kept.total()),
                     map->size ? rounded_size(*map->size) : "an unknown size"));
    return std::move(*map);
  }

  /// Fetches what `map` lacks. Throws: HasChanged if that is of another version than what is there.
  void get_with(PartMap map) {
    const std::uint64_t had = map.kept.total();
    if (had == 0) part_.start_again();
    std::optional<FrontHash> hash;
    if (options_.sha256) hash.emplace(part_);
    const SourceChoice& choice = options_.common.source;
    auto source = open_web(choice, {map.validator, map.size});
    const RestartableSource& web = *source;
    DownloadPlan plan{.source = nullptr,
                      .restartable = choice.decode ? nullptr : source.get(),
                      .connections = choice.web.connections.value_or(1),
                      .map = std::move(map)};
    plan.source = choice.decode ? open_decoded(std::move(source)) : std::move(source);
    Download download(std::move(plan), part_, hash ? &*hash : nullptr);
    DownloadStats keeper(stats_, download, web);
    try {
      download_to_end(download, hash, had);
    } catch (const std::system_error& error) {
      if (error.code() == Errc::source_changed && had > 0 && download.came() == 0) {
        throw HasChanged();
      }
      keeper.failed(error, download.done());
      leave(download);
      throw Failed(failure_line(error, download));
    } catch (const DiskFull& full) {
      leave(download);
      if (!download.can_go_on()) throw;
      throw Failed(std::string(full.what()) + ": what came is kept");
    } catch (...) {
      leave(download);
      throw;
    }
  }

  void download_to_end(Download& download, std::optional<FrontHash>& hash, std::uint64_t had) {
    Progress progress(options_.common.progress);
    progress.begin_at(had);
    watch({download, signals_, progress, options_.common.timeout},
          [&](const std::stop_token& /*stop*/) {
            const std::uint64_t size = download.run();
            if (hash) check_sum(hash->sum());
            part_.publish(size);
          });
    tell(fmt::format("wrote {} to '{}'", rounded_size(download.done()), options_.target));
  }

  void check_sum(const std::string& sum) {
    if (sum == *options_.sha256) return;
    part_.discard();
    throw Failed(
        fmt::format("the SHA-256 sum of '{}' is {} in place of {}; '{}' was not made: "
                    "check where the sum comes from, and the URL",
                    shown_, sum, *options_.sha256, options_.target));
  }

  /// Leaves what another run can go on with, and nothing else.
  void leave(const Download& download) {
    if (download.can_go_on()) return;
    if (download.done() > 0) {
      tell(options_.common.source.decode
               ? "what is decompressed cannot be gone on with; the part is removed"
               : "the server names no version of it, so nothing can be gone on with; the part is "
                 "removed");
    }
    part_.discard();
  }

  std::string failure_line(const std::system_error& error, const Download& download) const {
    std::string line = source_failure_text(error.code(), error.what(), download.done(), shown_);
    if (error.code() == Errc::source_changed)
      return line + "; run it again to get what is there now";
    if (download.can_go_on()) line += "; run it again to go on from there";
    return line;
  }

  void tell(const std::string& text) const {
    if (options_.common.verbose) complain(text);
  }

  const GetOptions& options_;
  const std::string url_;
  const std::string shown_;
  Signals& signals_;
  std::optional<StatsSnapshot>& stats_;
  PartFile part_;
};

}  // namespace

int get(const GetOptions& options, std::optional<StatsSnapshot>& stats) {
  Signals signals;
  signals.begin();
  Getter(options, signals, stats).get();
  return exit_success;
}

}  // namespace seekable::cli
