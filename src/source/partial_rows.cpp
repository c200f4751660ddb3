#include "source/partial_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::array<std::pair<std::string_view, RowKind>, 10> kKinds{{
    {"run", RowKind::run},
    {"error_code", RowKind::error_code},
    {"plan_source", RowKind::plan_source},
    {"node", RowKind::node},
    {"latency", RowKind::latency},
    {"duration", RowKind::duration},
    {"node_latency", RowKind::node_latency},
    {"node_duration", RowKind::node_duration},
    {"input", RowKind::input},
    {"reject", RowKind::reject},
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

RejectReason reason_of(const std::string& word) {
  for (auto each = RejectReason::not_json_object; each <= RejectReason::line_too_long;
       each = static_cast<RejectReason>(static_cast<int>(each) + 1)) {
    if (to_string(each) == word) return each;
  }
  refuse("no reason to reject a row is called \"" + word + "\"");
}

void add_runs(const PartialRow& row, KpiPartial& partial) {
  const std::array<std::uint64_t*, 12> counts{
      &partial.total_runs,          &partial.succeeded,           &partial.in_flight,
      &partial.derived_runs,        &partial.verification_failed, &partial.fallback,
      &partial.compensation_failed, &partial.compensation_total,  &partial.manual_required,
      &partial.idempotent_reuse,    &partial.fanout_failed,       &partial.fanout_total};
  for (std::size_t i = 0; i < counts.size(); ++i) *counts[i] += count_of(row.n[i]);
}

void add_node(const PartialRow& row, NodePartial& node) {
  node.attempts += count_of(row.n[0]);
  node.failed_attempts += count_of(row.n[1]);
  node.retries += count_of(row.n[2]);
  node.retries_succeeded += count_of(row.n[3]);
  node.run_node_pairs += count_of(row.n[4]);
}

void add_durations(const PartialRow& row, DurationHistogram& histogram) {
  const auto duration_ms = std::bit_cast<double>(row.n[0]);
  if (!std::isfinite(duration_ms) || duration_ms < 0) refuse("a duration is none");
  const std::uint64_t equal = count_of(row.n[1]);
  if (equal > DurationHistogram::kExactLimit) refuse("many durations came one by one");
  for (std::uint64_t i = 0; i < equal; ++i) histogram.add(duration_ms);
}

}  // namespace

RowKind parse_row_kind(const std::string& word) {
  const auto* found =
      std::ranges::find_if(kKinds, [&](const auto& each) { return each.first == word; });
  if (found == kKinds.end()) refuse("a row is of the unknown kind \"" + word + "\"");
  return found->second;
}

DurationHistogram& PartialRows::histogram_of(const Owner& owner) {
  KpiPartial& partial = set_.partials[owner.first];
  return owner.second.empty() ? partial.latency : partial.nodes[owner.second].latency;
}

void PartialRows::add_input(const PartialRow& row) {
  InputCounts& input = set_.input;
  input.records += count_of(row.n[0]);
  input.run_records += count_of(row.n[1]);
  input.node_records += count_of(row.n[2]);
  input.duplicates += count_of(row.n[3]);
  if (row.n[4] < 0) return;
  const TimePoint newest{Microseconds{row.n[4]}};
  if (!input.newest_record || newest > *input.newest_record) input.newest_record = newest;
}

void PartialRows::add(const PartialRow& row) {
  const PartialKey key{row.slot, row.population, row.cohort};
  switch (row.kind) {
    case RowKind::run:
      return add_runs(row, set_.partials[key]);
    case RowKind::error_code:
      set_.partials[key].error_codes[row.name] += count_of(row.n[0]);
      return;
    case RowKind::plan_source:
      set_.partials[key].plan_sources[row.name].merge({count_of(row.n[0]), count_of(row.n[1])});
      return;
    case RowKind::node:
      return add_node(row, set_.partials[key].nodes[row.name]);
    case RowKind::latency:
    case RowKind::node_latency:
      buckets_[{key, row.name}][static_cast<std::int32_t>(row.n[0])] += count_of(row.n[1]);
      return;
    case RowKind::duration:
    case RowKind::node_duration:
      return add_durations(row, histogram_of({key, row.name}));
    case RowKind::input:
      return add_input(row);
    case RowKind::reject: {
      const RejectReason reason = reason_of(row.name);
      set_.input.malformed += count_of(row.n[0]);
      set_.input.malformed_by_reason[reason] += count_of(row.n[0]);
      return;
    }
  }
}

PartialSet PartialRows::finish() {
  for (auto& [owner, buckets] : buckets_) {
    std::uint64_t total = 0;
    for (const auto& [bucket, count] : buckets) total += count;
    if (total <= DurationHistogram::kExactLimit) refuse("few durations came in buckets");
    histogram_of(owner).merge(DurationHistogram(std::move(buckets)));
  }
  return std::move(set_);
}

}  // namespace dagloop
