// SPDX-License-Identifier: Apache-2.0
#include "http/client.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <new>
#include <utility>

#include "system/fork.hpp"

namespace seekable::inline v1::detail::http {

namespace {

/// Connections that are kept for the next request.
constexpr long idle_connections = 16;

CURLM* make_multi() {
  CURLM* const multi = ::curl_multi_init();
  if (multi == nullptr) throw std::bad_alloc();
  ::curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  ::curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, idle_connections);
  return multi;
}

/// A thread to which no signal goes: those are for the program's own.
template <typename Function>
std::thread thread_without_signals(Function function) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(std::move(function));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

/// The client of this process, and what must be so that it can be one.
class OfProcess {
 public:
  OfProcess() { at_fork(before_fork, after_fork, after_fork); }
  OfProcess(const OfProcess&) = delete;
  OfProcess& operator=(const OfProcess&) = delete;

  /// Never destroyed: a stream in another static object may be read after this.
  static OfProcess& instance() {
    static auto* const of_process = new OfProcess;
    return *of_process;
  }

  std::shared_ptr<Client> client() {
    MutexLock lock(mutex_);
    if (client_ && made_in_.is_child()) forget();
    if (!client_) {
      prepare();
      client_ = std::make_shared<Client>();
      made_in_ = ForkCheck();
      if (ended_) client_->shut_down();
    }
    return client_;
  }

 private:
  void prepare() SEEKABLE_REQUIRES(mutex_) {
    if (prepared_) return;
    // The TLS library keeps something for the thread that sets it up, and loses that where the
    // thread outlives the library's end; this one does not.
    CURLcode code = CURLE_OK;
    thread_without_signals([&] { code = ::curl_global_init(CURL_GLOBAL_DEFAULT); }).join();
    if (code != CURLE_OK) throw std::bad_alloc();
    // What libcurl needs at the end of the process goes after this, since it was there before.
    std::atexit([] { instance().end(); });
    prepared_ = true;
  }

  /// A child finds the mutex free, whatever the parent's other threads were doing.
  static void before_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.lock(); }
  static void after_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.unlock(); }

  /// Ends the thread; whoever still reads, or begins to, is told so.
  void end() {
    MutexLock lock(mutex_);
    ended_ = true;
    if (client_ && !made_in_.is_child()) client_->shut_down();
  }

  /// The parent's thread is not here, and nothing of what it held can be given up.
  void forget() { new std::shared_ptr<Client>(std::move(client_)); }

  Mutex mutex_;
  std::shared_ptr<Client> client_;
  ForkCheck made_in_;
  bool prepared_ = false;
  bool ended_ = false;
};

// Made when the library is loaded: a child forked while another thread was making it would wait for
// that thread, which it does not have.
[[maybe_unused]] const OfProcess& g_made_before_any_fork = OfProcess::instance();

}  // namespace

std::shared_ptr<Client> Client::of_process() { return OfProcess::instance().client(); }

Client::Client() : multi_(make_multi()) {
  try {
    thread_ = thread_without_signals([this] { run(); });
  } catch (...) {
    ::curl_multi_cleanup(multi_);
    throw;
  }
}

Client::~Client() {
  shut_down();
  ::curl_multi_cleanup(multi_);
}

void Client::shut_down() noexcept {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  work_.set();
  wake();
  if (thread_.joinable()) thread_.join();
}

void Client::begin(std::shared_ptr<Exchange> exchange) {
  post({Command::What::begin, std::move(exchange)});
}

void Client::stop(std::shared_ptr<Exchange> exchange) {
  post({Command::What::stop, std::move(exchange)});
}

void Client::go_on(std::shared_ptr<Exchange> exchange) {
  post({Command::What::go_on, std::move(exchange)});
}

/// Without a leader: whoever begins an exchange waits for it next, and so leads. A stop or go_on is
/// left to the patrol; where there is none, the thread is called.
void Client::post(Command command) {
  {
    MutexLock lock(mutex_);
    const bool is_begin = command.what == Command::What::begin;
    if (!stopped_) {
      commands_.push_back(std::move(command));
    } else if (is_begin) {
      command.exchange->abandon();
    }
    if (leader_ == Leader::nobody) {
      if (is_begin || patrols_) return;
      call_thread();
      return;
    }
  }
  wake();
}

void Client::wake() noexcept { ::curl_multi_wakeup(multi_); }

void Client::end_all() {
  carry_out_commands();
  for (auto& [name, origin] : origins_) {
    for (const auto& exchange : Exchanges(origin.running)) {
      remove(origin, exchange.get());
      exchange->abandon();
    }
    for (const auto& exchange : origin.queued) exchange->abandon();
  }
  origins_.clear();
}

void Client::carry_out_commands() {
  std::vector<Command> commands;
  {
    MutexLock lock(mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) carry_out(command);
}

void Client::carry_out(Command& command) {
  Origin& origin = origins_[command.exchange->origin()];
  switch (command.what) {
    case Command::What::begin: origin.queued.push_back(std::move(command.exchange)); break;
    case Command::What::stop:
      remove(origin, command.exchange.get());
      std::erase(origin.queued, command.exchange);
      break;
    case Command::What::go_on:
      if (std::ranges::count(origin.running, command.exchange) == 0) break;
      if (const CURLcode code = command.exchange->go_on(); code != CURLE_OK) {
        remove(origin, command.exchange.get())->end(code);
      }
      break;
  }
  start_some(origin);
}

void Client::start_some(Origin& origin) {
  while (!origin.queued.empty() && make_room(origin)) {
    auto exchange = std::move(origin.queued.front());
    origin.queued.pop_front();
    start(origin, std::move(exchange));
  }
}

bool Client::make_room(Origin& origin) {
  if (origin.running.size() < max_exchanges_per_origin) return true;
  Exchange* idle = nullptr;
  for (const auto& exchange : origin.running) {
    if (exchange->is_being_read()) continue;
    if (idle == nullptr || exchange->last_read() < idle->last_read()) idle = exchange.get();
  }
  if (idle == nullptr) return false;
  remove(origin, idle)->give_way();
  return true;
}

void Client::start(Origin& origin, std::shared_ptr<Exchange> exchange) {
  exchange->begin();
  if (::curl_multi_add_handle(multi_, exchange->easy()) != CURLM_OK) {
    exchange->end(CURLE_FAILED_INIT);
    return;
  }
  origin.running.push_back(std::move(exchange));
}

std::shared_ptr<Exchange> Client::remove(Origin& origin, const Exchange* exchange) {
  const auto held =
      std::ranges::find(origin.running, exchange, [](const auto& each) { return each.get(); });
  if (held == origin.running.end()) return nullptr;
  auto removed = std::move(*held);
  origin.running.erase(held);
  ::curl_multi_remove_handle(multi_, removed->easy());
  return removed;
}

void Client::take_endings() {
  int left = 0;
  while (const CURLMsg* const message = ::curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* self = nullptr;
    ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
    const auto* const ended = reinterpret_cast<Exchange*>(self);
    const auto exchange = remove(origins_[ended->origin()], ended);
    if (exchange == nullptr) continue;
    exchange->end(code);
  }
}

bool Client::has_queued_exchange() const {
  return std::ranges::any_of(origins_,
                             [](const auto& entry) { return !entry.second.queued.empty(); });
}

}  // namespace seekable::inline v1::detail::http
