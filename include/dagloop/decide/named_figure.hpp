// The figure that a rule names, with its interval: what came of the rule's change is told by it,
// and whether the rule may be used again. Value type; pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// A figure as it was. Units: of the KPI (a rate is a fraction; latencies are ms).
struct NamedFigure {
  std::string node;  // "": of the DAG runs
  std::string kpi;
  double value = 0;
  double low = 0;  // of an 80 % interval: Wilson's for a rate, for others a tenth either way
  double high = 0;
  bool operator==(const NamedFigure&) const = default;
};

/// Returns the first figure of what met a rule's conditions (Recommendation::evidence); nullopt
/// where it tells of none.
std::optional<NamedFigure> named_figure(const std::vector<Reason>& evidence);

/// Returns the same figure of other runs; nullopt where they have none.
std::optional<NamedFigure> same_figure(const NamedFigure& figure, const PopulationKpis& runs);

/// Returns whether a figure has left what it was: the two intervals have nothing in common. Two
/// samples of one rate do so in 7 % of all cases.
bool has_left(const NamedFigure& then, const NamedFigure& now);

}  // namespace dagloop
