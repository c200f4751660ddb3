#include "decide/unread_runs.hpp"

#include <cstdint>
#include <utility>

namespace dagloop {
namespace {

// Attempts that failed are retries all.
NodeKpis with_attempts(NodeKpis node, std::uint64_t bad, std::uint64_t good) {
  if (bad + good == 0 || !node.attempts) return node;
  const auto with = [&](const Kpi& kpi, std::uint64_t events) {
    return make_rate(kpi.numerator + events, kpi.denominator + bad + good);
  };
  *node.attempts += bad + good;
  node.failure_rate = with(node.failure_rate, bad);
  node.retry_success_rate = with(node.retry_success_rate, good);
  node.p95_latency_ms = Kpi{};
  return node;
}

}  // namespace

PopulationKpis with_unread_runs(PopulationKpis runs, FigureCase which) {
  const bool is_worst = which == FigureCase::worst;
  runs.kpis = KpiSet(is_worst ? runs.worst_case() : runs.best_case());
  runs.overdue_failed.reset();
  const std::uint64_t unread = runs.unread_runs + runs.unread_attempts;
  const std::uint64_t bad = is_worst ? unread : 0;
  for (auto& [name, node] : runs.nodes) {
    node = with_attempts(node, bad, unread - bad);
  }
  return runs;
}

}  // namespace dagloop
