#include "dagloop/kpi/stratified.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/kpi/mantel_haenszel.hpp"

namespace dagloop {
namespace {

constexpr double kMuchSmaller = 0.5;
constexpr double kEnoughRuns = 0.5;  // of the subject's, in strata that can be compared

RunCounts total_of(const Strata& strata) {
  RunCounts total;
  for (const auto& [name, counts] : strata) total.merge(counts);
  return total;
}

bool is_notable(const Estimate& difference) {
  return difference.ci95 && (difference.ci95->low > 0 || difference.ci95->high < 0);
}

// Much smaller, or the other way round.
bool is_little_of(const Estimate& part, const Estimate& whole) {
  return part.value * whole.value <= 0 ||
         std::abs(part.value) < kMuchSmaller * std::abs(whole.value);
}

MixFinding finding_of(const Estimate& plain, const StratifiedDifference& stratified) {
  if (!stratified.difference || stratified.subject_share < kEnoughRuns) return MixFinding::none;
  const Estimate& alike = *stratified.difference;
  if (is_notable(plain) && is_little_of(alike, plain)) return MixFinding::mix_explains_difference;
  if (is_notable(alike) && is_little_of(plain, alike)) return MixFinding::mix_hides_difference;
  return MixFinding::none;
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void RunCounts::merge(const RunCounts& other) {
  runs += other.runs;
  failed += other.failed;
}

double RunCounts::failure_rate() const { return runs == 0 ? 0 : share_of(failed, runs); }

std::string_view to_string(MixFinding finding) {
  constexpr std::array<std::string_view, 3> kWords{"none", "mix_explains_difference",
                                                   "mix_hides_difference"};
  return kWords.at(static_cast<std::size_t>(finding));
}

Strata strata_by_plan_source(const KpiPartial& runs) {
  Strata strata;
  RunCounts left{runs.total_runs, runs.total_runs - runs.succeeded};
  for (const auto& [source, counts] : runs.plan_sources) {
    const RunCounts some{counts.runs, counts.runs - counts.succeeded};
    strata[redact_label(source)].merge(some);
    left.runs -= std::min(left.runs, some.runs);
    left.failed -= std::min(left.failed, some.failed);
  }
  if (left.runs > 0) strata[""].merge({left.runs, std::min(left.failed, left.runs)});
  return strata;
}

Strata strata_by_hour(const PartialSet& partials, const Window& window, Population population,
                      std::optional<Cohort> cohort) {
  Strata strata;
  for (const auto& [key, partial] : partials.partials) {
    if (!window.contains(key.slot) || key.population != population) continue;
    if ((cohort && key.cohort != *cohort) || partial.total_runs == 0) continue;
    const auto day = std::chrono::floor<std::chrono::days>(key.slot);
    const auto hour = std::chrono::floor<std::chrono::hours>(key.slot - day).count();
    const std::string name = (hour < 10 ? "0" : "") + std::to_string(hour);
    strata[name].merge({partial.total_runs, partial.total_runs - partial.succeeded});
  }
  return strata;
}

StratifiedDifference stratify(std::string by, const Strata& subject, const Strata& reference) {
  const RunCounts all_subject = total_of(subject);
  const RunCounts all_reference = total_of(reference);
  DAGLOOP_ASSERT(all_subject.runs > 0 && all_reference.runs > 0);
  RunCounts shared_subject;
  RunCounts shared_reference;
  MantelHaenszel sums;
  StratifiedDifference found;
  found.by = std::move(by);
  for (const auto& [name, counts] : subject) {
    const auto other = reference.find(name);
    if (other == reference.end() || counts.runs == 0 || other->second.runs == 0) continue;
    ++found.strata;
    sums.add({counts.runs, counts.failed}, {other->second.runs, other->second.failed});
    shared_subject.merge(counts);
    shared_reference.merge(other->second);
  }
  found.subject_share = share_of(shared_subject.runs, all_subject.runs);
  found.reference_share = share_of(shared_reference.runs, all_reference.runs);
  if (found.strata > 0) found.difference = sums.difference();
  const Estimate plain = proportion_difference95({all_subject.failed, all_subject.runs},
                                                 {all_reference.failed, all_reference.runs});
  found.finding = finding_of(plain, found);
  return found;
}

}  // namespace dagloop
