// The fields that decide as what a run counts: where one of them is there but cannot be read, the
// run is kept for what it says, and counts against a change for what it does not. Values,
// thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "dagloop/record/contract_words.hpp"

namespace dagloop {

/// The fields, in the one order in which bits stand for them.
inline constexpr std::array kDecisiveFields{
    Field::cohort,      Field::duration_ms,         Field::error_code,
    Field::pipeline_id, Field::compensation_status, Field::execution_mode};

/// Some of them: a bit a field, of unread_bit().
using UnreadBits = std::uint8_t;

/// How many bits that takes, and all of them.
inline constexpr int kUnreadBits = static_cast<int>(kDecisiveFields.size());
inline constexpr UnreadBits kAllUnread = (1U << kUnreadBits) - 1;
static_assert(kUnreadBits <= 6);  // beside the flags of a stored record

/// Returns the bit of a field; 0 where it is none of them.
constexpr UnreadBits unread_bit(Field field) {
  const auto* const found = std::ranges::find(kDecisiveFields, field);
  if (found == kDecisiveFields.end()) return 0;
  return static_cast<UnreadBits>(1U << static_cast<unsigned>(found - kDecisiveFields.begin()));
}

}  // namespace dagloop
