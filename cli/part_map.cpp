// SPDX-License-Identifier: Apache-2.0
#include "cli/part_map.hpp"

#include <utility>

// The JSON library takes long to compile: only this file and stats_line.cpp see it.
#include <nlohmann/json.hpp>

namespace seekable::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format = "seekable get 1";

std::optional<std::uint64_t> number_in(const Json& json) {
  if (!json.is_number_unsigned()) return std::nullopt;
  return json.get<std::uint64_t>();
}

/// Reads the list of ranges: in order, none empty, none past `size`.
std::optional<RangeSet> ranges_in(const Json& json, std::optional<std::uint64_t> size) {
  if (!json.is_array()) return std::nullopt;
  RangeSet ranges;
  for (const Json& item : json) {
    if (!item.is_array() || item.size() != 2) return std::nullopt;
    const auto begin = number_in(item[0]);
    const auto end = number_in(item[1]);
    if (!begin || !end || *begin >= *end || (*begin < ranges.end())) return std::nullopt;
    if (size && *end > *size) return std::nullopt;
    ranges.add({*begin, *end});
  }
  return ranges;
}

}  // namespace

std::string part_map_text(const PartMap& map) {
  Json json;
  json["format"] = format;
  json["url"] = map.url;
  json["validator"] = map.validator;
  json["size"] = map.size ? Json(*map.size) : Json();
  json["kept"] = Json::array();
  for (const ByteRange& range : map.kept.ranges()) {
    json["kept"].push_back(Json::array({range.begin, range.end}));
  }
  // A validator may hold any bytes; one that is not text is not found again, and that is safe.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<PartMap> parse_part_map(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", Json()) != format) return std::nullopt;
  const Json url = json.value("url", Json());
  const Json validator = json.value("validator", Json());
  const Json size = json.value("size", Json());
  if (!url.is_string() || !validator.is_string()) return std::nullopt;
  PartMap map;
  map.url = url.get<std::string>();
  map.validator = validator.get<std::string>();
  map.size = number_in(size);
  if (map.validator.empty() || (!map.size && !size.is_null())) return std::nullopt;
  auto kept = ranges_in(json.value("kept", Json()), map.size);
  if (!kept) return std::nullopt;
  map.kept = std::move(*kept);
  return map;
}

}  // namespace seekable::cli
