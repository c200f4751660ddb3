// The runs that ended in one slot, settled and whole: what they count, and their rows, so that they
// can be settled again when a record of one of them comes late. Value types.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// A slot. Every settled run is in exactly one, that of its end.
struct SettledSlot {
  TimePoint slot;
  // Of the records of its runs, those that do not stand included.
  TimePoint earliest = TimePoint::max();
  TimePoint latest = TimePoint::min();
  std::uint64_t runs = 0;
  std::uint64_t duplicates = 0;
  std::map<PartialKey, KpiPartial> partials;  // all of this slot
  std::string key_prefixes;                   // 4 bytes a run
  std::string rows;                           // for RunTable::add_slot

  /// Adds other runs of the same slot.
  void merge(SettledSlot&& other);
};

/// Bytes of a key prefix.
inline constexpr std::size_t kKeyPrefixBytes = 4;

}  // namespace dagloop
