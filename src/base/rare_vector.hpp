// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace seekable::inline v1::detail {

/// A vector of which most streams never use any: 8 bytes until something is put into it.
///
/// Its calls mean what those of std::vector mean, or do what they are named after.
/// Requires: something was put into it before `[]`, `front`, `pop_back`, `pop_front`, `resize`.
/// Threads: as a vector.
template <typename T>
class RareVector {
 public:
  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return made_ ? made_->size() : 0; }
  T* begin() noexcept { return made_ ? made_->data() : nullptr; }
  T* end() noexcept { return begin() + size(); }
  const T* begin() const noexcept { return made_ ? made_->data() : nullptr; }
  const T* end() const noexcept { return begin() + size(); }
  T& operator[](std::size_t i) noexcept { return (*made_)[i]; }
  T& front() noexcept { return made_->front(); }

  void push_back(T value) {
    if (!made_) made_ = std::make_unique<std::vector<T>>();
    made_->push_back(std::move(value));
  }
  /// `push_back` up to this size takes no memory.
  void reserve(std::size_t size) {
    if (!made_) made_ = std::make_unique<std::vector<T>>();
    if (made_->capacity() < size) made_->reserve(std::max(size, 2 * made_->capacity()));
  }
  void pop_back() noexcept { made_->pop_back(); }
  void pop_front() noexcept { made_->erase(made_->begin()); }
  void resize(std::size_t size) { made_->resize(size); }
  void clear() noexcept {
    if (made_) made_->clear();
  }

  template <typename Predicate>
  void erase_if(Predicate predicate) {
    if (made_) std::erase_if(*made_, predicate);
  }

 private:
  std::unique_ptr<std::vector<T>> made_;
};

}  // namespace seekable::inline v1::detail
