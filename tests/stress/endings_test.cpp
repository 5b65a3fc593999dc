// SPDX-License-Identifier: Apache-2.0
// Every kind of waiter ends under every kind of ending (promise 6).

#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t there = 10;     // bytes that come at once
constexpr std::uint64_t wanted = 100;   // the byte that is waited for
constexpr std::uint64_t length = 1000;  // the stream, when all of it comes

struct Waiting {
  std::string name;
  bool may_be_limited;  // it has a form with a `Wait`
  std::function<void(StreamBuffer&, const Wait*)> call;
};

std::vector<Waiting> kinds_of_waiting(const std::filesystem::path& directory) {
  const auto out = [] { return std::make_shared<Bytes>(20); };
  return {
      {"read_at", true,
       [=](StreamBuffer& b, const Wait* w) {
         const auto bytes = out();
         w != nullptr ? b.read_at(wanted, *bytes, *w) : b.read_at(wanted, *bytes);
       }},
      {"read_some_at", true,
       [=](StreamBuffer& b, const Wait* w) {
         const auto bytes = out();
         w != nullptr ? b.read_some_at(wanted, *bytes, *w) : b.read_some_at(wanted, *bytes);
       }},
      {"read", true,
       [](StreamBuffer& b, const Wait* w) {
         w != nullptr ? b.read(0, wanted + 1, *w) : b.read(0, wanted + 1);
       }},
      {"slice", true,
       [](StreamBuffer& b, const Wait* w) {
         w != nullptr ? b.slice(wanted, length * 2, *w) : b.slice(wanted, length * 2);
       }},
      {"view", true,
       [](StreamBuffer& b, const Wait* w) {
         w != nullptr ? b.view(wanted, 5, *w) : b.view(wanted, 5);
       }},
      {"wait_for_size", true,
       [](StreamBuffer& b, const Wait* w) {
         w != nullptr ? b.wait_for_size(*w) : b.wait_for_size();
       }},
      {"wait_for", false,
       [](StreamBuffer& b, const Wait*) {
         b.wait_for({0, wanted + 1}, std::chrono::nanoseconds::max());
       }},
      {"Reader::read", true,
       [=](StreamBuffer& b, const Wait* w) {
         const auto bytes = out();
         auto reader = b.reader(wanted);
         w != nullptr ? reader.read(*bytes, *w) : reader.read(*bytes);
       }},
      {"Reader::seek", true,
       [](StreamBuffer& b, const Wait* w) {
         auto reader = b.reader();
         w != nullptr ? reader.seek(0, Whence::end, *w) : reader.seek(0, Whence::end);
       }},
      {"copy_to", true,
       [](StreamBuffer& b, const Wait* w) {
         const FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
         w != nullptr ? b.copy_to(null.get(), {0, length}, *w) : b.copy_to(null.get(), {0, length});
       }},
      {"to_file", true,
       [](StreamBuffer& b, const Wait* w) { (void)(w != nullptr ? b.to_file(*w) : b.to_file()); }},
      {"save", true,
       [directory](StreamBuffer& b, const Wait* w) {
         w != nullptr ? b.save(directory / "saved", *w) : b.save(directory / "saved");
       }},
      {"when_available", false,
       [](StreamBuffer& b, const Wait*) {
         std::promise<std::error_code> called;
         const auto subscription = b.when_available(
             {0, wanted + 1}, [&](std::error_code code) { called.set_value(code); });
         called.get_future().wait();
       }},
  };
}

struct Ending {
  std::string name;
  std::function<void(Writer&, StreamBuffer&)> happen;
};

std::vector<Ending> kinds_of_ending() {
  return {
      {"data",
       [](Writer& w, StreamBuffer&) {
         w.write(Bytes(length - there));
         w.end();
       }},
      {"end", [](Writer& w, StreamBuffer&) { w.end(); }},
      {"failure",
       [](Writer& w, StreamBuffer&) { w.fail(std::make_error_code(std::errc::io_error)); }},
      {"cancel", [](Writer&, StreamBuffer& b) { b.cancel(); }},
      {"the writer goes", [](Writer& w, StreamBuffer&) { const Writer gone = std::move(w); }},
      {"release_before",
       [](Writer& w, StreamBuffer& b) {
         b.release_before(length / 2);
         w.end();  // For those that wait for no byte but for the end.
       }},
  };
}

