#include "dagloop/kpi/attribution.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

/// How often each label stands on both sides.
using CountsByLabel = std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>;

struct Sides {
  RunCounts subject;
  RunCounts reference;
};

RunCounts counts_of(const KpiPartial& runs) {
  return {runs.total_runs, runs.total_runs - runs.succeeded};
}

std::int64_t signed_count(std::uint64_t count) { return static_cast<std::int64_t>(count); }

double per_run(std::int64_t count, const RunCounts& side) {
  return static_cast<double>(count) / static_cast<double>(side.runs);
}

// With an interval where the counts may be shares of the runs.
CountedPart counted(std::string name, std::pair<std::int64_t, std::int64_t> counts,
                    const Sides& sides) {
  CountedPart part{std::move(name), counts.first, counts.second, {}};
  part.effect.value =
      per_run(counts.first, sides.subject) - per_run(counts.second, sides.reference);
  // What is left over may be negative where runs stand under several labels.
  if (counts.first < 0 || counts.second < 0) return part;
  part.effect =
      proportion_difference95({static_cast<std::uint64_t>(counts.first), sides.subject.runs},
                              {static_cast<std::uint64_t>(counts.second), sides.reference.runs});
  return part;
}

// The greatest effects come first; the order never depends on how the labels came.
template <typename Part>
void sort_by_effect(std::vector<Part>& parts) {
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    const double one = std::abs(a.effect.value);
    const double other = std::abs(b.effect.value);
    return one != other ? one > other : a.name < b.name;
  });
}

enum class Labels { exclusive, overlapping };  // whether a run may stand under several

CountedBreakdown break_down(const CountsByLabel& labels, const Sides& sides, Labels kind) {
  CountedBreakdown found;
  std::int64_t subject_rest = signed_count(sides.subject.failed);
  std::int64_t reference_rest = signed_count(sides.reference.failed);
  for (const auto& [label, counts] : labels) {
    const std::pair both(signed_count(counts.first), signed_count(counts.second));
    found.parts.push_back(counted(label, both, sides));
    subject_rest -= both.first;
    reference_rest -= both.second;
  }
  sort_by_effect(found.parts);
  std::pair<std::int64_t, std::int64_t> others(0, 0);
  for (std::size_t i = Attribution::kShownParts; i < found.parts.size(); ++i) {
    others.first += found.parts[i].subject_count;
    others.second += found.parts[i].reference_count;
  }
  found.parts.resize(std::min(found.parts.size(), Attribution::kShownParts));
  found.others = counted("", others, sides);
  found.rest = counted("", {subject_rest, reference_rest}, sides);
  if (labels.size() <= Attribution::kShownParts) found.others.effect.ci95.reset();
  // Runs that count several times, or are taken away, are no shares of the runs.
  if (kind == Labels::overlapping) {
    found.others.effect.ci95.reset();
    found.rest.effect.ci95.reset();
  }
  return found;
}

CountsByLabel count_error_codes(const KpiPartial& subject, const KpiPartial& reference) {
  CountsByLabel labels;
  for (const auto& [code, runs] : subject.error_codes) labels[redact_label(code)].first += runs;
  for (const auto& [code, runs] : reference.error_codes) labels[redact_label(code)].second += runs;
  return labels;
}

// Pairs of run and node no attempt of which ended otherwise than failed.
std::uint64_t failed_for_good(const NodePartial& node) {
  // Each attempt that did not fail saves at most one pair, so this is the least number that failed
  // for good; counts are kept by node, not by run.
  const std::uint64_t others = node.attempts - node.failed_attempts;
  return node.run_node_pairs - std::min(node.run_node_pairs, others);
}

CountsByLabel count_failed_nodes(const KpiPartial& subject, const KpiPartial& reference) {
  CountsByLabel labels;
  for (const auto& [name, node] : subject.nodes) {
    labels[redact_label(name)].first += failed_for_good(node);
  }
  for (const auto& [name, node] : reference.nodes) {
    labels[redact_label(name)].second += failed_for_good(node);
  }
  return labels;
}

Estimate scaled_estimate(double factor, Estimate estimate) {
  estimate.value *= factor;
  if (estimate.ci95) {
    estimate.ci95 = Interval{estimate.ci95->low * factor, estimate.ci95->high * factor};
  }
  return estimate;
}

Estimate negative(const Estimate& estimate) {
  Estimate turned{-estimate.value, std::nullopt};
  if (estimate.ci95) turned.ci95 = Interval{-estimate.ci95->high, -estimate.ci95->low};
  return turned;
}

