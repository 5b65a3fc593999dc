// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "fault/faults.hpp"
#include "fault/scenario.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t never = 2000;

class SpoolFault : public testing::TestWithParam<StreamKind> {
 protected:
  struct Case {
    std::set<Call> calls;
    Fault fault;
  };

  /// Calls of which a failure must never reach the program, and what happens to them.
  static std::vector<Case> harmless() {
    std::vector<Case> cases;
    for (const Call call : {Call::open, Call::pwrite, Call::splice_now, Call::splice_to_file,
                            Call::pread, Call::fallocate, Call::ftruncate, Call::fstat}) {
      cases.push_back({{call}, {.error = EINTR}});
    }
    for (const Call call : {Call::pwrite, Call::splice_now, Call::splice_to_file, Call::pread}) {
      for (const std::size_t most : {1, 4095, 40000}) cases.push_back({{call}, {.at_most = most}});
    }
    for (const int error : {ENOSPC, EIO, EOPNOTSUPP, EFBIG}) {
      cases.push_back({{Call::fallocate}, {.error = error}});
      cases.push_back({{Call::ftruncate}, {.error = error}});
    }
    // What cannot be spliced is read and written.
    for (const int error : {ENOSPC, EIO, EINVAL, EAGAIN}) {
      cases.push_back({{Call::splice_to_file}, {.error = error}});
    }
    cases.push_back({{Call::pipe}, {.error = EMFILE}});
    cases.push_back({{Call::open}, {.error = EOPNOTSUPP}});  // No O_TMPFILE: make and unlink.
    cases.push_back({{Call::open}, {.error = EISDIR}});
    return cases;
  }

  static std::vector<Case> harmful() {
    std::vector<Case> cases;
    for (const int error : {ENOSPC, EIO, EFBIG}) {
      cases.push_back({{Call::pwrite, Call::splice_to_file}, {.error = error}});
    }
    for (const int error : {EDQUOT, EMFILE, EACCES}) {
      cases.push_back({{Call::open}, {.error = error}});
    }
    cases.push_back({{Call::pwrite, Call::splice_to_file}, {.at_most = 0}});
    return cases;
  }

  static std::string describe(const Case& one, std::size_t nth) {
    return "call " + std::to_string(static_cast<int>(*one.calls.begin())) + " number " +
           std::to_string(nth) + ": " +
           (one.fault.error != 0 ? std::strerror(one.fault.error) : "short");
  }

  /// Reads the whole stream twice and at random places.
  static void read_all(Stream& stream, bool may_fail) {
    int errors = 0;
    const auto check = [&](const Seen& seen, std::uint64_t offset) {
      EXPECT_TRUE(may_fail) << seen.text;
      EXPECT_EQ(seen.code, Errc::disk_full) << seen.text;
      EXPECT_EQ(seen.code, std::errc::no_space_on_device);
      EXPECT_TRUE(stream.names_a_directory(seen.text)) << seen.text;
      EXPECT_NE(seen.text.find("store byte"), std::string::npos) << seen.text;
      EXPECT_LE(seen.offset, offset + 65536);
      stream.expect_kept_bytes();
      return ++errors < 10;
    };
    stream.read_about(check);
    stream.read_to_end(0, 10007, check);
    EXPECT_LE(errors, 1) << "one failing call must not be felt again and again";
    stream.read_to_end(stream.low(), 70001, check);
    stream.expect_kept_bytes();
    EXPECT_EQ(stream.buffer().read(Stream::size, 10).size(), 0U);
    EXPECT_TRUE(stream.buffer().exhausted());
  }
};

