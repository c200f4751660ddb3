#include "dagloop/kpi/partial.hpp"

#include <algorithm>

#include "dagloop/base/assert.hpp"

namespace dagloop {

void NodePartial::merge(const NodePartial& other) {
  for (const auto count : kAttemptCounts) this->*count += other.*count;
  latency.merge(other.latency);
}

void PlanSourcePartial::merge(const PlanSourcePartial& other) {
  runs += other.runs;
  succeeded += other.succeeded;
}

void KpiPartial::merge(const KpiPartial& other) {
  for (const auto count : kRunCounts) this->*count += other.*count;
  for (const auto& [code, count] : other.error_codes) error_codes[code] += count;
  for (const auto& [node, partial] : other.nodes) nodes[node].merge(partial);
  for (const auto& [source, partial] : other.plan_sources) plan_sources[source].merge(partial);
  latency.merge(other.latency);
}

void InputCounts::reject(const std::string& file, std::uint64_t line, RejectReason reason) {
  InputCounts one;
  one.records = 1;
  one.malformed = 1;
  one.malformed_by_reason[reason] = 1;
  one.examples.push_back({file, line, reason});
  merge(one);
}

void InputCounts::merge(const InputCounts& other) {
  records += other.records;
  run_records += other.run_records;
  node_records += other.node_records;
  duplicates += other.duplicates;
  malformed += other.malformed;
  out_of_range += other.out_of_range;
  for (const auto& [reason, count] : other.malformed_by_reason) {
    malformed_by_reason[reason] += count;
  }
  examples.insert(examples.end(), other.examples.begin(), other.examples.end());
  // The first by file and line, whichever thread met them first.
  std::sort(examples.begin(), examples.end());
  if (examples.size() > kMaxExamples) examples.resize(kMaxExamples);
  if (!newest_record || (other.newest_record && *other.newest_record > *newest_record)) {
    newest_record = other.newest_record;
  }
}

void PartialSet::merge(const PartialSet& other) {
  for (const auto& [key, partial] : other.partials) partials[key].merge(partial);
  input.merge(other.input);
}

KpiPartial PartialSet::sum(const Window& window, Population population,
                           std::optional<Cohort> cohort) const {
  DAGLOOP_ASSERT(floor_to_slot(window.start) == window.start);
  DAGLOOP_ASSERT(floor_to_slot(window.end) == window.end);
  KpiPartial total;
  // The first key that a slot can have.
  for (auto at = partials.lower_bound(PartialKey{window.start, Population::dag, Cohort::none});
       at != partials.end() && at->first.slot < window.end; ++at) {
    if (at->first.population != population) continue;
    if (cohort && at->first.cohort != *cohort) continue;
    total.merge(at->second);
  }
  return total;
}

}  // namespace dagloop
