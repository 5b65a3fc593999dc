// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace seekable::cli {

/// What `seekable --help` says.
std::string top_help();

/// The number of this version, as `seekable --version` writes it.
std::string version_text();

/// What stands above and below the list of options in `seekable COMMAND --help`.
struct CommandHelp {
  std::string_view name;
  std::string_view usage;  ///< what follows "seekable NAME"
  std::string_view purpose;
  std::string_view examples;
};

extern const CommandHelp run_help;
extern const CommandHelp cat_help;
extern const CommandHelp get_help;
extern const CommandHelp stat_help;

}  // namespace seekable::cli
