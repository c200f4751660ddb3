// Private to the source layer: what was counted of a range of a database's rows, as it is kept
// between ticks, and by which windows two ranges differ. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/partial_rows.hpp"

namespace dagloop {

/// What a slot's rows are known by: how many there are, and who wrote them.
struct SlotMark {
  std::int64_t rows = 0;
  std::int64_t writers = 0;
  bool operator==(const SlotMark&) const = default;
};
/// By the number of the slot since 1970; slots without rows are absent.
using SlotMarks = std::map<std::int64_t, SlotMark>;

/// Sums over a range.
struct CountedRange {
  LogQuery query;  // its range and cuts
  RowSums sums;
  SlotMarks slots;
  std::int64_t turn = 0;  // which slots are to be looked at next
};

std::string encode(const CountedRange& counted);
/// Errors: nullopt for bytes that encode() does not give.
std::optional<CountedRange> decode_counted_range(std::string_view bytes);

std::int64_t slot_number(TimePoint time);
TimePoint slot_time(std::int64_t number);
/// Returns the marks from slot `from` up to `to`.
SlotMarks slots_between(const SlotMarks& slots, std::int64_t from, std::int64_t to);

/// Returns the part of a query that is older than `lateness` at its end. Cuts beyond it stand at
/// its end.
LogQuery sealed_part(const LogQuery& query, Microseconds lateness);

/// Returns whether one query's sums can be moved to another's, and are worth it: as many cuts, a
/// start that is no earlier, and the windows by which they differ are less than a quarter of the
/// range.
bool is_near(const LogQuery& counted, const LogQuery& query);

/// Returns the windows by which two queries differ: outside of them, a record lies in the same
/// span of both, or of neither. Disjoint, ascending.
std::vector<Window> windows_between(const LogQuery& counted, const LogQuery& query);

/// Returns the least window that holds both.
Window hull_of(const Window& a, const Window& b);

}  // namespace dagloop
