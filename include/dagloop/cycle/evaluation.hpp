// Logs -> the figures of a window and its baseline. Composes source and kpi.
#pragma once

#include <functional>
#include <optional>

#include "dagloop/base/clock.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/cycle/news_request.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// What is evaluated.
struct EvaluationRequest {
  TimePoint as_of;      // to the microsecond: nothing is left out for the sake of a slot
  Microseconds window;  // a multiple of the slot
  BaselineSpec baseline;
  std::optional<TimePoint> not_before;  // cuts the window: the policy in force began here
  // Cuts the baseline window before the current one: the policy before came into force here.
  std::optional<TimePoint> baseline_from = std::nullopt;
  // None: the window's runs, and the baseline window's as `before`.
  std::optional<NewsRequest> news = std::nullopt;
  Microseconds warmup{0};  // after `not_before`: runs that began earlier are in no window after it
};

/// Reads the source and computes the figures.
///
/// Shape:  current is [as_of - window floored to a slot, as_of), cut at `not_before` and the warm-
///         up after it rounded up to a slot; the baseline window lies right before it (and before
///         `not_before`) and has full length. News end at the slot of as_of: what is counted for
///         good is never counted in parts.
/// Errors: what the source throws.
Quality evaluate(LogSource& source, const EvaluationRequest& request, const Config& config,
                 const Clock& clock);

/// Returns `sum` of the runs that began at `begun_from` or later. Refers to `sum`.
WindowSum begun(const RunSum& sum, std::optional<TimePoint> begun_from);

/// A log that was counted: what evaluate() computes its figures from.
struct CountedLog {
  RunSum sum;
  // compute_window_kpis() of these sums
  std::function<WindowKpis(const Window&, std::optional<TimePoint> begun_from)> figures;
  InputCounts input;
  OverdueRule overdue;
  CutCost cost = CutCost::nothing;  // of the slots that news are counted in
};

/// Computes the figures that evaluate() returns, from what was read before.
///
/// Shape: `log` covers all windows of the request.
Quality evaluate_counted(const CountedLog& log, const EvaluationRequest& request,
                         const Config& config, TimePoint generated_at);

}  // namespace dagloop
