// Private to the kpi layer: which of several records' texts holds.
#pragma once

#include <cstdint>

#include "dagloop/base/time.hpp"
#include "run_rows.hpp"

namespace dagloop {

/// The text of the latest record that has one; of equally late ones the smallest.
class LatestText {
 public:
  explicit LatestText(const StringPool& texts) : texts_(texts) {}

  void take(std::uint32_t text, TimePoint at) {
    if (text == 0) return;
    const bool is_later = text_ == 0 || at > at_;
    if (!is_later && (at < at_ || texts_.text(text) >= texts_.text(text_))) return;
    text_ = text;
    at_ = at;
  }
  std::uint32_t text() const { return text_; }

 private:
  const StringPool& texts_;
  std::uint32_t text_ = 0;
  TimePoint at_;
};

}  // namespace dagloop
