// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "source/child_process.hpp"
#include "source/fd_source.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

/// The command in one line, not too long, for people.
std::string printable(const std::vector<std::string>& argv) {
  constexpr std::size_t longest = 100;
  std::string line;
  for (const auto& argument : argv) line += (line.empty() ? "" : " ") + argument;
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  if (line.size() > longest) line.replace(longest, std::string::npos, "...");
  return line;
}

class CommandSource final : public Source {
 public:
  CommandSource(std::unique_ptr<ChildProcess> child, FileDescriptor output, std::string name)
      : name_(std::move(name)),
        what_("command '" + name_ + "'"),
        child_(std::move(child)),
        output_(std::move(output), what_, name_) {}

  std::size_t read_some(std::span<std::byte> out) override {
    const std::size_t size = output_.read_some(out);
    if (size == 0) check_exit();
    return size;
  }

  void cancel() noexcept override {
    canceller_.cancel();
    output_.cancel();
    child_->signal(SIGTERM);
  }

  SourceInfo info() const override { return output_.info(); }

  Spliceable* as_spliceable() noexcept override { return output_.as_spliceable(); }

 private:
  /// Only how it exited tells whether that was all it had to say.
  void check_exit() {
    const auto exit = wait_for_exit();
    if (!exit) throw_cancelled("wait for " + what_, output_.position());
    if (exit->killed) {
      fail(" was killed by signal " + std::to_string(exit->status) + " (" +
           ::strsignal(exit->status) + ")");
    }
    if (exit->status != 0) fail(" exited with status " + std::to_string(exit->status));
  }

  std::optional<ChildProcess::Exit> wait_for_exit() {
    try {
      return child_->wait(canceller_);
    } catch (const std::system_error& error) {
      throw Error(error.code(), "wait for " + what_ + ", so its exit status is not known",
                  output_.position());
    }
  }

  [[noreturn]] void fail(const std::string& how) const {
    throw Error(Errc::source_failed, what_ + how, output_.position());
  }

  const std::string name_;
  const std::string what_;
  Canceller canceller_;
  std::unique_ptr<ChildProcess> child_;
  FdSource output_;  // After the child: closed before it is ended, so that it sees SIGPIPE too.
};

}  // namespace

}  // namespace detail

std::unique_ptr<Source> from_command(std::vector<std::string> argv) {
  if (argv.empty()) throw std::invalid_argument("from_command: the command is empty");
  const auto has_zero = [](const std::string& s) { return s.find('\0') != std::string::npos; };
  if (std::ranges::any_of(argv, has_zero)) {
    throw std::invalid_argument("from_command: an argument cannot hold a zero byte");
  }
  FileDescriptor output;
  std::unique_ptr<detail::ChildProcess> child;
  try {
    child = std::make_unique<detail::ChildProcess>(argv, output);
  } catch (const std::system_error& error) {
    throw Error(error.code(), "start command '" + argv[0] + "'", 0);
  }
  return std::make_unique<detail::CommandSource>(std::move(child), std::move(output),
                                                 detail::printable(argv));
}

}  // namespace seekable::inline v1
