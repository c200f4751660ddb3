// Private to the kpi layer: runs and node records -> partials.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/error_class.hpp"
#include "run_rows.hpp"

namespace dagloop {

/// Settles every run and returns the partials by slot, population and cohort.
///
/// Shape: `nodes` is sorted in place, by run, node and attempt.
std::map<PartialKey, KpiPartial> settle_runs(const std::vector<RunRow>& runs,
                                             std::vector<NodeRow>& nodes, const StringPool& pool,
                                             const ErrorClasses& classes,
                                             std::string_view outcome_node);

}  // namespace dagloop
