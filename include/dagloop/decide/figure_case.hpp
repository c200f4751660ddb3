// What the log may really say: figures with overdue runs as failed ones, and with what could not be
// read taken for the worst or the best. Pure.
#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "dagloop/decide/gate.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// What is taken for granted of runs whose end the log does not tell.
///
/// `decided`: each overdue run failed, of class `timeout`. `worst`, `best`: besides, each unread
/// run of those that are judged failed, or was good; of those they are held against, the other way.
enum class FigureCase { decided, worst, best };

/// Returns the figures in one case, as the KPIs themselves: the canary, and all runs of the window,
/// are judged; control and the baseline window are what they are held against.
///
/// Shape: PopulationKpis::worst and best stay as they are in `decided`; else they are gone.
/// Source: data contract, "The worst case" and "Overdue".
Quality in_case(const Quality& quality, FigureCase which);

/// Returns whether a record of the window or the baseline could not be read, or not in full, and
/// may change an outcome.
bool has_unread(const Quality& quality);

/// Whose unread runs count: those of the window alone, or also those of the window before it.
enum class UnreadOf { window, window_and_baseline };

/// Returns the latest time when all that could not be read so far counts no more; nullopt where it
/// stays, in a baseline period that does not move.
///
/// Shape: what leaves the window is of the window before it next, for as long again. A policy that
///        came into force lately cuts the window, not the time that it will take.
std::optional<TimePoint> unread_leaves_at(const Quality& quality, UnreadOf which);

/// Adds that to a reason (`leaves_at`) and, where some of it never does, how much (`without_time`).
void add_unread_leaves_at(std::vector<ReasonArg>& args, const Quality& quality, UnreadOf which);

/// Adds to a reason what of some figures could not be read beside runs, where anything could not:
/// `unread_attempts`, `unread_values`. Of sides that are not there (null) nothing is.
void add_unread_parts(std::vector<ReasonArg>& args,
                      std::initializer_list<const PopulationKpis*> sides);

/// Evaluates the checks of `gate` once more, on other figures.
GateResult evaluate_again(const GateResult& gate, const Quality& quality);

/// Returns `gate`, or where it passed and would not if what could not be read was bad or good, an
/// INSUFFICIENT one with the reason `unreadable_records_could_change_this`.
GateResult gate_that_stands(GateResult gate, const Quality& quality);

}  // namespace dagloop
