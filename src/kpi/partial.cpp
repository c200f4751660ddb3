#include "dagloop/kpi/partial.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "label_bound.hpp"

namespace dagloop {
namespace {

template <typename Value>
void merge_sorted(const std::vector<Value>& from, std::vector<Value>& to) {
  if (from.empty()) return;
  const auto middle = static_cast<std::ptrdiff_t>(to.size());
  to.insert(to.end(), from.begin(), from.end());
  std::inplace_merge(to.begin(), to.begin() + middle, to.end());
}

// Keeps the first.
template <typename Example>
void merge_examples(const std::vector<Example>& from, std::vector<Example>& to) {
  merge_sorted(from, to);
  if (to.size() > InputCounts::kMaxExamples) to.resize(InputCounts::kMaxExamples);
}

}  // namespace

void KpiPartial::add_code(const std::string& label, const CodeClass& of, std::uint64_t runs) {
  error_classes.at(static_cast<std::size_t>(of.error_class)) += runs;
  const auto [counted, is_new] = error_codes.try_emplace(label, 0);
  counted->second += runs;
  if (!is_new) return;
  if (of.is_named) named_codes.insert(label);
  bound_many_labels(error_codes, named_codes);
}

void KpiPartial::bound_labels() {
  dagloop::bound_labels(error_codes, named_codes);
  dagloop::bound_labels(nodes);
  dagloop::bound_labels(plan_sources);
  dagloop::bound_labels(pipelines);
  dagloop::bound_labels(strata);
}

std::uint64_t label_rank(const std::string& label) {
  return XXH3_64bits(label.data(), label.size());
}

std::uint64_t label_rank(const Stratum& stratum) {
  return XXH3_64bits_withSeed(stratum.pipeline.data(), stratum.pipeline.size(),
                              label_rank(stratum.plan_source));
}

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
  for (std::size_t i = 0; i < error_classes.size(); ++i) error_classes[i] += other.error_classes[i];
  for (const auto& [code, count] : other.error_codes) error_codes[code] += count;
  named_codes.insert(other.named_codes.begin(), other.named_codes.end());
  for (const auto& [node, partial] : other.nodes) nodes[node].merge(partial);
  for (const auto& [source, partial] : other.plan_sources) plan_sources[source].merge(partial);
  for (const auto& [name, partial] : other.pipelines) pipelines[name].merge(partial);
  for (const auto& [stratum, partial] : other.strata) strata[stratum].merge(partial);
  merge_sorted(other.open_runs, open_runs);
  users.merge(other.users);
  latency.merge(other.latency);
  bound_labels();
}

void LineShare::merge(const LineShare& other) {
  lines += other.lines;
  unread += other.unread;
}

void RangeLines::add(Cohort cohort, const LineShare& line) {
  all.merge(line);
  if (cohort == Cohort::canary) canary.merge(line);
  if (cohort == Cohort::control) control.merge(line);
}

void RangeLines::merge(const RangeLines& other) {
  all.merge(other.all);
  canary.merge(other.canary);
  control.merge(other.control);
}

void InputCounts::reject(MalformedExample example) {
  ++records;
  ++malformed;
  ++malformed_by_reason[example.reason];
  merge_examples({std::move(example)}, examples);
}

void InputCounts::merge(const InputCounts& other) {
  records += other.records;
  run_records += other.run_records;
  node_records += other.node_records;
  other_lines += other.other_lines;
  duplicates += other.duplicates;
  malformed += other.malformed;
  out_of_range += other.out_of_range;
  set_aside += other.set_aside;
  without_time += other.without_time;
  for (const auto& [reason, count] : other.malformed_by_reason) {
    malformed_by_reason[reason] += count;
  }
  for (const auto& [field, count] : other.mended_by_field) mended_by_field[field] += count;
  merge_examples(other.examples, examples);
  merge_examples(other.mended_examples, mended_examples);
  window.merge(other.window);
  keep_latest(other.newest_record, newest_record);
  keep_latest(other.newest_unread, newest_unread);
}

void PartialSet::merge(const PartialSet& other) {
  for (const auto& [key, partial] : other.partials) partials[key].merge(partial);
  input.merge(other.input);
}

void PartialSet::forget_tries() {
  for (auto& [key, partial] : partials) partial.runs_without_tries = partial.total_runs;
}

KpiPartial PartialSet::sum(const Window& window, Population population,
                           std::optional<Cohort> cohort,
                           std::optional<TimePoint> begun_from) const {
  DAGLOOP_ASSERT(floor_to_slot(window.start) == window.start);
  KpiPartial total;
  // The first key that a slot can have.
  for (auto at = partials.lower_bound(PartialKey{window.start, Population::dag, Cohort::none});
       at != partials.end() && at->first.slot < window.end; ++at) {
    if (at->first.population != population) continue;
    if (cohort && at->first.cohort != *cohort) continue;
    if (begun_from && !at->first.age.surely_began(at->first.slot, *begun_from)) continue;
    total.merge(at->second);
  }
  return total;
}

}  // namespace dagloop
