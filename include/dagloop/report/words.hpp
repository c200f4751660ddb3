// Words for what is decided: reasons, predictions, rollbacks. Pure; src/report/reason_words.cpp is
// the catalogue, one template a code.
#pragma once

#include <string>
#include <vector>

#include "dagloop/decide/prediction.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/decide/recommendation.hpp"
#include "dagloop/decide/rollout.hpp"

namespace dagloop {

/// Renders a reason, e.g. "cool-down after a rollback until 2026-02-26T06:00:00Z".
///
/// Shape: what an earlier version told in words, an argument `text`, is told as it is; a code that
///        the catalogue lacks is told with its arguments. Labels from logs stand in it as they are:
///        escape it for a terminal.
std::string reason_text(const Reason& reason);

/// Renders reasons one after the other, "; " between them.
std::string reasons_text(const std::vector<Reason>& reasons);

/// Returns how readers call a side of a comparison: "previous window" for `previous_window`.
std::string side_text(const std::string& side);

/// Says what a model takes for granted, in one line.
std::string assumption_text(EffectModel model);

/// Says what is expected: "success rate +3.2 pp (80 %: +1.1 to +4.9), p95 +120 ms (...); ...".
std::string prediction_text(const Prediction& prediction);

/// Says what is expected of a recommendation: in the words of its prediction, else of its rule.
std::string expected_effect_text(const Recommendation& advice);

/// Says when what was rolled back, e.g. "rolled back at 2026-02-25T00:00:00Z from 10 to 0 %", and
/// because of what; `key` is that of the rollout percentage.
std::string rollback_text(const RolledBack& rolled_back, const std::string& key);

}  // namespace dagloop