/// Calls, and takes any of the library's errors for an ending.
void call(const Waiting& waiting, StreamBuffer& buffer, const Wait* wait) {
  try {
    waiting.call(buffer, wait);
  } catch (const std::system_error&) {
    SUCCEED();
  }
}

class Endings : public testing::Test {
 protected:
  ScratchDirectory directory_;
  std::vector<Waiting> waitings_ = kinds_of_waiting(directory_.path());
};

TEST_F(Endings, OfTheStreamEndEveryWaiter) {
  Watchdog watchdog("start");
  for (const Waiting& waiting : waitings_) {
    for (const Ending& ending : kinds_of_ending()) {
      watchdog.next(waiting.name + " under " + ending.name);
      auto [writer, buffer] = make_pipe();
      writer.write(Bytes(there));
      std::jthread waiter([&, &kept = buffer] { call(waiting, kept, nullptr); });
      ending.happen(writer, buffer);
    }
  }
}

TEST_F(Endings, OfTheWaitEndEveryWaiterAndLoseNothing) {
  Watchdog watchdog("start");
  for (const Waiting& waiting : waitings_) {
    if (!waiting.may_be_limited) continue;
    for (const bool by_token : {false, true}) {
      watchdog.next(waiting.name + (by_token ? " under a stop token" : " under a deadline"));
      auto [writer, buffer] = make_pipe();
      writer.write(Bytes(there));
      std::stop_source stop;
      Wait wait;
      if (by_token) {
        wait.stop_token = stop.get_token();
      } else {
        wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
      }
      {
        std::jthread waiter([&, &kept = buffer] {
          try {
            waiting.call(kept, &wait);
            ADD_FAILURE() << waiting.name << " returned";
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), by_token ? Errc::cancelled : Errc::timed_out);
          }
        });
        stop.request_stop();
      }
      writer.write(Bytes(length - there));
      writer.end();
      EXPECT_EQ(buffer.read(0, 2 * length).size(), length);
      EXPECT_FALSE(buffer.failure());
    }
  }
}

TEST_F(Endings, OfAScriptedSourceEndTheFillerAndThoseBehindIt) {
  Watchdog watchdog("start");
  for (const Waiting& waiting : waitings_) {
    for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
      for (const std::string ending : {"data", "failure", "cancel", "release"}) {
        watchdog.next(waiting.name + (fill == Fill::ahead ? " ahead" : " on demand") + " under " +
                      ending);
        const auto gate = std::make_shared<Gate>();
        Script script{.content = Bytes(length), .gates = {{there, gate}}};
        if (ending == "failure") script.fail_at = there + 20;
        Options options;
        options.fill = fill;
        Scripted scripted(std::move(script), options);
        std::vector<std::jthread> waiters;
        for (int i = 0; i < 3; ++i) {
          waiters.emplace_back([&] { call(waiting, scripted.buffer, nullptr); });
        }
        gate->wait_entered();
        if (ending == "cancel") {
          scripted.buffer.cancel();
        } else {
          if (ending == "release") scripted.buffer.release_before(length / 2);
          gate->open();
        }
      }
    }
  }
}

TEST_F(Endings, EndAWriterInAFullWindow) {
  Watchdog watchdog("start");
  const std::vector<std::pair<std::string, std::function<void(std::optional<StreamBuffer>&)>>>
      endings = {
          {"released", [](auto& buffer) { buffer->release_before(10); }},
          {"cancelled", [](auto& buffer) { buffer->cancel(); }},
          {"nobody can read", [](auto& buffer) { buffer.reset(); }},
      };
  for (const auto& [name, happen] : endings) {
    watchdog.next("Writer::write, " + name);
    auto made = make_pipe(options_window(10, WhenFull::block));
    std::optional<StreamBuffer> buffer(std::move(made.buffer));
    made.writer.write(Bytes(10));
    std::jthread waiter([&] {
      try {
        made.writer.write(Bytes(5));
        EXPECT_EQ(name, "released");
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::cancelled);
        EXPECT_NE(name, "released");
      }
    });
    happen(buffer);
  }
  watchdog.next("Writer::write, deadline");
  auto [writer, buffer] = make_pipe(options_window(10, WhenFull::block));
  writer.write(Bytes(10));
  EXPECT_THROW(writer.write(Bytes(1), {std::chrono::steady_clock::now(), {}}), Error);
  EXPECT_EQ(writer.written(), 10U);
}

}  // namespace
}  // namespace seekable::test
