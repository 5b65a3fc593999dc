// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "fault/faults.hpp"
#include "fault/scenario.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t never = 2000;

struct Case {
  Call call;
  Fault fault;
};

std::string describe(const Case& one, std::size_t nth) {
  return "call " + std::to_string(static_cast<int>(one.call)) + " number " + std::to_string(nth) +
         ": " + (one.fault.error != 0 ? std::strerror(one.fault.error) : "short");
}

/// Every call that an export makes, with what may happen to it.
std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](std::initializer_list<Call> calls, std::initializer_list<int> errors) {
    for (const Call call : calls) {
      for (const int error : errors) all.push_back({call, {.error = error}});
    }
  };
  add({Call::open}, {EMFILE, EACCES, ENOSPC, EDQUOT, EOPNOTSUPP, EINTR});
  add({Call::pwrite, Call::write}, {ENOSPC, EIO, EDQUOT, EFBIG, EINTR});
  add({Call::pread}, {EIO, EINTR});
  add({Call::fallocate, Call::ftruncate, Call::fstat}, {EIO, ENOSPC, EINTR});
  add({Call::linkat}, {ENOSPC, EIO, EXDEV, EPERM, EDQUOT, ENOENT, EINTR});
  add({Call::rename}, {ENOSPC, EIO, EACCES, EINTR});
  add({Call::unlink}, {EIO, EINTR});
  add({Call::fsync}, {EIO, ENOSPC, EDQUOT, EINTR});
  add({Call::fchmod}, {EPERM, EIO, EINTR});
  add({Call::memfd_create}, {EMFILE, ENFILE, EINTR});
  add({Call::sendfile, Call::copy_file_range},
      {ENOSPC, EIO, EDQUOT, EFBIG, EINVAL, ENOSYS, EXDEV, EOPNOTSUPP, EINTR});
  for (const Call call :
       {Call::pwrite, Call::write, Call::pread, Call::sendfile, Call::copy_file_range}) {
    all.push_back({call, {.at_most = 1}});
    all.push_back({call, {.at_most = 5000}});
  }
  all.push_back({Call::sendfile, {.at_most = 0}});
  all.push_back({Call::copy_file_range, {.at_most = 0}});
  return all;
}

bool heals_itself(const Case& one) {
  return one.fault.error == EINTR || (one.fault.error == 0 && one.fault.at_most > 0);
}

bool is_promised(const std::error_code& code, const Case& one) {
  return code == std::error_code(one.fault.error, std::system_category()) ||
         code == Errc::disk_full;
}

std::vector<StreamKind> whole_streams() {
  std::vector<StreamKind> kinds = {
      {.name = "memory_only", .memory = 1 << 20},   {.name = "spilled"},
      {.name = "ahead", .fill = Fill::ahead},       {.name = "two_directories", .directories = 2},
      {.name = "restartable", .restartable = true},
  };
  if (detail::make_cipher() != nullptr) {
    kinds.push_back({.name = "encrypted", .memory = 1 << 20, .encrypted = true});
  }
  return kinds;
}

