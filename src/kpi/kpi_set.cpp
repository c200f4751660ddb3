#include "dagloop/kpi/kpi_set.hpp"

#include <algorithm>
#include <array>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

Kpi make_ratio(std::uint64_t numerator, std::uint64_t denominator) {
  Kpi kpi;
  kpi.kind = KpiKind::ratio;
  kpi.numerator = numerator;
  kpi.denominator = denominator;
  if (denominator > 0) {
    kpi.value = static_cast<double>(numerator) / static_cast<double>(denominator);
  }
  return kpi;
}

Kpi make_quantile(const DurationHistogram& latency, double p) {
  Kpi kpi;
  kpi.kind = KpiKind::quantile;
  kpi.value = latency.quantile(p);
  kpi.denominator = latency.count();
  kpi.method = latency.method();
  return kpi;
}

NodePartial all_nodes(const KpiPartial& partial) {
  NodePartial total;
  for (const auto& [name, node] : partial.nodes) {
    total.attempts += node.attempts;
    total.failed_attempts += node.failed_attempts;
    total.run_node_pairs += node.run_node_pairs;
  }
  return total;
}

// Null where some tries are not known, whatever is taken for granted of other runs.
void add_attempts(const KpiPartial& partial, const AssumedRuns& assumed, KpiSet& kpis) {
  const std::uint64_t failed = assumed.unread_failed;
  const std::uint64_t all = failed + assumed.unread_good;
  const bool are_known = partial.runs_without_tries == 0;
  const NodePartial nodes = all_nodes(partial);
  const std::uint64_t attempts =
      nodes.attempts + all + assumed.failed_attempts + assumed.good_attempts;
  const std::uint64_t failures = nodes.failed_attempts + failed + assumed.failed_attempts;
  // Those that fail are tries of nodes that are there, those that do not are nodes of their own.
  const std::uint64_t pairs = nodes.run_node_pairs + all + assumed.good_attempts;
  kpis.add("attempt_failure_rate", are_known ? make_rate(failures, attempts) : make_rate(0, 0));
  kpis.add("attempts_per_node", are_known ? make_ratio(attempts, pairs) : make_ratio(0, 0));
}

DurationHistogram with_assumed(DurationHistogram latency, const AssumedRuns& assumed) {
  const std::uint64_t slow = assumed.unread_failed + assumed.slow_runs;
  const std::uint64_t fast = assumed.unread_good + assumed.fast_runs;
  for (std::uint64_t i = 0; i < slow; ++i) latency.add(kSlowerThanAny);
  for (std::uint64_t i = 0; i < fast; ++i) latency.add(0);
  return latency;
}

}  // namespace

void KpiSet::add(std::string name, Kpi kpi) {
  DAGLOOP_ASSERT(find(name) == nullptr);
  kpis_.emplace_back(std::move(name), kpi);
}

const Kpi* KpiSet::find(std::string_view name) const {
  for (const auto& [key, kpi] : kpis_) {
    if (key == name) return &kpi;
  }
  return nullptr;
}

Kpi make_rate(std::uint64_t numerator, std::uint64_t denominator) {
  Kpi kpi = make_ratio(numerator, denominator);
  kpi.kind = KpiKind::rate;
  // Items of a fan-out can have more failures than items where records contradict themselves.
  if (denominator > 0 && numerator <= denominator) kpi.ci95 = wilson95(numerator, denominator);
  return kpi;
}

const std::vector<std::string>& kpi_names() {
  // From a computation on nothing, so that no second list can fall behind.
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    const KpiSet kpis = compute_kpis({});
    for (const auto& [name, kpi] : kpis.all()) all.push_back(name);
    return all;
  }();
  return names;
}

Better better_direction(std::string_view name) {
  // Of all others less is better; a KPI that is added later has to be asked for here.
  constexpr std::array<std::string_view, 3> kHigher{"pipeline_success_rate",
                                                    "idempotent_reuse_rate", "retry_success_rate"};
  for (const std::string_view higher : kHigher) {
    if (name == higher) return Better::higher;
  }
  return Better::lower;
}

std::map<ErrorClass, std::uint64_t> count_error_classes(const KpiPartial& partial) {
  std::map<ErrorClass, std::uint64_t> counts;
  for (const ErrorClass each : kErrorClasses) {
    counts[each] = partial.error_classes.at(static_cast<std::size_t>(each));
  }
  return counts;
}

KpiSet compute_kpis(const KpiPartial& partial, const AssumedRuns& assumed) {
  const std::uint64_t failed = assumed.unread_failed;
  const std::uint64_t good = assumed.unread_good;
  const std::uint64_t total = partial.total_runs + assumed.overdue_failed + failed + good;
  const DurationHistogram latency = with_assumed(partial.latency, assumed);
  KpiSet kpis;
  kpis.add("pipeline_success_rate", make_rate(partial.succeeded + good, total));
  const std::uint64_t unverified = partial.verification_failed + failed + assumed.any_codes;
  kpis.add("verification_failed_rate", make_rate(std::min(unverified, total), total));
  kpis.add("fallback_rate", make_rate(partial.fallback + failed, total));
  const std::uint64_t undone = failed + assumed.failed_compensations;
  kpis.add("compensation_failed_rate",
           make_rate(partial.compensation_failed + undone, partial.compensation_total + undone));
  const std::uint64_t manual = partial.manual_required + undone;
  kpis.add("manual_required_rate", make_rate(std::min(manual, total), total));
  kpis.add("fanout_failed_rate",
           make_rate(partial.fanout_failed + failed, partial.fanout_total + failed));
  kpis.add("idempotent_reuse_rate", make_rate(partial.idempotent_reuse + good, total));
  for (const auto& [error_class, count] : count_error_classes(partial)) {
    const std::uint64_t late = error_class == ErrorClass::timeout ? assumed.overdue_failed : 0;
    kpis.add("error_rate." + std::string(to_string(error_class)),
             make_rate(count + late + failed + assumed.any_codes, total));
  }
  kpis.add("p50_latency_ms", make_quantile(latency, 0.50));
  kpis.add("p95_latency_ms", make_quantile(latency, 0.95));
  kpis.add("p99_latency_ms", make_quantile(latency, 0.99));
  add_attempts(partial, assumed, kpis);
  const std::uint64_t overdue = assumed.overdue + failed;
  kpis.add("overdue_rate",
           make_rate(overdue, partial.total_runs + assumed.overdue + failed + good));
  kpis.add("tokens_per_run", make_ratio(partial.tokens, partial.runs_with_tokens));
  kpis.add("cost_per_run", make_ratio(partial.cost_micros, partial.runs_with_cost));
  return kpis;
}

NodeKpis compute_node_kpis(const NodePartial& partial, Tries tries) {
  if (tries == Tries::unknown) {
    return {std::nullopt, make_rate(0, 0), make_rate(0, 0), make_quantile(partial.latency, 0.95)};
  }
  return {partial.attempts, make_rate(partial.failed_attempts, partial.attempts),
          make_rate(partial.retries_succeeded, partial.retries),
          make_quantile(partial.latency, 0.95)};
}

}  // namespace dagloop
