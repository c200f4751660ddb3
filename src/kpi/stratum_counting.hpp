// Private to the kpi layer: a run on its way into the counts of its stratum.
#pragma once

#include <span>

#include "dagloop/kpi/stratum.hpp"
#include "run_rows.hpp"

namespace dagloop {

/// Counts a run that is in the rates, and the attempts of its nodes.
void count_alike(const RecordRow& run, std::span<const NodeRow> rows, const CodePool& codes,
                 StratumPartial& partial);

}  // namespace dagloop
