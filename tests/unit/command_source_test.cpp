// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using detail::sys::Call;

std::unique_ptr<Source> shell(const std::string& script) {
  return from_command({"sh", "-c", script});
}

/// The number that a shell wrote first: its own.
pid_t read_pid(Source& source) {
  std::string text;
  while (!text.ends_with('\n')) text += to_string(read_once(source, 1));
  return std::stoi(text);
}

bool has_child() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

/// Gives a signal another disposition while it lives.
class Disposition {
 public:
  Disposition(int number, void (*handler)(int)) : number_(number) {
    old_ = std::signal(number, handler);
  }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;
  ~Disposition() { std::signal(number_, old_); }

 private:
  int number_;
  void (*old_)(int);
};

TEST(CommandSource, GivesWhatTheProgramWrites) {
  EXPECT_EQ(to_string(read_all(*from_command({"printf", "%s-%s", "a b", "$c"}))), "a b-$c");
  EXPECT_FALSE(has_child());
}

TEST(CommandSource, GivesFiveBytesWhileTheProgramRunsOn) {
  const auto source = shell("printf hello; exec sleep 1000");
  EXPECT_EQ(to_string(read_once(*source, 4096)), "hello");
}

TEST(CommandSource, IsNamedAfterItsCommandInOneLine) {
  const auto source = from_command({"true", "a\nb", "c"});
  EXPECT_EQ(source->info().name, "true a b c");
  EXPECT_LT(from_command({"true", std::string(1000, 'x')})->info().name.size(), 110U);
}

TEST(CommandSource, FailsWhereTheProgramExitsWithAnotherStatusThanZero) {
  const auto source = shell("printf abc; exit 3");
  EXPECT_EQ(to_string(read_once(*source, 100)), "abc");
  for (int i = 0; i < 2; ++i) {
    try {
      read_once(*source, 100);
      FAIL() << "a failure was taken for the end";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::source_failed);
      EXPECT_EQ(error.offset(), 3U);
      EXPECT_EQ(error.what(), std::string("command 'sh -c printf abc; exit 3' exited with status 3"
                                          ": the source failed"));
    }
  }
}

TEST(CommandSource, FailsWhereASignalEndsTheProgram) {
  const auto source = shell("printf abc; kill -9 $$");
  EXPECT_EQ(to_string(read_once(*source, 100)), "abc");
  EXPECT_EQ(code_of([&] { read_once(*source, 100); }), Errc::source_failed);
  EXPECT_NE(text_of([&] { read_once(*source, 100); }).find("was killed by signal 9 (Killed)"),
            std::string::npos);
}

TEST(CommandSource, WaitsForTheExitOfAProgramThatHasClosedItsOutput) {
  const ScratchDirectory scratch;
  const std::string fifo = (scratch.path() / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto source = shell("exec >&-; read x <" + fifo + "; exit 4");
  std::error_code code;
  std::jthread reader([&] { code = code_of([&] { read_once(*source, 1); }); });
  const FileDescriptor end(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
  write_all(end.get(), to_bytes("go\n"));
  reader.join();
  EXPECT_EQ(code, Errc::source_failed);
}

TEST(CommandSource, SaysWhyAProgramCannotBeStarted) {
  EXPECT_EQ(text_of([] { from_command({"no-such-program-anywhere", "x"}); }),
            "start command 'no-such-program-anywhere': No such file or directory");
  EXPECT_EQ(code_of([] { from_command({"no-such-program-anywhere"}); }),
            std::errc::no_such_file_or_directory);
  const ScratchDirectory scratch;
  const auto path = scratch.file("not-executable", to_bytes("x"));
  EXPECT_EQ(code_of([&] { from_command({path.string()}); }), std::errc::permission_denied);
  EXPECT_FALSE(has_child());
}

TEST(CommandSource, RefusesWhatIsNoCommand) {
  EXPECT_THROW(from_command({}), std::invalid_argument);
  EXPECT_THROW(from_command({"echo", std::string("a\0b", 3)}), std::invalid_argument);
  EXPECT_EQ(code_of([] { from_command({""}); }), std::errc::no_such_file_or_directory);
}

TEST(CommandSource, FailsWhereNothingCanBeStarted) {
  for (const auto call : {Call::pipe, Call::spawn}) {
    const CallHook hook(fail_call(call, EMFILE));
    EXPECT_EQ(text_of([] { from_command({"true"}); }), "start command 'true': Too many open files");
  }
  EXPECT_FALSE(has_child());
}

TEST(CommandSource, EndsItsChildWhenItGoesAway) {
  auto source = shell("echo $$; exec sleep 1000");
  const pid_t pid = read_pid(*source);
  EXPECT_TRUE(exists(pid));
  source.reset();
  EXPECT_FALSE(exists(pid));
  EXPECT_FALSE(has_child());
}

TEST(CommandSource, EndsAChildThatDoesNotListenOrIsStopped) {
  for (const auto* script :
       {"trap '' TERM; echo $$; exec sleep 1000", "echo $$; kill -STOP $$; exec sleep 1000"}) {
    auto source = shell(script);
    const pid_t pid = read_pid(*source);
    source.reset();
    EXPECT_FALSE(exists(pid));
    EXPECT_FALSE(has_child());
  }
}

TEST(CommandSource, LeavesNoZombieOfAChildThatEndedUnread) {
  {
    const auto source = from_command({"true"});
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
  }
  EXPECT_FALSE(has_child());
}

TEST(CommandSource, AsksItsChildToEndWhenItIsCancelled) {
  const auto source = shell("echo $$; exec sleep 1000");
  read_pid(*source);
  source->cancel();
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), Errc::cancelled);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_status, SIGTERM);
}

