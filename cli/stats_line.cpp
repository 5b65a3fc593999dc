// SPDX-License-Identifier: Apache-2.0
#include "cli/stats_line.hpp"

#include <unistd.h>

// The JSON library takes long to compile: this is the only file that sees it.
#include <nlohmann/json.hpp>

namespace seekable::cli {

StatsSnapshot snapshot(const StreamBuffer& buffer) {
  return {buffer.stats(), buffer.size(), buffer.failure()};
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
                                    {"message", failure.message},
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
  // A message may hold a file name, which need not be text.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_stats(const StatsSnapshot& snapshot) {
  const std::string line = stats_line(snapshot) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace seekable::cli
