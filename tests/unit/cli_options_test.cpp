// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "cli/options.hpp"
#include "cli/report.hpp"

namespace seekable::cli {
namespace {

using Words = std::vector<std::string>;

std::string usage_error(const Words& words) {
  try {
    parse_options(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

TEST(CommandLine, HasDefaults) {
  const auto run = std::get<RunOptions>(parse_options({"run", "--", "true"}));
  EXPECT_EQ(run.common.source.path, "-");
  EXPECT_FALSE(run.common.source.command);
  EXPECT_EQ(run.common.memory, 5U * 1024 * 1024);
  EXPECT_FALSE(run.common.disk);
  EXPECT_TRUE(run.common.directories.empty());
  EXPECT_FALSE(run.common.encrypt || run.common.stats || run.common.verbose);
  EXPECT_EQ(run.common.progress, ProgressWhen::automatic);
  EXPECT_FALSE(run.common.timeout);
  EXPECT_EQ(run.command, Words{"true"});
}

TEST(CommandLine, TakesEveryCommonOption) {
  const auto options = std::get<RunOptions>(parse_options(
      {"run",     "in.zip",    "--memory", "64KiB",      "--disk=2GB", "--dir",     "a",
       "--dir=b", "--encrypt", "--stats",  "--progress", "never",      "--verbose", "--timeout",
       "10s",     "--eager",   "--",       "unzip",      "--memory",   "{}"}));
  const CommonOptions& common = options.common;
  EXPECT_EQ(common.source.path, "in.zip");
  EXPECT_EQ(common.memory, 65'536U);
  EXPECT_EQ(common.disk, 2'000'000'000U);
  EXPECT_EQ(common.directories, (std::vector<std::filesystem::path>{"a", "b"}));
  EXPECT_TRUE(common.encrypt && common.stats && common.verbose);
  EXPECT_EQ(common.progress, ProgressWhen::never);
  EXPECT_EQ(common.timeout, std::chrono::seconds(10));
  EXPECT_EQ(options.command, (Words{"unzip", "--memory", "{}"}));
}

TEST(CommandLine, ReadsRangesInOrderAlsoThoseThatCountFromTheEnd) {
  const auto cat = std::get<CatOptions>(
      parse_options({"cat", "--range", "-16", "f", "--range=5-9", "--range", "3-,0-0"}));
  EXPECT_EQ(cat.common.source.path, "f");
  EXPECT_EQ(cat.ranges,
            (std::vector<RangeSpec>{
                {.suffix = 16}, {.first = 5, .last = 9}, {.first = 3}, {.first = 0, .last = 0}}));
}

TEST(CommandLine, ReadsNamesBehindTheDashesAsNames) {
  EXPECT_EQ(std::get<CatOptions>(parse_options({"cat", "--", "--range"})).common.source.path,
            "--range");
  EXPECT_EQ(std::get<StatOptions>(parse_options({"stat", "cat"})).common.source.path, "cat");
  EXPECT_EQ(std::get<StatOptions>(parse_options({"stat", "-"})).common.source.path, "-");
}

TEST(CommandLine, GivesEachOptionOneWord) {
  for (const std::string option : {"--dir", "--exec", "--memory", "--range"}) {
    const std::string value = option == "--memory" ? "5" : "0-1";
    const Words words = {"cat", option, value, "x", "y"};
    EXPECT_NE(usage_error(words).find("one SOURCE too many: 'y'"), std::string::npos) << option;
  }
}

TEST(CommandLine, LeavesTheCommandOfTheSourceAsItIs) {
  const auto run =
      std::get<RunOptions>(parse_options({"run", "--exec", "a | b -- c", "--", "x", "--", "y"}));
  EXPECT_EQ(run.common.source.command, "a | b -- c");
  EXPECT_EQ(run.command, (Words{"x", "--", "y"}));
}

TEST(CommandLine, GivesHelpAndVersionAsText) {
  for (const Words& words : std::vector<Words>{{"--help"},
                                               {"-h"},
                                               {"help"},
                                               {"--version"},
                                               {"run", "--help"},
                                               {"cat", "-h"},
                                               {"stat", "--help"},
                                               {"run", "--version"}}) {
    EXPECT_FALSE(std::get<TextWanted>(parse_options(words)).text.empty()) << words.back();
  }
}

TEST(CommandLine, RefusesInOneLineWhatItDoesNotKnow) {
  struct Case {
    Words words;
    std::string told;
  };
  const std::vector<Case> table = {
      {{}, "command is missing"},
      {{"walk"}, "'walk' is not a command"},
      {{"--walk"}, "'--walk' is not a command"},
      {{"get", "x"}, "'get' is not part of this version"},
      {{"serve"}, "'serve' is not part of this version"},
      {{"mount", "x"}, "'mount' is not part of this version"},
      {{"run"}, "COMMAND is missing"},
      {{"run", "--"}, "COMMAND is missing"},
      {{"run", "--", ""}, "COMMAND is an empty name"},
      {{"run", "a", "b", "--", "c"}, "one SOURCE too many: 'b'"},
      {{"run", "a", "--exec", "b", "--", "c"}, "one SOURCE too many"},
      {{"cat", "--exec", "a", "--exec", "b"}, "one SOURCE too many"},
      {{"cat", "--exec", ""}, "--exec: the command is empty"},
      {{"cat", ""}, "SOURCE is an empty name"},
      {{"run", "--window", "5", "--", "c"}, "--window does not go with run"},
      {{"run", "--lazy", "--", "c"}, "--lazy is not part of this version"},
      {{"cat", "--decode"}, "--decode is not part of this version"},
      {{"cat", "http://h/x"}, "not part of this version"},
      {{"run", "https://h/x", "--", "c"}, "not part of this version"},
      {{"stat", "s3://b/k"}, "not part of this version"},
      {{"cat", "--nonsense"}, "'--nonsense' is not an option of cat"},
      {{"stat", "-z"}, "'-z' is not an option of stat"},
      {{"stat", "--range", "0-1"}, "'--range' is not an option of stat"},
      {{"cat", "--memory"}, "--memory lacks its value"},
      {{"cat", "--range"}, "--range lacks its value"},
      {{"cat", "--stats=1"}, "--stats takes no value"},
      {{"cat", "--memory", "5x"}, "--memory: bad size '5x'"},
      {{"cat", "--memory", ""}, "--memory: bad size ''"},
      {{"cat", "--memory", "1", "--memory", "2"}, "--memory is given more than once"},
      {{"cat", "--disk", "-5"}, "--disk"},
      {{"cat", "--window", "0"}, "--window: at least 1 byte"},
      {{"cat", "--range", "9-1"}, "--range: bad range '9-1'"},
      {{"cat", "--timeout", "10"}, "--timeout: bad time '10'"},
      {{"cat", "--progress", "maybe"}, "--progress: 'maybe' is not known"},
      {{"cat", "--dir", ""}, "--dir: the name is empty"},
  };
  for (const Case& c : table) {
    const std::string line = usage_error(c.words);
    EXPECT_NE(line.find(c.told), std::string::npos) << "expected: " << c.told << "\ngot: " << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace seekable::cli
