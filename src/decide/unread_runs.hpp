// Figures with runs that could not be read among them. Pure; private to the decide layer.
#pragma once

#include "dagloop/decide/figure_case.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Returns the figures as they are where every unread run was a bad one, or a good one, and had an
/// attempt of each node, as every unread attempt is one of each. A node's quantiles are not known
/// then.
PopulationKpis with_unread_runs(PopulationKpis runs, FigureCase which);

}  // namespace dagloop