class ExportFault : public testing::TestWithParam<StreamKind> {
 protected:
  /// Does `action` once with each call failing in turn, on a stream that is complete.
  template <typename Action>
  void with_every_fault(Action action) {
    const auto before = open_descriptors();
    for (const Case& one : cases()) {
      for (std::size_t nth = 1; nth < never; ++nth) {
        SCOPED_TRACE(describe(one, nth));
        Stream stream(GetParam());
        stream.buffer().read(0, Stream::size + 1);
        bool fired = false;
        action(stream, one, nth, fired);
        stream.end();
        if (HasFailure() || !fired) break;
      }
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_EQ(open_descriptors(), before);
  }

  void expect_all_or_nothing(const std::filesystem::path& directory,
                             const std::filesystem::path& path, bool saved, bool may_be_there,
                             const Case& one) {
    const Bytes got = content_of(path);
    // Once it has its name all of it is there, even where making that durable failed.
    const bool late = one.call == Call::fsync || one.call == Call::open;
    if (saved || (late && got.size() == whole_.size())) {
      EXPECT_EQ(got, whole_);
      struct ::stat status{};
      ASSERT_EQ(::stat(path.c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777, 0666U & ~umask_);
    } else if (may_be_there) {
      EXPECT_TRUE(got.empty() || got == to_bytes("old")) << got.size();
    } else {
      EXPECT_FALSE(std::filesystem::exists(path));
    }
    const auto names = names_in(directory);
    // A name that could not be taken away again is the one thing that may be left.
    if (one.call != Call::unlink) {
      EXPECT_LE(names.size(), 1U) << names.back();
    }
  }

  static mode_t current_umask() {
    const mode_t mask = ::umask(022);
    ::umask(mask);
    return mask;
  }

  const Bytes whole_ = pattern_bytes(0, Stream::size);
  const mode_t umask_ = current_umask();
};

TEST_P(ExportFault, GivesAWholeFileOrAnErrorAndAllOfItTheNextTime) {
  with_every_fault([&](Stream& stream, const Case& one, std::size_t nth, bool& fired) {
    std::uint64_t spool_bytes = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
      NthCall faults({one.call}, attempt == 0 ? nth : never, one.fault);
      try {
        const FileDescriptor file = stream.buffer().to_file();
        faults.end();
        EXPECT_EQ(content_of(file.get()), whole_);
        EXPECT_EQ(::fcntl(file.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
        EXPECT_EQ(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 0);
      } catch (const Error& e) {
        EXPECT_EQ(attempt, 0) << e.what();
        EXPECT_FALSE(heals_itself(one)) << e.what();
        EXPECT_TRUE(is_promised(e.code(), one)) << e.what();
      }
      fired = fired || faults.fired();
      spool_bytes = stream.buffer().stats().spool_bytes;
    }
    // What failed half way is not counted twice; a copy beside the spool is counted once.
    EXPECT_LE(spool_bytes, 2 * Stream::size);
    const Bytes again = stream.buffer().read(0, Stream::size);
    EXPECT_EQ(again, whole_);
  });
}

TEST_P(ExportFault, SavesAllOrNothing) {
  with_every_fault([&](Stream& stream, const Case& one, std::size_t nth, bool& fired) {
    for (const bool replaces : {false, true}) {
      ScratchDirectory target;
      const auto path = target.path() / "saved";
      const Bytes old = to_bytes("old");
      if (replaces) target.file("saved", old);
      NthCall faults({one.call}, nth, one.fault);
      bool saved = false;
      try {
        stream.buffer().save(path);
        saved = true;
      } catch (const Error& e) {
        EXPECT_FALSE(heals_itself(one)) << e.what();
        EXPECT_TRUE(is_promised(e.code(), one)) << e.what();
        EXPECT_NE(std::string(e.what()).find(path.string()), std::string::npos) << e.what();
      }
      faults.end();
      fired = fired || faults.fired();
      expect_all_or_nothing(target.path(), path, saved, replaces, one);
    }
    EXPECT_EQ(stream.buffer().read(0, Stream::size), whole_);
  });
}

TEST_P(ExportFault, MovesIntoPlaceAllOrNothing) {
  with_every_fault([&](Stream& stream, const Case& one, std::size_t nth, bool& fired) {
    ScratchDirectory target;
    const auto path = target.path() / "saved";
    const bool replaces = nth % 2 == 0;
    if (replaces) target.file("saved", to_bytes("old"));
    for (int attempt = 0; attempt < 2; ++attempt) {
      NthCall faults({one.call}, attempt == 0 ? nth : never, one.fault);
      bool saved = false;
      try {
        std::move(stream.buffer()).save(path);
        saved = true;
      } catch (const Error& e) {
        EXPECT_EQ(attempt, 0) << e.what();
        EXPECT_FALSE(heals_itself(one)) << e.what();
        EXPECT_TRUE(is_promised(e.code(), one)) << e.what();
      }
      faults.end();
      fired = fired || faults.fired();
      expect_all_or_nothing(target.path(), path, saved, replaces || attempt == 1, one);
      if (saved) break;
      EXPECT_EQ(stream.buffer().read(0, Stream::size), whole_);
    }
  });
}

TEST_P(ExportFault, CopiesExactlyUpToAnError) {
  with_every_fault([&](Stream& stream, const Case& one, std::size_t nth, bool& fired) {
    ScratchDirectory target;
    const FileDescriptor file(
        ::open((target.path() / "copy").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    NthCall faults({one.call}, nth, one.fault);
    try {
      EXPECT_EQ(stream.buffer().copy_to(file.get(), {0, Stream::size + 5}), Stream::size);
      EXPECT_EQ(content_of(file.get()), whole_);
    } catch (const Error& e) {
      EXPECT_FALSE(heals_itself(one)) << e.what();
      EXPECT_TRUE(is_promised(e.code(), one)) << e.what();
      const Bytes got = content_of(file.get());
      ASSERT_LT(got.size(), whole_.size());
      EXPECT_TRUE(std::equal(got.begin(), got.end(), whole_.begin()));
      EXPECT_EQ(e.offset(), got.size()) << e.what();
    }
    fired = faults.fired();
  });
}

INSTANTIATE_TEST_SUITE_P(Every, ExportFault, testing::ValuesIn(whole_streams()), kind_name);

}  // namespace
}  // namespace seekable::test