TEST(CommandSource, MayBeCancelledAfterItsChildIsGone) {
  const auto source = from_command({"true"});
  read_all(*source);
  source->cancel();
  EXPECT_EQ(code_of([&] { read_once(*source, 1); }), Errc::cancelled);
}

TEST(CommandSource, WorksWhereTheKernelHasNoPidfd) {
  const CallHook hook(fail_call(Call::pidfd_open, ENOSYS, 100));
  EXPECT_EQ(to_string(read_all(*shell("printf abc"))), "abc");
  EXPECT_EQ(code_of([] { read_all(*shell("exec >&-; exit 3")); }), Errc::source_failed);
  auto source = shell("trap '' TERM; echo $$; exec sleep 1000");
  const pid_t pid = read_pid(*source);
  source.reset();
  EXPECT_FALSE(exists(pid));
  EXPECT_FALSE(has_child());
}

TEST(CommandSource, IsCancelledWhileItWaitsForAnExitWithoutAPidfd) {
  const auto about_to_wait = std::make_shared<Gate>();
  const auto told = tell_poll(about_to_wait);
  const CallHook hook([&](Call call) -> std::optional<detail::sys::Fault> {
    if (call == Call::pidfd_open) return detail::sys::Fault{.error = ENOSYS, .at_most = 0};
    return told(call);
  });
  const auto source = shell("exec >&-; exec sleep 1000");
  std::error_code code;
  std::jthread reader([&] { code = code_of([&] { read_once(*source, 1); }); });
  about_to_wait->wait_entered(3);
  source->cancel();
  reader.join();
  EXPECT_EQ(code, Errc::cancelled);
}

TEST(CommandSource, SaysSoWhereTheExitStatusIsLost) {
  const Disposition ignored(SIGCHLD, SIG_IGN);
  const auto source = shell("printf abc");
  EXPECT_EQ(to_string(read_once(*source, 10)), "abc");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(code_of([&] { read_once(*source, 10); }), std::errc::no_child_process);
  }
  EXPECT_NE(text_of([&] { read_once(*source, 10); }).find("its exit status is not known"),
            std::string::npos);
}

/// Descriptors of this process that a child would get.
std::set<int> inheritable() {
  std::set<int> result;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) result.insert(fd);
  }
  return result;
}

TEST(CommandSource, LeavesItsChildNoOtherDescriptors) {
  const auto other = from_command({"sleep", "1000"});
  const auto file = from_file("/proc/self/exe");
  const auto source = shell("for f in /proc/$$/fd/*; do [ -e $f ] && echo ${f##*/}; done; :");
  std::istringstream lines(to_string(read_all(*source)));
  std::set<int> got;
  for (int fd = 0; lines >> fd;) got.insert(fd);
  auto expected = inheritable();
  expected.insert(1);
  EXPECT_EQ(got, expected);
}

TEST(CommandSource, LetsItsChildHaveOurStandardInputAndError) {
  for (const int fd : {0, 2}) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    char target[4096];
    const auto size = ::readlink(link.c_str(), target, sizeof target);
    ASSERT_GT(size, 0);
    const auto source = from_command({"readlink", link});
    EXPECT_EQ(to_string(read_all(*source)),
              std::string(target, static_cast<std::size_t>(size)) + "\n");
  }
}

TEST(CommandSource, StartsItsChildWithFreshSignals) {
  const Disposition ignored(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  const auto source = from_command({"grep", "-E", "SigBlk|SigIgn", "/proc/self/status"});
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  std::istringstream lines(to_string(read_all(*source)));
  for (std::string name, mask; lines >> name >> mask;) {
    const std::uint64_t bit = name == "SigIgn:" ? 1U << (SIGPIPE - 1) : 1U << (SIGTERM - 1);
    EXPECT_EQ(std::stoull(mask, nullptr, 16) & bit, 0U) << name;
  }
}

TEST(CommandSource, IsLeftAloneByAForkedProcess) {
  auto source = shell("echo $$; exec sleep 1000");
  const pid_t pid = read_pid(*source);
  const pid_t forked = ::fork();
  ASSERT_GE(forked, 0);
  if (forked == 0) {
    source->cancel();
    source.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(forked, &status, 0), forked);
  EXPECT_EQ(status, 0);
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT), 0);
  EXPECT_EQ(info.si_pid, 0);
}

}  // namespace
}  // namespace seekable::test
