// KPIs by name, computed from a partial. Pure value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/kpi/histogram.hpp"
#include "dagloop/kpi/interval.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// The shape of a KPI: a share, a mean count (attempts_per_node), or a quantile.
enum class KpiKind { rate, ratio, quantile };

/// Which way of a KPI is good.
enum class Better { higher, lower };

/// One KPI's figure. Units: rates and ratios are plain numbers (0.95, not 95); latencies are ms.
struct Kpi {
  KpiKind kind = KpiKind::rate;
  std::optional<double> value;    // null with nothing to divide by, never 0
  std::uint64_t numerator = 0;    // 0 for quantiles
  std::uint64_t denominator = 0;  // for quantiles: n
  std::optional<Interval> ci95;   // Wilson, for rates with a value
  QuantileMethod method = QuantileMethod::exact;
  bool operator==(const Kpi&) const = default;
};

/// KPIs in the order of the contract.
class KpiSet {
 public:
  /// Appends a KPI; a name twice is a caller's bug.
  void add(std::string name, Kpi kpi);
  /// Returns the KPI called `name`, nullptr where there is none.
  const Kpi* find(std::string_view name) const;
  /// Returns all, in order.
  const std::vector<std::pair<std::string, Kpi>>& all() const { return kpis_; }
  bool operator==(const KpiSet&) const = default;

 private:
  std::vector<std::pair<std::string, Kpi>> kpis_;
};

/// Figures of one node.
struct NodeKpis {
  std::optional<std::uint64_t> attempts;  // null where earlier tries are not known
  Kpi failure_rate;
  Kpi retry_success_rate;
  Kpi p95_latency_ms;
  bool operator==(const NodeKpis&) const = default;
};

/// Returns a rate with its Wilson interval (no interval where numerator > denominator).
Kpi make_rate(std::uint64_t numerator, std::uint64_t denominator);

/// Returns the names of all population KPIs, in the order of the contract.
const std::vector<std::string>& kpi_names();

/// Returns which way of the KPI `name` is good.
Better better_direction(std::string_view name);

/// What a log does not tell, and what is taken for granted of it.
struct AssumedRuns {
  std::uint64_t overdue = 0;         // for `overdue_rate` alone
  std::uint64_t overdue_failed = 0;  // failed, of class `timeout`, without a duration
  std::uint64_t unread_failed = 0;   // failed in every way, slower than any, with a failed attempt
  std::uint64_t unread_good = 0;     // succeeded at once, with an attempt that did too
  // Attempts of runs that are counted as they were read, or assumed above.
  std::uint64_t failed_attempts = 0;
  std::uint64_t good_attempts = 0;
  // Of runs that are counted as they were read, what could not be.
  std::uint64_t slow_runs = 0;             // slower than any
  std::uint64_t fast_runs = 0;             // of no duration at all
  std::uint64_t any_codes = 0;             // each error code is of every class
  std::uint64_t failed_compensations = 0;  // left to a person besides
};

/// The duration of a run that is slower than any. Units: milliseconds.
inline constexpr double kSlowerThanAny = 1e12;

/// Computes every population KPI of the contract. Those of attempts are null where some runs have
/// tries that the source does not know (KpiPartial::runs_without_tries).
///
/// Source: data contract, "KPIs".
KpiSet compute_kpis(const KpiPartial& partial, const AssumedRuns& assumed = {});

/// Whether a source knows the tries of a node before the last one.
enum class Tries { known, unknown };

/// Computes the figures of one node. With tries unknown attempts and their rates are null; the
/// latency is that of the last tries.
NodeKpis compute_node_kpis(const NodePartial& partial, Tries tries = Tries::known);

/// Counts runs by error class.
std::map<ErrorClass, std::uint64_t> count_error_classes(const KpiPartial& partial);

}  // namespace dagloop
