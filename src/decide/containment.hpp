// Which rules and values may not be used again yet, by what came of their changes before. Pure;
// private to the decide layer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/decide/prediction_ledger.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Returns why the rule with this id may not be used: its last change had no effect that was seen,
/// or was undone, and the figure that the rule names is still what it was then. Nullopt: it may be
/// used.
std::optional<Reason> rule_containment(const std::string& rule,
                                       const std::vector<LedgerEntry>& ledger,
                                       const PopulationKpis& runs);

/// Returns why `value` may not be proposed for `env_key`: it was rolled back, and the figure that
/// its rule names is still what it was then. Nullopt: it may be proposed.
std::optional<Reason> value_containment(const std::string& env_key, const std::string& value,
                                        const std::vector<LedgerEntry>& ledger,
                                        const PopulationKpis& runs);

}  // namespace dagloop
