// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>
#include <variant>
#include <vector>

#include "cli/private_name.hpp"
#include "seekable/file_descriptor.hpp"

namespace seekable::cli {
namespace {

FileDescriptor memory_file() { return FileDescriptor(::memfd_create("test", MFD_CLOEXEC)); }

TEST(PrivateNamePlan, CoversNoDirectoryThatAnArgumentSpeaksOf) {
  const FileDescriptor file = memory_file();
  const auto plan =
      plan_private_name(file.get(), "x",
                        {"/srv/a", "--to=/media", "/mnt/", "x:/var/empty:/var/local:/var/opt",
                         "/opt", "/sys/fs/fuse/connections"});
  ASSERT_TRUE(std::holds_alternative<NoPrivateName>(plan));
  EXPECT_NE(std::get<NoPrivateName>(plan).reason.find("no empty directory"), std::string::npos);
}

TEST(PrivateNamePlan, NamesTheFileAfterItsSourceUnlessThatIsNoName) {
  const FileDescriptor file = memory_file();
  for (const auto& [given, expected] :
       std::vector<std::pair<std::string, std::string>>{{"big.zip", "big.zip"},
                                                        {"", "stream"},
                                                        {".", "stream"},
                                                        {"..", "stream"},
                                                        {"a/b", "stream"},
                                                        {"...", "..."}}) {
    const auto plan = plan_private_name(file.get(), given, {});
    // A machine without any empty directory has no name to give; then the reason says so.
    if (const auto* name = std::get_if<PrivateName>(&plan)) {
      EXPECT_EQ(name->path, name->mount_point + "/seekable/" + expected);
    } else {
      EXPECT_NE(std::get<NoPrivateName>(plan).reason.find("no empty directory"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace seekable::cli