// The failure rate of both sides in the middle; of one alone where the other has no runs.
Estimate mean_rate(const RunCounts& subject, const RunCounts& reference) {
  const auto rate = [](const RunCounts& side) {
    Estimate estimate{side.failure_rate(), std::nullopt};
    if (side.failed <= side.runs) estimate.ci95 = wilson95(side.failed, side.runs);
    return estimate;
  };
  if (reference.runs == 0) return rate(subject);
  if (subject.runs == 0) return rate(reference);
  return scaled_estimate(0.5, sum95(rate(subject), rate(reference)));
}

// Kitagawa's two effects. What one side lacks fails at the same rate on both: it is all mix. The
// mix counts against the mean of all runs: more of what fails less is better.
SourcePart source_part(std::string name, const Sides& of, const Sides& all) {
  SourcePart part{std::move(name), of.subject, of.reference, {}, {}, {}};
  const bool is_on_both = of.subject.runs > 0 && of.reference.runs > 0;
  const double subject_share = per_run(signed_count(of.subject.runs), all.subject);
  const double reference_share = per_run(signed_count(of.reference.runs), all.reference);
  if (is_on_both) {
    // Each effect at the mean of the other, so that together they are exactly the difference.
    part.rate_effect =
        scaled_estimate((subject_share + reference_share) / 2,
                        proportion_difference95({of.subject.failed, of.subject.runs},
                                                {of.reference.failed, of.reference.runs}));
  }
  if (of.subject.runs == all.subject.runs && of.reference.runs == all.reference.runs) {
    part.effect = part.rate_effect;  // the only source: there is no mix
    return part;
  }
  const Estimate apart =
      sum95(mean_rate(of.subject, of.reference), negative(mean_rate(all.subject, all.reference)));
  part.mix_effect = product95(proportion_difference95({of.subject.runs, all.subject.runs},
                                                      {of.reference.runs, all.reference.runs}),
                              apart);
  part.effect = is_on_both ? sum95(part.rate_effect, part.mix_effect) : part.mix_effect;
  return part;
}

SourceBreakdown break_down_sources(const Strata& subject, const Strata& reference,
                                   const Sides& all) {
  std::map<std::string, Sides> sources;
  for (const auto& [name, counts] : subject) sources[name].subject = counts;
  for (const auto& [name, counts] : reference) sources[name].reference = counts;
  SourceBreakdown found;
  for (const auto& [name, counts] : sources) {
    if (counts.subject.runs + counts.reference.runs == 0) continue;
    found.parts.push_back(source_part(name, counts, all));
  }
  sort_by_effect(found.parts);
  for (std::size_t i = Attribution::kShownParts; i < found.parts.size(); ++i) {
    const SourcePart& part = found.parts[i];
    found.others.subject.merge(part.subject);
    found.others.reference.merge(part.reference);
    found.others.rate_effect.value += part.rate_effect.value;
    found.others.mix_effect.value += part.mix_effect.value;
    found.others.effect.value += part.effect.value;
  }
  found.parts.resize(std::min(found.parts.size(), Attribution::kShownParts));
  return found;
}

}  // namespace

std::optional<Attribution> attribute(const AttributedSide& subject,
                                     const AttributedSide& reference) {
  const Sides all{counts_of(subject.runs), counts_of(reference.runs)};
  if (all.subject.runs == 0 || all.reference.runs == 0) return std::nullopt;
  const Strata subject_sources = strata_by_plan_source(subject.runs);
  const Strata reference_sources = strata_by_plan_source(reference.runs);

  Attribution found;
  found.subject_name = subject.name;
  found.reference_name = reference.name;
  found.subject = all.subject;
  found.reference = all.reference;
  found.difference = proportion_difference95({all.subject.failed, all.subject.runs},
                                             {all.reference.failed, all.reference.runs});
  found.error_codes =
      break_down(count_error_codes(subject.runs, reference.runs), all, Labels::exclusive);
  found.nodes =
      break_down(count_failed_nodes(subject.runs, reference.runs), all, Labels::overlapping);
  found.plan_sources = break_down_sources(subject_sources, reference_sources, all);
  found.stratified.push_back(stratify("plan_source", subject_sources, reference_sources));
  if (subject.hours && reference.hours) {
    found.stratified.push_back(stratify("hour_of_day", *subject.hours, *reference.hours));
  }
  return found;
}

}  // namespace dagloop
