// SPDX-License-Identifier: Apache-2.0
#include "seekable/error.hpp"

namespace seekable::inline v1 {

namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "seekable"; }

  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::cancelled: return "cancelled";
      case Errc::timed_out: return "timed out";
      case Errc::released: return "the bytes were given up";
      case Errc::truncated: return "the stream ended before its declared size";
      case Errc::overrun: return "the stream went on past its declared size";
      case Errc::source_changed: return "the source changed while it was read";
      case Errc::source_failed: return "the source failed";
      case Errc::disk_full: return "no store has room within its limits";
      case Errc::spool_corrupt: return "an encrypted block of the spool does not verify";
    }
    return "unknown error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<Errc>(value)) {
      case Errc::cancelled: return std::errc::operation_canceled;
      case Errc::timed_out: return std::errc::timed_out;
      case Errc::disk_full: return std::errc::no_space_on_device;
      default: return {value, *this};
    }
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

Error::Error(std::error_code code, const std::string& what, std::uint64_t offset)
    : std::system_error(code, what), offset_(offset) {}

Error::Error(const Failure& failure)
    : std::system_error(failure.code),
      offset_(failure.offset),
      message_(std::make_shared<const std::string>(failure.message)) {}

const char* Error::what() const noexcept {
  return message_ ? message_->c_str() : std::system_error::what();
}

}  // namespace seekable::inline v1
