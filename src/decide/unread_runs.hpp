// Figures with runs that could not be read among them. Pure; private to the decide layer.
#pragma once

#include <cstdint>

#include "dagloop/decide/figure_case.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Returns the node's figures with `bad` attempts more that failed, retries all, and `good` ones
/// that did not. A quantile of them is not known.
NodeKpis with_attempts(NodeKpis node, std::uint64_t bad, std::uint64_t good);

/// Returns the figures as they are where every unread run was a bad one, or a good one, and had an
/// attempt of each node, as every unread attempt is one of each.
PopulationKpis with_unread_runs(PopulationKpis runs, FigureCase which);

}  // namespace dagloop
