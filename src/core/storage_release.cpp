// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <iterator>
#include <new>
#include <utility>

#include "core/storage.hpp"
#include "store/block_pool.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1::detail {

Storage::Storage(Options&& options, bool pulls)
    : options_(std::move(options)),
      account_(options_.memory_limit, options_.memory_budget),
      two_stages_(pulls && options_.fill == Fill::ahead) {
  table_.first().word().store(Place::pieces().word(), std::memory_order_relaxed);
}

Storage::~Storage() {
  SpillQueue* queue = queue_.load(std::memory_order_acquire);
  // In a forked child the queue's thread does not exist and its lock may be held for ever.
  if (!fork_.is_child()) delete queue;
  table_.for_each(0, blocks_end_, [&](std::uint64_t, Entry entry) {
    const Place place = entry.place(std::memory_order_relaxed);
    if (place.kind() == Place::Kind::memory) BlockPool::instance().put(place.address());
  });
  for (const Retired& retired : retired_) {
    if (retired.place.kind() == Place::Kind::memory) {
      BlockPool::instance().put(retired.place.address());
    }
  }
  free_pieces();  // The account tells the shared budget of them, with all else.
  for (const RetiredNode& retired : retired_nodes_) BlockTable::free(retired.node);
  delete spool();
}

SpoolStore& Storage::make_spool() {
  if (SpoolStore* made = spool()) return *made;
  auto store =
      std::make_unique<SpoolStore>(options_, options_.encrypt_spool ? make_cipher() : nullptr);
  MutexLock lock(mutex_);
  if (SpoolStore* made = spool()) return *made;
  spool_.store(store.get(), std::memory_order_release);
  return *store.release();
}

SpillQueue& Storage::queue() {
  if (SpillQueue* made = queue_.load(std::memory_order_acquire)) return *made;
  // With two stages one half of the ring is filled while the other one is written.
  const std::size_t batch =
      two_stages_ ? std::max<std::size_t>(ring_blocks() / 2, 1) : ring_blocks();
  auto queue = std::make_unique<SpillQueue>(
      [this](SpillQueue::Blocks blocks) { return spill(blocks); }, batch);
  MutexLock lock(mutex_);
  if (SpillQueue* made = queue_.load(std::memory_order_acquire)) return *made;
  queue_.store(queue.get(), std::memory_order_release);
  return *queue.release();
}

void Storage::stop() noexcept {
  if (SpillQueue* queue = queue_.load(std::memory_order_acquire)) queue->stop();
}

/// Returns how many were written, or need not be: they were released.
std::size_t Storage::spill(SpillQueue::Blocks blocks) {
  std::optional<PinnedBlocks> pinned(std::in_place);
  auto& entries = pinned->entries;
  {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i] < released_blocks_) continue;
      entries[i] = table_.find(blocks[i]);
      entries[i].pin();
    }
  }
  std::size_t done = 0;
  while (done < blocks.size()) {
    const auto rest = std::span<const Entry>(entries).subspan(done);
    if (const std::size_t run = write_run(blocks.subspan(done), rest)) {
      done += run;
    } else if (!rest[0] || write_to_spool(blocks[done], rest[0])) {
      ++done;
    } else {
      break;
    }
  }
  pinned.reset();
  reap();
  return done;
}

/// Writes those of `blocks`, from the first on, that are whole and follow each other in the stream,
/// at once. Returns how many: none where that cannot be.
std::size_t Storage::write_run(SpillQueue::Blocks blocks, std::span<const Entry> entries) {
  static_assert(PinnedBlocks::most <= sys::most_pieces);
  std::array<std::byte*, PinnedBlocks::most> memory{};
  std::array<std::span<const std::byte>, PinnedBlocks::most> pieces;
  std::size_t count = 0;
  std::size_t run = 0;
  for (; run < blocks.size() && blocks[run] == blocks[0] + run; ++run) {
    const Entry entry = entries[run];
    if (!entry || entry.published().head() < block_size) break;
    const Place place = entry.place();
    if (place.kind() != Place::Kind::memory) break;
    memory[run] = place.address();
    if (run > 0 && memory[run] == memory[run - 1] + block_size) {
      pieces[count - 1] = {pieces[count - 1].data(), pieces[count - 1].size() + block_size};
    } else {
      pieces[count++] = {memory[run], block_size};
    }
  }
  if (run < 2) return 0;
  RetiredList links(run);
  const auto place = make_spool().write_run(blocks[0], std::span(pieces).first(count));
  if (!place) return 0;
  for (std::size_t i = 0; i < run; ++i) {
    // The address that was written: the entry may tell of a release by now.
    const Place before = Place::memory(memory[i]);
    move_to_spool(links, blocks[i], entries[i], before, {place->file, place->slot + i}, block_size);
  }
  return run;
}

