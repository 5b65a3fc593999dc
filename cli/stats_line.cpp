// SPDX-License-Identifier: Apache-2.0
#include "cli/stats_line.hpp"

#include <unistd.h>

#include "cli/url.hpp"

// The JSON library takes long to compile: only this file and part_map.cpp see it.
#include <nlohmann/json.hpp>

namespace seekable::cli {

StatsSnapshot snapshot(const StreamBuffer& buffer, const Source* web) {
  StatsSnapshot taken{buffer.stats(), buffer.size(), buffer.failure(), std::nullopt};
  taken.kept = taken.stats.memory_bytes + taken.stats.spool_bytes;
  if (web != nullptr) taken.web = web_traffic(*web);
  return taken;
}

std::string stats_line(const StatsSnapshot& snapshot) {
  using Json = nlohmann::ordered_json;
  Json line;
  line["size"] = snapshot.size ? Json(*snapshot.size) : Json();
  line["failure"] = Json();
  if (snapshot.failure) {
    const Failure& failure = *snapshot.failure;
    line["failure"] = Json::object({{"code", failure.code.value()},
                                    {"category", failure.code.category().name()},
                                    {"message", without_queries(failure.message)},
                                    {"offset", failure.offset}});
  }
  const Stats& stats = snapshot.stats;
  line["hits"] = stats.hits;
  line["waits"] = stats.waits;
  line["source_reads"] = stats.source_reads;
  line["bytes_on_wire"] = stats.bytes_on_wire;
  line["reopened"] = stats.reopened;
  line["spills"] = stats.spills;
  line["spilled_bytes"] = stats.spilled_bytes;
  line["memory_bytes"] = stats.memory_bytes;
  line["spool_bytes"] = stats.spool_bytes;
  if (snapshot.web) {
    line["http"] = Json::object({{"requests", snapshot.web->requests},
                                 {"bytes_on_wire", snapshot.web->bytes_received},
                                 {"bytes_read", stats.bytes_on_wire},
                                 {"reopened", stats.reopened},
                                 {"read_through", stats.read_through},
                                 {"kept", snapshot.kept}});
  }
  // A message may hold a file name, which need not be text.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_stats(const StatsSnapshot& snapshot) {
  const std::string line = stats_line(snapshot) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace seekable::cli