TEST_P(SpoolFault, IsNotFeltWhereTheCallCanBeMadeAgainOrLeftOut) {
  const auto before = open_descriptors();
  for (const Case& one : harmless()) {
    std::size_t nth = 1;
    for (; nth < never; ++nth) {
      SCOPED_TRACE(describe(one, nth));
      Stream stream(GetParam());
      NthCall faults(one.calls, nth, one.fault);
      read_all(stream, false);
      stream.end();
      if (HasFailure() || !faults.fired()) break;
      nth += nth / 8;
    }
    ASSERT_FALSE(HasFailure());
    if (GetParam().pipe && one.calls.contains(Call::splice_to_file)) {
      EXPECT_GT(nth, 1U) << "nothing is spliced";
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(SpoolFault, LosesNothingWhenOneCallFails) {
  const auto before = open_descriptors();
  for (const Case& one : harmful()) {
    for (std::size_t nth = 1; nth < never; ++nth) {
      SCOPED_TRACE(describe(one, nth));
      Stream stream(GetParam());
      NthCall faults(one.calls, nth, one.fault);
      read_all(stream, true);
      stream.end();
      if (HasFailure() || !faults.fired()) break;
      nth += nth / 10;
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(SpoolFault, GoesOnWhenSpaceComesBack) {
  const auto before = open_descriptors();
  for (const Case& one : harmful()) {
    for (std::size_t nth = 1; nth < never; ++nth) {
      SCOPED_TRACE(describe(one, nth));
      Stream stream(GetParam());
      NthCall faults(one.calls, nth, one.fault, NthCall::Lasts::on);
      std::uint64_t last = 0;
      int errors = 0;
      const auto check = [&](const Seen& seen, std::uint64_t offset) {
        EXPECT_EQ(seen.code, Errc::disk_full) << seen.text;
        EXPECT_TRUE(stream.names_a_directory(seen.text)) << seen.text;
        // A restartable source is filled ahead on a lane beside the reader's: the block that one
        // gives back may be the other's.
        const bool shares_memory = GetParam().restartable && GetParam().fill == Fill::ahead;
        if (errors > 0 && !shares_memory) {
          EXPECT_EQ(offset, last) << "it went on without space";
        }
        last = offset;
        stream.expect_kept_bytes();
        if (++errors == 3) faults.end();
        return errors < 6;
      };
      stream.read_about(check);
      stream.read_to_end(0, 10007, check);
      EXPECT_LE(errors, 3) << "it does not go on";
      stream.expect_kept_bytes();
      stream.end();
      if (HasFailure() || !faults.fired()) break;
      nth += nth / 10;
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(SpoolFault, TellsThatAReadFailedAndReadsTheNextTime) {
  for (const int error : {EIO, ESTALE}) {
    for (std::size_t nth = 1; nth < never; ++nth) {
      SCOPED_TRACE(describe({{Call::pread}, {.error = error}}, nth));
      Stream stream(GetParam());
      NthCall faults({Call::pread}, nth, {.error = error});
      int errors = 0;
      const auto check = [&](const Seen& seen, std::uint64_t offset) {
        EXPECT_EQ(seen.code, std::error_code(error, std::system_category())) << seen.text;
        EXPECT_EQ(seen.offset, offset) << seen.text;
        EXPECT_TRUE(stream.names_a_directory(seen.text)) << seen.text;
        return ++errors < 3;
      };
      stream.read_about(check);
      stream.read_to_end(0, 10007, check);
      stream.read_to_end(stream.low(), 70001, check);
      EXPECT_LE(errors, 1);
      EXPECT_FALSE(stream.buffer().failure());
      stream.end();
      if (HasFailure() || !faults.fired()) break;
      nth += nth / 10;
    }
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(SpoolFault, TellsThatAViewCannotBeMade) {
  for (const int error : {ENOMEM, ENODEV}) {
    for (std::size_t nth = 1; nth < never; ++nth) {
      SCOPED_TRACE(describe({{Call::mmap}, {.error = error}}, nth));
      Stream stream(GetParam());
      NthCall faults({Call::mmap}, nth, {.error = error});
      int errors = 0;
      for (std::uint64_t offset = 0; offset < Stream::size;) {
        try {
          const View view = stream.buffer().view(offset, 20000);
          ASSERT_FALSE(view.empty());
          const Bytes bytes(view.bytes().begin(), view.bytes().end());
          ASSERT_EQ(bytes, pattern_bytes(offset, bytes.size()));
          offset += bytes.size();
        } catch (const Error& e) {
          // No address space for memory: the disk takes the bytes, unless they must be sealed.
          const bool memory = e.code() == Errc::disk_full && GetParam().encrypted;
          const bool ours = e.code() == std::error_code(error, std::system_category());
          ASSERT_TRUE(memory || ours) << e.what();
          ASSERT_LT(++errors, 3) << e.what();
        }
      }
      stream.end();
      if (HasFailure() || !faults.fired()) break;
      nth += nth / 10;
    }
    ASSERT_FALSE(HasFailure());
  }
}

INSTANTIATE_TEST_SUITE_P(Every, SpoolFault, testing::ValuesIn(stream_kinds()), kind_name);

}  // namespace
}  // namespace seekable::test