bool Storage::write_to_spool(std::uint64_t block, Entry entry) {
  const Place before = entry.place();
  if (before.kind() != Place::Kind::memory) return true;
  const std::size_t filled = entry.published().head();
  RetiredList links(1);
  const auto place = make_spool().write(block, {before.address(), filled});
  if (!place) return false;
  move_to_spool(links, block, entry, before, *place, filled);
  return true;
}

/// The `filled` bytes of a block in memory are in the spool too: now they are there alone.
void Storage::move_to_spool(RetiredList& links, std::uint64_t block, Entry entry, Place before,
                            SpoolPlace place, std::size_t filled) noexcept {
  if (replace(links, block, entry, before, Place::spool(place))) {
    spills_.fetch_add(1, std::memory_order_relaxed);
    spilled_bytes_.fetch_add(filled, std::memory_order_relaxed);
  } else {
    spool()->give_up(place, filled);  // Released meanwhile.
  }
}

void Storage::release_before(std::uint64_t offset) noexcept {
  std::uint64_t lowest = low_.load(std::memory_order_relaxed);
  while (offset > lowest &&
         !low_.compare_exchange_weak(lowest, offset, std::memory_order_seq_cst)) {
  }
  if (block_of(offset) > block_of(lowest)) {
    {
      MutexLock lock(mutex_);
      give_up_released();
    }
    if (SpillQueue* queue = queue_.load(std::memory_order_acquire)) {
      queue->remove_before(block_of(offset));
    }
  }
  if (retired_count_.load(std::memory_order_seq_cst) > 0) reap();
}

/// Gives up the blocks below `low`, and what the table has for them. Where there is no memory to
/// note that, it is left unfinished, for `reap` to go on with: meanwhile it counts as one that is
/// retired.
void Storage::give_up_released() noexcept {
  const std::uint64_t last = block_of(low());
  bool finished = true;
  try {
    // (The analyzer does not see that it is called here.)
    table_.for_each(released_blocks_, last,
                    [this](std::uint64_t block, Entry entry)
                        SEEKABLE_TSA(no_thread_safety_analysis) { give_up(block, entry); });
    released_blocks_ = std::max(released_blocks_, last);
    remove_nodes_before(last);
  } catch (const std::bad_alloc&) {
    finished = false;
  }
  if (finished == release_unfinished_) {
    release_unfinished_ = !finished;
    retired_count_.fetch_add(finished ? -1U : 1U, std::memory_order_seq_cst);
  }
}

/// Called for each block that is released. Throws: std::bad_alloc: nothing has changed.
void Storage::give_up(std::uint64_t block, Entry entry) {
  std::uint64_t none = Place().word();
  if (entry.word().compare_exchange_strong(none, Place::released().word(),
                                           std::memory_order_seq_cst)) {
    return;
  }
  if (Place::from_word(none).kind() == Place::Kind::released) return;
  RetiredList links(1);
  const auto place =
      Place::from_word(entry.word().exchange(Place::released().word(), std::memory_order_seq_cst));
  retire(links, {.block = block, .entry = entry, .place = place});
}

/// Throws: std::bad_alloc: the rest is left in the table.
void Storage::remove_nodes_before(std::uint64_t block) {
  while (table_.may_remove_before(block)) {
    RetiredNodes link(1);
    RetiredNode& retired = link.front();
    if (!table_.remove_before(block, retired.node)) return;
    retired.users = Announcement::Users(this, retired.node.first, retired.node.last);
    retired_nodes_.splice_after(retired_nodes_.before_begin(), link);
    retired_count_.fetch_add(1, std::memory_order_seq_cst);
  }
}

