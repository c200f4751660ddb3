// Logs at their worst, from a seed: few runs, few nodes, few instants, so that duplicates, ties,
// contradictions, derived runs and runs in flight are the rule.
#pragma once

#include <chrono>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "make_record.hpp"
#include "rollout_generator.hpp"

namespace dagloop::test {

/// The range that awkward logs are read in: some of their records lie before it, some behind.
inline const Window kRange{at_minute(0), at_minute(120)};

/// Gives a table a record, or a line that could not be read.
inline void add(const OwnedRecord& record, RunTable& table) {
  if (record.is_unread) {
    table.reject("log", 1, record.unread(), record.line());
  } else {
    table.add(record.view(), record.line());
  }
}

/// Reads `records` with one table.
inline PartialSet settle(const std::vector<OwnedRecord>& records, RunTableOptions options) {
  RunTable table(std::move(options));
  for (const OwnedRecord& record : records) add(record, table);
  return table.finish();
}

/// Reads `records` with one table and the default options.
inline PartialSet settle(const std::vector<OwnedRecord>& records) {
  return settle(records, {kRange, "", Dedupe::runs});
}

/// Returns one of `values`.
template <typename Value>
Value one_of(Random& random, std::initializer_list<Value> values) {
  return *(values.begin() + random.below(values.size()));
}

/// Returns one of 14 instants, a third of them not on a slot's boundary.
inline TimePoint awkward_time(Random& random) {
  const TimePoint minute = at_minute(10 * static_cast<int>(random.below(14)) - 10);
  return random.chance(0.3) ? minute - Microseconds{1} : minute;
}

/// Makes some of the fields that decide unreadable.
inline void leave_out(OwnedRecord& record, Random& random) {
  if (!random.chance(0.2)) return;
  for (const Field field : kDecisiveFields) {
    if (!random.chance(0.4)) continue;
    record.lacks = static_cast<UnreadBits>(record.lacks | unread_bit(field));
    if (field == Field::cohort) record.cohort = Cohort::none;
    if (field == Field::duration_ms) record.duration_ms.reset();
    if (field == Field::error_code) record.error_code.clear();
    if (field == Field::pipeline_id) record.pipeline.clear();
    if (field == Field::compensation_status) record.compensation = CompensationStatus::none;
    if (field == Field::execution_mode && record.is_request)
      record.population = Population::non_dag;
  }
}

/// Returns a record of one of few runs, in no relation to any other record.
inline OwnedRecord awkward_record(Random& random) {
  OwnedRecord record;
  record.run = "r" + std::to_string(random.below(7));
  record.is_request = random.chance(0.2);
  if (random.chance(0.7)) record.node = one_of<const char*>(random, {"a", "b", "evaluate"});
  record.status =
      one_of(random, {Status::succeeded, Status::succeeded, Status::succeeded, Status::failed,
                      Status::failed, Status::manual_required, Status::cancelled, Status::skipped,
                      Status::running, Status::pending, Status::compensating});
  record.error_code =
      one_of<const char*>(random, {"", "", "TOOL_TIMEOUT", "VERIFY_COUNT_MISMATCH", "503", "odd"});
  record.plan_source = one_of<const char*>(random, {"", "llm", "rule"});
  record.compensation = one_of(random, {CompensationStatus::none, CompensationStatus::not_required,
                                        CompensationStatus::completed, CompensationStatus::failed,
                                        CompensationStatus::manual_required});
  record.population = random.chance(0.7) ? Population::dag : Population::non_dag;
  record.cohort = one_of(random, {Cohort::none, Cohort::canary, Cohort::control});
  record.verification = random.chance(0.2);
  record.fallback = random.chance(0.2);
  record.reuse = random.chance(0.2);
  record.attempt = 1 + static_cast<std::uint32_t>(random.below(3));
  record.at = awkward_time(random);
  // Thirds of milliseconds do not add up exactly: a sum that depended on the order would show.
  if (random.chance(0.6)) record.duration_ms = static_cast<double>(random.below(5'000'000)) / 3;
  record.fanout_total = random.below(5);
  record.fanout_failed = random.below(3);
  record.pipeline = one_of<const char*>(random, {"", "", "orders", "billing"});
  if (random.chance(0.3)) record.item = static_cast<std::uint32_t>(random.below(2));
  record.undoes = random.chance(0.1);
  if (random.chance(0.1)) record.error_code = "Upstream_Failed";
  if (random.chance(0.3)) record.tokens = random.below(100);
  if (random.chance(0.3)) record.cost = random.below(100);
  record.is_unread = random.chance(0.1);
  // All records of a run show the same.
  if (record.run != "r0") record.user = record.run < "r4" ? "ann" : "";
  if (record.run > "r4") record.request = "q";
  leave_out(record, random);
  return record;
}

/// Returns up to 60 records, some of them twice.
inline std::vector<OwnedRecord> awkward_log(Random& random) {
  std::vector<OwnedRecord> records;
  const std::size_t count = random.below(60);
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(awkward_record(random));
    if (random.chance(0.1)) records.push_back(OwnedRecord(records[random.below(records.size())]));
  }
  return records;
}

/// Puts `records` in another order.
inline void shuffle(std::vector<OwnedRecord>& records, Random& random) {
  for (std::size_t i = records.size(); i > 1; --i) {
    std::swap(records[i - 1], records[random.below(i)]);
  }
}

/// Returns the first of each set of identical node records, and all run records.
inline std::vector<OwnedRecord> without_identical_nodes(const std::vector<OwnedRecord>& records) {
  std::vector<OwnedRecord> kept;
  std::set<std::string> seen;
  for (const OwnedRecord& record : records) {
    if (record.is_unread || record.node.empty() || seen.insert(record.line()).second)
      kept.push_back(record);
  }
  return kept;
}

}  // namespace dagloop::test
