#include "source/partial_rows.hpp"

#include <algorithm>
#include <string_view>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::array<std::pair<std::string_view, RowKind>, 5> kKinds{{
    {"run", RowKind::run},
    {"node", RowKind::node},
    {"input", RowKind::input},
    {"reject", RowKind::reject},
    {"shard", RowKind::shard},
}};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(
      ErrorKind::source, "the database's answer", what,
      "this is a fault of dagloop or of a changed table: report it with the table's columns");
}

std::uint64_t count_of(std::int64_t value) {
  if (value < 0) refuse("a count is negative: " + std::to_string(value));
  return static_cast<std::uint64_t>(value);
}

void add_counts(const RowCounts& from, RowCounts& to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

RowKind parse_row_kind(const std::string& word) {
  const auto* found =
      std::ranges::find_if(kKinds, [&](const auto& each) { return each.first == word; });
  if (found == kKinds.end()) refuse("a row is of the unknown kind \"" + word + "\"");
  return found->second;
}

TimePoint slot_of_stretch(std::int64_t stretch, const LogQuery& query) {
  if (query.cuts.empty()) return TimePoint(stretch * kSlot);
  if (stretch == 0) return floor_to_slot(query.range.start);
  return query.cuts.at(static_cast<std::size_t>(stretch - 1));
}

void PartialRows::add_runs(const PartialRow& row) {
  const std::int64_t runs = row.n[0];
  RowCounts n = row.n;
  if (classes_.classify(row.error_code) == ErrorClass::verification) n[4] = runs;
  Sums& sums = sums_[{row.slot, row.population, row.cohort}];
  add_counts(n, sums.n);
  if (row.bucket) sums.buckets[*row.bucket] += runs;
  if (!row.error_code.empty()) sums.error_codes[row.error_code] += runs;
  if (row.name.empty()) return;
  auto& [all, succeeded] = sums.plan_sources[row.name];
  all += runs;
  succeeded += row.n[1];
}

void PartialRows::add_input(const PartialRow& row) {
  input_.records += count_of(row.n[0]) + count_of(row.n[1]);
  input_.run_records += count_of(row.n[0]);
  input_.node_records += count_of(row.n[1]);
  input_.duplicates += count_of(row.n[2]);
  if (row.n[3] < 0) return;
  const TimePoint newest{Microseconds{row.n[3]}};
  if (!input_.newest_record || newest > *input_.newest_record) input_.newest_record = newest;
}

void PartialRows::add(const PartialRow& row) {
  switch (row.kind) {
    case RowKind::run:
      return add_runs(row);
    case RowKind::node: {
      NodeSums& node = sums_[{row.slot, row.population, row.cohort}].nodes[row.name];
      add_counts(row.n, node.n);
      if (row.bucket) node.buckets[*row.bucket] += row.n[0];
      return;
    }
    case RowKind::input:
      return add_input(row);
    case RowKind::reject: {
      const std::int64_t place = row.n[1];
      if (place < 0 || place > static_cast<std::int64_t>(RejectReason::line_too_long)) {
        refuse("no reason to reject a row has the number " + std::to_string(place));
      }
      input_.records += count_of(row.n[0]);
      input_.malformed += count_of(row.n[0]);
      input_.malformed_by_reason[static_cast<RejectReason>(place)] += count_of(row.n[0]);
      return;
    }
    case RowKind::shard:
      return;
  }
}

DurationHistogram PartialRows::histogram_of(const Buckets& buckets) {
  std::map<std::int32_t, std::uint64_t> counts;
  for (const auto& [bucket, count] : buckets) {
    if (bucket < 0) refuse("a duration is negative");
    if (count != 0) counts[bucket] = count_of(count);
  }
  return DurationHistogram(counts);
}

KpiPartial PartialRows::partial_of(const Sums& sums) {
  KpiPartial partial;
  const std::array<std::uint64_t*, 12> counts{
      &partial.total_runs,          &partial.succeeded,           &partial.in_flight,
      &partial.derived_runs,        &partial.verification_failed, &partial.fallback,
      &partial.compensation_failed, &partial.compensation_total,  &partial.manual_required,
      &partial.idempotent_reuse,    &partial.fanout_failed,       &partial.fanout_total};
  for (std::size_t i = 0; i < counts.size(); ++i) *counts[i] = count_of(sums.n[i]);
  partial.latency = histogram_of(sums.buckets);
  for (const auto& [code, count] : sums.error_codes) {
    if (count != 0) partial.error_codes[code] = count_of(count);
  }
  for (const auto& [source, runs] : sums.plan_sources) {
    if (runs.first != 0)
      partial.plan_sources[source] = {count_of(runs.first), count_of(runs.second)};
  }
  for (const auto& [name, node] : sums.nodes) {
    partial.nodes[name] = {count_of(node.n[0]), count_of(node.n[1]), count_of(node.n[2]),
                           count_of(node.n[3]), count_of(node.n[4]), histogram_of(node.buckets)};
  }
  return partial;
}

PartialSet PartialRows::finish() {
  PartialSet set;
  set.input = std::move(input_);
  for (const auto& [key, sums] : sums_) set.partials[key] = partial_of(sums);
  return set;
}

}  // namespace dagloop
