// Logs -> the figures of a window and its baseline. Composes source and kpi.
#pragma once

#include <functional>
#include <memory>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// What evidence asks for besides: what is new since it was last added to.
struct NewsRequest {
  TimePoint since;  // the rollout's beginning; a slot boundary, as is `from`
  TimePoint from;   // where the last news ended
  SlowLimits limits;
  enum class Before { leave_out, count };  // runs of as long a time before the rollout
  Before before = Before::leave_out;
};

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
};

/// Returns the windows before `since` that lie as long before it as [from, to) lies behind it, day
/// by day, at the same hours of the day; those of two ranges that share nothing share nothing.
std::vector<Window> mirrored(TimePoint since, TimePoint from, TimePoint to);

/// Reads the source and computes the figures.
///
/// Shape:  current is [as_of - window floored to a slot, as_of), cut at `not_before` rounded up to
///         a slot; the baseline window lies right before it and has full length. News end at the
///         slot of as_of: what is counted for good is never counted in parts.
/// Errors: what the source throws.
Quality evaluate(LogSource& source, const EvaluationRequest& request, const Config& config,
                 const Clock& clock);

/// A log that was counted: what evaluate() computes its figures from.
struct CountedLog {
  WindowSum sum;
  std::function<WindowKpis(const Window&)> figures;  // compute_window_kpis() of these sums
  InputCounts input;
  OverdueRule overdue;
};

/// Computes the figures that evaluate() returns, from what was read before.
///
/// Shape: `log` covers all windows of the request.
Quality evaluate_counted(const CountedLog& log, const EvaluationRequest& request,
                         const Config& config, TimePoint generated_at);

/// Opens the configured sources with the configured mapping and rollup store; `warn` is told what
/// is wrong with that.
///
/// Errors: Error{usage} without any source; Error{config} for a bad mapping; Error{source}.
std::unique_ptr<LogSource> open_configured_source(
    FileSystem& files, const Config& config,
    std::function<void(const ReadProgress&)> progress = nullptr,
    std::function<void(const std::string&)> warn = nullptr);

}  // namespace dagloop
