// The gate: a list of checks on a window's KPIs, and the verdict over them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// What a check compares by, how much a failed one weighs, how one ended, and how all did together.
enum class Comparator { at_least, above, at_most, below };
enum class Severity { fail, warn };
enum class CheckStatus { pass, fail, warn, insufficient };
enum class Verdict { PASS, FAIL, INSUFFICIENT };

/// Returns the printed word or sign (">=", "fail", "PASS", ...).
std::string_view to_string(Comparator comparator);
std::string_view to_string(Severity severity);
std::string_view to_string(CheckStatus status);
std::string_view to_string(Verdict verdict);

/// Reads a verdict's printed word.
std::optional<Verdict> parse_verdict(std::string_view word);

/// Reads a comparator's sign.
std::optional<Comparator> parse_comparator(std::string_view sign);

/// Returns whether `value comparator threshold` holds.
bool holds(double value, Comparator comparator, double threshold);

/// One configured check. Units: threshold in the KPI's own (a rate is a fraction; latency ms).
struct GateCheck {
  std::string kpi;
  Population population = Population::dag;
  Comparator comparator = Comparator::at_least;
  double threshold = 0;
  std::uint64_t min_sample = 20;
  Severity severity = Severity::fail;
};

/// How one check ended.
struct CheckResult {
  GateCheck check;
  CheckStatus status = CheckStatus::insufficient;
  std::optional<double> value;
  std::uint64_t sample_count = 0;  // the KPI's denominator or n
  std::optional<Interval> ci95;
  Reason reason;  // e.g. "pipeline_success_rate_below_threshold"; "..._ok"; "..._insufficient"
};

/// The verdict and what it rests on.
struct GateResult {
  Verdict verdict = Verdict::INSUFFICIENT;
  std::vector<CheckResult> checks;
  std::vector<Reason> reasons;  // data faults, or "no_checks"
};

/// The default gate: success rate >= 0.9, verification failures <= 0.05, attempt failures (warn).
std::vector<GateCheck> default_gate();

/// Reads {"checks": [...]}.
///
/// Errors: Error{config} for an unknown KPI, population, comparator or severity, or a bad number.
std::vector<GateCheck> parse_gate(const JsonReader& reader);

/// Evaluates the gate on the report's current window.
///
/// Shape:  data faults or an empty list of checks give INSUFFICIENT, whatever the figures.
/// Source: docs/kpis.md, "Gate".
GateResult evaluate_gate(const std::vector<GateCheck>& checks, const Quality& quality,
                         const DataLimits& limits);

/// Evaluates the checks alone, on data that can be relied on.
///
/// Shape: at least one check.
GateResult evaluate_gate(const std::vector<GateCheck>& checks, const Quality& quality);

}  // namespace dagloop
