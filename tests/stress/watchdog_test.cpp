// SPDX-License-Identifier: Apache-2.0
// Every kind of waiter really ends, under every kind of ending, however the stream arrives.
#include "support/watchdog.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t wanted = 10;  // what a waiter waits for: the first bytes

enum class Ending { data, end, failure, cancel, deadline, stop, release, dropped_writer };
constexpr std::pair<Ending, const char*> endings[] = {{Ending::data, "data"},
                                                      {Ending::end, "the end"},
                                                      {Ending::failure, "failure"},
                                                      {Ending::cancel, "cancel"},
                                                      {Ending::deadline, "deadline"},
                                                      {Ending::stop, "stop_token"},
                                                      {Ending::release, "release_before"},
                                                      {Ending::dropped_writer, "a dropped writer"}};

/// One way to wait. `wait` null: without limit.
struct Kind {
  const char* name;
  bool for_all;   ///< it waits for the whole stream, and does not end by the first bytes
  bool for_size;  ///< it does not care what was released
  std::function<void(StreamBuffer&, const Wait*)> run;
};

const ScratchDirectory& scratch() {
  static const ScratchDirectory directory;
  return directory;
}

void read_in_a_callback(StreamBuffer& buffer, const Wait* wait) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::optional<std::error_code> told;
  const auto subscription = buffer.when_available({0, wanted}, [&](std::error_code code) {
    const std::lock_guard lock(mutex);
    told = code;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  const auto is_told = [&] { return told.has_value(); };
  if (wait == nullptr) {
    changed.wait(lock, is_told);
  } else {
    changed.wait_until(lock, wait->stop_token, wait->deadline, is_told);
  }
  if (!told) {
    throw Error(wait->stop_token.stop_requested() ? Errc::cancelled : Errc::timed_out, "", 0);
  }
  if (*told) throw Error(*told, "callback", 0);
}

void wait_for_range(StreamBuffer& buffer, const Wait* wait) {
  // It has a limit of its own, and no stop_token.
  std::chrono::nanoseconds timeout = std::chrono::hours(10);
  if (wait != nullptr && wait->deadline != std::chrono::steady_clock::time_point::max()) {
    timeout = wait->deadline - std::chrono::steady_clock::now();
  }
  if (!buffer.wait_for({0, wanted}, timeout)) throw Error(Errc::timed_out, "wait_for", 0);
}

std::vector<Kind> make_kinds() {
  std::vector<Kind> kinds;
  kinds.push_back({"read_at", false, false, [](StreamBuffer& buffer, const Wait* wait) {
                     std::byte out[wanted];
                     wait != nullptr ? buffer.read_at(0, out, *wait) : buffer.read_at(0, out);
                   }});
  kinds.push_back({"read_some_at", false, false, [](StreamBuffer& buffer, const Wait* wait) {
                     std::byte out[wanted];
                     wait != nullptr ? buffer.read_some_at(0, out, *wait)
                                     : buffer.read_some_at(0, out);
                   }});
  kinds.push_back({"read", false, false, [](StreamBuffer& buffer, const Wait* wait) {
                     wait != nullptr ? buffer.read(0, wanted, *wait) : buffer.read(0, wanted);
                   }});
  kinds.push_back({"view", false, false, [](StreamBuffer& buffer, const Wait* wait) {
                     (void)(wait != nullptr ? buffer.view(0, wanted, *wait)
                                            : buffer.view(0, wanted));
                   }});
  kinds.push_back({"Reader::read", false, false, [](StreamBuffer& buffer, const Wait* wait) {
                     std::byte out[wanted];
                     Reader reader = buffer.reader();
                     wait != nullptr ? reader.read(out, *wait) : reader.read(out);
                   }});
  kinds.push_back({"wait_for", false, false, wait_for_range});
  kinds.push_back({"when_available", false, false, read_in_a_callback});
  kinds.push_back({"copy_to", false, false, [](StreamBuffer& buffer, const Wait* wait) {
                     const FileDescriptor file(::memfd_create("watchdog", MFD_CLOEXEC));
                     wait != nullptr ? buffer.copy_to(file.get(), {0, wanted}, *wait)
                                     : buffer.copy_to(file.get(), {0, wanted});
                   }});
  kinds.push_back({"wait_for_size", true, true, [](StreamBuffer& buffer, const Wait* wait) {
                     (void)(wait != nullptr ? buffer.wait_for_size(*wait) : buffer.wait_for_size());
                   }});
  kinds.push_back({"seek from the end", true, true, [](StreamBuffer& buffer, const Wait* wait) {
                     Reader reader = buffer.reader();
                     wait != nullptr ? reader.seek(0, Whence::end, *wait)
                                     : reader.seek(0, Whence::end);
                   }});
  kinds.push_back({"to_file", true, false, [](StreamBuffer& buffer, const Wait* wait) {
                     (void)(wait != nullptr ? buffer.to_file(*wait) : buffer.to_file());
                   }});
  kinds.push_back({"save", true, false, [](StreamBuffer& buffer, const Wait* wait) {
                     const auto path = scratch().path() / "saved";
                     wait != nullptr ? buffer.save(path, *wait) : buffer.save(path);
                   }});
  return kinds;
}

/// A stream that does only what it is told.
class Feed {
 public:
  virtual ~Feed() = default;
  virtual StreamBuffer& buffer() = 0;
  virtual void give_bytes() = 0;  ///< those that are waited for
  virtual void give_rest() = 0;   ///< and the end
  virtual void fail() = 0;
  virtual bool drop_writer() { return false; }
  /// True if who waits without limit may wait inside the source.
  virtual bool enters_source() const { return true; }
};

class PipeFeed final : public Feed {
 public:
  PipeFeed() : pipe_(make_pipe()), writer_(std::move(pipe_.writer)) {}
  StreamBuffer& buffer() override { return pipe_.buffer; }
  void give_bytes() override { writer_->write(std::span(text_).first(wanted)); }
  void give_rest() override {
    if (!writer_ || pipe_.buffer.failure()) return;
    writer_->write(std::span(text_).subspan(writer_->written()));
    writer_->end();
    writer_.reset();
  }
  void fail() override {
    writer_->fail(make_error_code(std::errc::io_error));
    writer_.reset();
  }
  bool drop_writer() override {
    writer_.reset();
    return true;
  }
  bool enters_source() const override { return false; }

 private:
  const std::vector<std::byte> text_ = letters();
  Pipe pipe_;
  std::optional<Writer> writer_;
};

class GatedFeed final : public Feed {
 public:
  GatedFeed(bool restartable, Fill fill, bool fails) {
    Script script;
    script.content = letters();
    script.gates = {{0, first_}, {wanted, second_}};
    if (fails) script.fail_at = 0;
    Options options;
    options.fill = fill;
    if (restartable) {
      buffer_.emplace(std::make_unique<ScriptedRestartable>(std::move(script)), options);
    } else {
      buffer_.emplace(std::make_unique<ScriptedSource>(std::move(script)), options);
    }
  }
  StreamBuffer& buffer() override { return *buffer_; }
  void give_bytes() override { first_->open(); }
  void give_rest() override {
    first_->open();
    second_->open();
  }
  void fail() override { first_->open(); }

 private:
  std::shared_ptr<Gate> first_ = std::make_shared<Gate>();
  std::shared_ptr<Gate> second_ = std::make_shared<Gate>();
  std::optional<StreamBuffer> buffer_;
};

using MakeFeed = std::function<std::unique_ptr<Feed>(bool fails)>;

/// Runs one case. Returns what is wrong, or nothing.
std::string run_case(const Kind& kind, Ending ending, bool limited, bool late, Feed& feed) {
  std::stop_source stop;
  Wait wait;
  wait.stop_token = stop.get_token();
  if (ending == Ending::deadline) {
    wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(late ? 3 : 0);
  }
  std::error_code code;
  std::jthread waiter(
      [&] { code = code_of([&] { kind.run(feed.buffer(), limited ? &wait : nullptr); }); });
  // Late: most likely it sleeps by now. Whether it does makes no difference to how it ends.
  for (int i = 0; late && i < 200; ++i) std::this_thread::yield();
  std::error_code expected;
  switch (ending) {
    case Ending::data: kind.for_all ? feed.give_rest() : feed.give_bytes(); break;
    case Ending::end: feed.give_rest(); break;
    case Ending::failure:
      feed.fail();
      expected = make_error_code(std::errc::io_error);
      break;
    case Ending::cancel:
      feed.buffer().cancel();
      expected = Errc::cancelled;
      break;
    case Ending::deadline: expected = Errc::timed_out; break;
    case Ending::stop:
      stop.request_stop();
      expected = Errc::cancelled;
      break;
    case Ending::release:
      feed.buffer().release_before(wanted);
      // A thread inside the source comes back with its read; a size is known at the end.
      if (kind.for_size) feed.give_rest();
      if (!limited && feed.enters_source()) feed.give_bytes();
      if (!kind.for_size) expected = Errc::released;
      break;
    case Ending::dropped_writer:
      feed.drop_writer();
      expected = make_error_code(std::errc::broken_pipe);
      break;
  }
  waiter.join();
  bool right =
      expected ? code.default_error_condition() == expected.default_error_condition() : !code;
  // Whoever was just looking at the bytes when they were given up may still have got them.
  if (ending == Ending::release && !limited && feed.enters_source() && !kind.for_all) {
    right = right || !code;
  }
  feed.give_rest();
  return right ? "" : "ended with '" + code.message() + "'";
}

bool makes_sense(const Kind& kind, Ending ending, bool limited, bool has_writer) {
  if ((ending == Ending::deadline || ending == Ending::stop) && !limited) return false;
  if (ending == Ending::stop && std::string(kind.name) == "wait_for") return false;
  return has_writer || ending != Ending::dropped_writer;
}

void run_all(const char* feed_name, bool has_writer, const MakeFeed& make) {
  Watchdog watchdog(feed_name);
  for (const Kind& kind : make_kinds()) {
    for (const auto& [ending, ending_name] : endings) {
      for (const int round : {0, 1, 2, 3}) {
        const bool limited = round % 2 == 1;
        if (!makes_sense(kind, ending, limited, has_writer)) continue;
        const std::string name = std::string(kind.name) + (limited ? " with a Wait" : "") + " on " +
                                 feed_name + ", ended by " + ending_name;
        watchdog.next(name);
        const auto feed = make(ending == Ending::failure);
        EXPECT_EQ(run_case(kind, ending, limited, round >= 2, *feed), "") << name;
      }
    }
  }
}

// Who waited for the rest of a stream was not told that its first bytes had been given up.
TEST(EveryWaiter, ForAllOfAStreamEndsWhenBytesThatCameAreGivenUp) {
  Watchdog watchdog("whoever wants the whole stream");
  for (const Kind& kind : make_kinds()) {
    if (!kind.for_all || kind.for_size) continue;
    for (const bool restartable : {false, true}) {
      GatedFeed feed(restartable, Fill::ahead, false);
      feed.give_bytes();
      EXPECT_TRUE(feed.buffer().wait_for({0, wanted}, std::chrono::seconds(60)));
      std::error_code code;
      // With a `Wait` nobody enters the source, who would come back with its read only.
      const Wait wait;
      std::jthread waiter([&] { code = code_of([&] { kind.run(feed.buffer(), &wait); }); });
      for (int i = 0; i < 200; ++i) std::this_thread::yield();
      feed.buffer().release_before(wanted);
      waiter.join();
      EXPECT_EQ(code, Errc::released) << kind.name << (restartable ? ", restartable" : "");
      feed.give_rest();
    }
  }
}

TEST(EveryWaiter, OfAPipeEnds) {
  run_all("a pipe", true, [](bool) { return std::make_unique<PipeFeed>(); });
}

TEST(EveryWaiter, OfASourceThatIsReadOnDemandEnds) {
  run_all("a source on demand", false,
          [](bool fails) { return std::make_unique<GatedFeed>(false, Fill::on_demand, fails); });
}

TEST(EveryWaiter, OfASourceThatIsReadAheadEnds) {
  run_all("a source ahead", false,
          [](bool fails) { return std::make_unique<GatedFeed>(false, Fill::ahead, fails); });
}

TEST(EveryWaiter, OfARestartableSourceEnds) {
  run_all("a restartable source", false,
          [](bool fails) { return std::make_unique<GatedFeed>(true, Fill::on_demand, fails); });
}

TEST(EveryWaiter, OfARestartableSourceThatIsReadAheadEnds) {
  run_all("a restartable source ahead", false,
          [](bool fails) { return std::make_unique<GatedFeed>(true, Fill::ahead, fails); });
}

/// A writer in a full window that blocks.
std::error_code end_a_writer(const std::function<void(Pipe&, std::stop_source&)>& ending, bool late,
                             const Wait* wait, std::stop_source& stop) {
  Pipe pipe = make_pipe(options_window(wanted, WhenFull::block));
  const auto text = letters();
  std::error_code code;
  std::jthread writer([&] {
    code = code_of([&] {
      wait != nullptr ? pipe.writer.write(std::span(text).first(wanted + 5), *wait)
                      : pipe.writer.write(std::span(text).first(wanted + 5));
    });
  });
  for (int i = 0; late && i < 200; ++i) std::this_thread::yield();
  ending(pipe, stop);
  writer.join();
  return code;
}

TEST(EveryWaiter, ThatWritesIntoAFullWindowEnds) {
  Watchdog watchdog("a writer");
  for (const bool late : {false, true}) {
    std::stop_source stop;
    Wait wait;
    wait.stop_token = stop.get_token();
    watchdog.next("Writer::write ended by cancel");
    EXPECT_EQ(end_a_writer([](Pipe& pipe, auto&) { pipe.buffer.cancel(); }, late, nullptr, stop),
              Errc::cancelled);
    watchdog.next("Writer::write ended by release_before");
    EXPECT_EQ(
        end_a_writer([](Pipe& pipe, auto&) { pipe.buffer.release_before(5); }, late, nullptr, stop),
        std::error_code());
    watchdog.next("Writer::write ended by a reader");
    EXPECT_EQ(end_a_writer(
                  [](Pipe& pipe, auto&) {
                    std::byte out[5];
                    pipe.buffer.reader().read(out);
                  },
                  late, nullptr, stop),
              std::error_code());
    watchdog.next("Writer::write ended by the destruction of the buffer");
    EXPECT_EQ(
        end_a_writer([](Pipe& pipe, auto&) { const StreamBuffer gone = std::move(pipe.buffer); },
                     late, nullptr, stop),
        Errc::cancelled);
    watchdog.next("Writer::write ended by a deadline");
    wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
    EXPECT_EQ(end_a_writer([](Pipe&, auto&) {}, late, &wait, stop), Errc::timed_out);
    watchdog.next("Writer::write ended by a stop_token");
    wait.deadline = std::chrono::steady_clock::time_point::max();
    EXPECT_EQ(end_a_writer([](Pipe&, auto& asked) { asked.request_stop(); }, late, &wait, stop),
              Errc::cancelled);
  }
}

}  // namespace
}  // namespace seekable::test