/// Changes the place of a block from `before` to `after`, and retires `before`, unless that is
/// none. Uses one of `links`, which were made before there was anything to lose. `size`: that of
/// `Retired`.
///
/// Returns: false if the block was released meanwhile: nothing has changed, and the caller has to
///     give `after` back. Requires: all that is published lies at `after`.
bool Storage::replace(RetiredList& links, std::uint64_t block, Entry entry, Place before,
                      Place after, std::uint64_t size) noexcept {
  std::uint64_t expected = before.word();
  if (!entry.word().compare_exchange_strong(expected, after.word(), std::memory_order_seq_cst)) {
    return false;
  }
  if (before.kind() == Place::Kind::none) return true;
  MutexLock lock(mutex_);
  retire(links, {.block = block, .entry = entry, .place = before, .size = size});
  return true;
}

/// Requires: its entry does not tell of the place any more.
void Storage::retire(RetiredList& links, Retired retired) noexcept {
  retired.users = Announcement::Users(this, retired.block, retired.block + 1);
  links.front() = std::move(retired);
  retired_.splice_after(retired_.before_begin(), links, links.before_begin());
  retired_count_.fetch_add(1, std::memory_order_seq_cst);
}

bool Storage::only_announced() noexcept {
  MutexLock lock(mutex_);
  return std::any_of(retired_.begin(), retired_.end(), [](const Retired& retired) {
    return retired.place.kind() != Place::Kind::spool && !retired.entry.is_pinned();
  });
}

/// Forgets users that are gone.
bool Storage::in_use(Retired& retired) noexcept {
  return retired.entry.is_pinned() ||
         !retired.users.are_gone(this, retired.block, retired.block + 1);
}

/// The same; a node is in use also as long as one of its blocks is.
bool Storage::in_use(RetiredNode& retired) noexcept {
  const BlockTable::Removed& node = retired.node;
  if (!retired.users.are_gone(this, node.first, node.last)) return true;
  for (const Retired& block : retired_) {
    if (node.first <= block.block && block.block < node.last) return true;
  }
  return node.leaf != nullptr && node.leaf->has_pins();
}

/// Takes those that are not in use out of the list, in its order.
template <typename T>
std::forward_list<T> Storage::take_unused(std::forward_list<T>& retired) noexcept {
  std::forward_list<T> unused;
  auto last = unused.before_begin();
  for (auto before = retired.before_begin(); std::next(before) != retired.end();) {
    if (in_use(*std::next(before))) {
      ++before;
    } else {
      unused.splice_after(last, retired, before);
      ++last;
      retired_count_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }
  return unused;
}

void Storage::reap() noexcept {
  RetiredList blocks;
  RetiredNodes nodes;
  {
    MutexLock lock(mutex_);
    if (release_unfinished_) give_up_released();
    blocks = take_unused(retired_);
    for (Retired& retired : blocks) {
      // Counted now, while the entry is sure to be there.
      if (retired.size == unknown) retired.size = retired.entry.published().head();
    }
    nodes = take_unused(retired_nodes_);  // Behind the blocks, whose nodes may be among them.
  }
  // Those that came last first, as the pool gives what it got last first: so blocks that lie side
  // by side come in order again.
  for (const Retired& retired : blocks) reclaim(retired);
  for (const RetiredNode& retired : nodes) BlockTable::free(retired.node);
}

void Storage::reclaim(const Retired& retired) noexcept {
  switch (retired.place.kind()) {
    case Place::Kind::memory: give_block_back(retired.place.address()); return;
    case Place::Kind::pieces:
      free_pieces();
      account_.give_back(piece_room_.exchange(0, std::memory_order_relaxed));
      return;
    case Place::Kind::spool:
      spool()->give_up(retired.place.slot(), static_cast<std::size_t>(retired.size));
      return;
    case Place::Kind::none:
    case Place::Kind::released: return;
  }
}

void Storage::unpin(ViewPin& pin) noexcept {
  // In a forked child the lock of the mappings may be held for ever.
  if (pin.mapping != nullptr && !fork_.is_child()) {
    auto* window = static_cast<SpoolFile::Window*>(pin.mapping);
    window->file->unmap(window);
  }
  if (pin.copy) account_.give_back(pin.copy_size);
  if (pin.pins != nullptr) {
    Entry::unpin(*static_cast<std::atomic<std::uint16_t>*>(pin.pins));
    if (retired_count_.load(std::memory_order_seq_cst) > 0 && !fork_.is_child()) reap();
  }
  pin = {};
}

}  // namespace seekable::inline v1::detail
