#include "known_service.hpp"

#include <algorithm>
#include <limits>
#include <numbers>

#include "support/make_codes.hpp"

namespace dagloop::sim {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

double normal_above(double z) { return std::erfc(z / std::numbers::sqrt2) / 2; }

double hump_above(const DurationLaw& law, double median_ms, double t_ms) {
  if (law.is_weibull) {
    return std::exp(-std::numbers::ln2 * std::pow(t_ms / median_ms, 1 / law.spread));
  }
  return normal_above(std::log(t_ms / median_ms) / law.spread);
}

std::uint64_t mixed_seed(std::uint64_t seed, int place) {
  return Lots(seed + static_cast<std::uint64_t>(place) * 0xd6e8feb86659fd93U).next();
}

struct RunOutcome {
  bool succeeded = false;
  bool cut_off = false;
  double latency_ms = 0;
};

struct AttemptOutcome {
  bool succeeded = false;
  bool cut_off = false;
  double latency_ms = 0;
};

AttemptOutcome attempt_node(const KnownNode& node, const KnownPolicy& policy, bool is_good_pair,
                            int attempt, Lots lots) {
  const double duration = node.duration.draw(lots);
  const bool is_good = lots.chance(attempt == 1 ? 1 - node.error : node.mended);
  const bool cut = duration > policy.timeout_ms;
  return {is_good && is_good_pair && !cut, cut, std::min(duration, policy.timeout_ms)};
}

void log_attempt(NodePartial& log, const AttemptOutcome& outcome, int attempt) {
  ++log.attempts;
  if (!outcome.succeeded) ++log.failed_attempts;
  if (attempt > 1) ++log.retries;
  if (attempt > 1 && outcome.succeeded) ++log.retries_succeeded;
  log.latency.add(outcome.latency_ms * (outcome.cut_off ? 1.001 : 1));
}

/// One node's attempts in one run; `log` may be null. What happens at a place depends on the seed
/// alone: under two policies the same run meets the same chances.
RunOutcome pass_node(const KnownNode& node, const KnownPolicy& policy, std::uint64_t seed,
                     NodePartial* log) {
  RunOutcome outcome;
  const bool is_good_pair = !Lots(seed).chance(node.lasting);
  if (log != nullptr) ++log->run_node_pairs;
  for (int attempt = 1; attempt <= policy.attempts && !outcome.succeeded; ++attempt) {
    const AttemptOutcome each =
        attempt_node(node, policy, is_good_pair, attempt, Lots(mixed_seed(seed, attempt)));
    outcome.succeeded = each.succeeded;
    outcome.cut_off = each.cut_off;
    outcome.latency_ms += each.latency_ms;
    if (log != nullptr) log_attempt(*log, each, attempt);
  }
  return outcome;
}

RunOutcome run(const KnownService& service, const KnownPolicy& policy, std::uint64_t seed,
               KpiPartial* log) {
  RunOutcome outcome;
  outcome.succeeded = true;
  Lots lots(seed);
  const bool fails_at_end = lots.chance(service.other_failures);
  for (std::size_t i = 0; i < service.nodes.size() && outcome.succeeded; ++i) {
    const bool has_node = lots.chance(service.nodes[i].reach);
    if (!has_node) continue;
    NodePartial* node = log == nullptr ? nullptr : &log->nodes["n" + std::to_string(i)];
    const std::uint64_t place = mixed_seed(seed + 1, static_cast<int>(i));
    const RunOutcome each = pass_node(service.nodes[i], policy, place, node);
    outcome.succeeded = each.succeeded;
    outcome.cut_off = each.cut_off;
    outcome.latency_ms += each.latency_ms;
  }
  if (fails_at_end) outcome.succeeded = false;
  return outcome;
}

}  // namespace

double Lots::normal() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

double DurationLaw::draw(Lots& lots) const {
  const bool hangs = lots.chance(hanging);
  const double median = median_ms * (lots.chance(slow_share) ? slow_times : 1);
  const double times = is_weibull ? std::pow(-std::log(lots.uniform()) / std::numbers::ln2, spread)
                                  : std::exp(spread * lots.normal());
  return hangs ? kNever : median * times;
}

double DurationLaw::above(double t_ms) const {
  const double ends = (1 - slow_share) * hump_above(*this, median_ms, t_ms) +
                      slow_share * hump_above(*this, median_ms * slow_times, t_ms);
  return hanging + (1 - hanging) * ends;
}

DurationLaw draw_law(Lots& lots) {
  DurationLaw law;
  law.is_weibull = lots.chance(0.4);
  law.median_ms = lots.between(500, 5000);
  law.spread = law.is_weibull ? lots.between(0.6, 1.4) : lots.between(0.4, 0.9);
  if (lots.chance(0.4)) law.slow_share = lots.between(0.05, 0.3);
  law.slow_times = lots.between(2, 6);
  return law;
}

KnownService draw_service(Lots& lots) {
  KnownService service;
  service.policy.attempts = 2 + static_cast<int>(lots.below(3));
  const std::size_t nodes = 2 + lots.below(4);
  const double lasting = lots.between(0, 0.6);  // of failures, about, in this service
  const double mended = lots.between(0.2, 0.9);
  const double hanging = lots.chance(0.5) ? 0 : lots.between(0, 0.03);
  double longest = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    KnownNode node;
    if (lots.chance(0.3)) node.reach = lots.between(0.3, 0.9);
    const double failures = lots.between(0.02, 0.25);
    node.lasting = failures * std::min(1.0, lasting * lots.between(0.5, 1.5));
    node.error = failures - node.lasting;
    node.mended = std::min(0.95, mended * lots.between(0.7, 1.3));
    node.duration = draw_law(lots);
    node.duration.hanging = hanging * lots.uniform();
    longest = std::max(longest, node.duration.median_ms);
    service.nodes.push_back(node);
  }
  service.policy.timeout_ms = std::round(longest * lots.between(2, 5) / 100) * 100;
  service.other_failures = lots.between(0, 0.05);
  return service;
}

double true_success(const KnownService& service, const KnownPolicy& policy) {
  double success = 1 - service.other_failures;
  for (const KnownNode& node : service.nodes) {
    const double in_time = 1 - node.duration.above(policy.timeout_ms);
    const double first = in_time * (1 - node.error);
    const double lost = (1 - first) * std::pow(1 - in_time * node.mended, policy.attempts - 1);
    success *= 1 - node.reach * (node.lasting + (1 - node.lasting) * lost);
  }
  return success;
}

double true_p95(const KnownService& service, const KnownPolicy& policy, std::uint64_t seed,
                int runs) {
  std::vector<double> latencies;
  for (int i = 0; i < runs; ++i) {
    latencies.push_back(run(service, policy, mixed_seed(seed, i), nullptr).latency_ms);
  }
  const auto rank = static_cast<std::ptrdiff_t>(0.95 * runs) - 1;
  std::nth_element(latencies.begin(), latencies.begin() + rank, latencies.end());
  return latencies[static_cast<std::size_t>(rank)];
}

KpiPartial serve(const KnownService& service, int runs, Lots& lots) {
  KpiPartial log;
  for (int i = 0; i < runs; ++i) {
    const RunOutcome outcome = run(service, service.policy, lots.next(), &log);
    ++log.total_runs;
    if (outcome.succeeded) ++log.succeeded;
    if (!outcome.succeeded) test::fail_by(log, outcome.cut_off ? "TOOL_TIMEOUT" : "500");
    log.latency.add(outcome.latency_ms);
  }
  return log;
}

}  // namespace dagloop::sim
