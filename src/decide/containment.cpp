#include "decide/containment.hpp"

#include <algorithm>

#include "decide/unread_runs.hpp"

namespace dagloop {
namespace {

bool is_still_there(const NamedFigure& figure, const PopulationKpis& runs) {
  const auto now = same_figure(figure, runs);
  return !now || !has_left(figure, *now);
}

// What nobody knows the figure of any more has not left what it was, nor what would be there still
// with what could not be read.
bool is_still_so(const LedgerEntry& entry, const PopulationKpis& runs) {
  if (!entry.figure || is_still_there(*entry.figure, runs)) return true;
  if (runs.unread() == 0) return false;
  return is_still_there(*entry.figure, with_unread_runs(runs, FigureCase::worst)) ||
         is_still_there(*entry.figure, with_unread_runs(runs, FigureCase::best));
}

Reason contained(std::string code, const LedgerEntry& entry) {
  Reason reason{std::move(code),
                {{"rule", entry.rule},
                 {"key", entry.env_key},
                 {"from", entry.change.before},
                 {"to", entry.change.after},
                 {"at", entry.applied_at}}};
  if (!entry.figure) return reason;
  reason.args.emplace_back("kpi", entry.figure->kpi);
  if (!entry.figure->node.empty()) reason.args.emplace_back("node", entry.figure->node);
  reason.args.emplace_back("low", entry.figure->low);
  reason.args.emplace_back("high", entry.figure->high);
  return reason;
}

}  // namespace

std::optional<Reason> rule_containment(const std::string& rule,
                                       const std::vector<LedgerEntry>& ledger,
                                       const PopulationKpis& runs) {
  const auto last = std::find_if(ledger.rbegin(), ledger.rend(),
                                 [&](const LedgerEntry& each) { return each.rule == rule; });
  if (last == ledger.rend() || has_helped(*last) || !is_still_so(*last, runs)) return std::nullopt;
  return contained(last->is_undone ? "rule_was_undone" : "rule_had_no_effect", *last);
}

std::optional<Reason> value_containment(const std::string& env_key, const std::string& value,
                                        const std::vector<LedgerEntry>& ledger,
                                        const PopulationKpis& runs) {
  const auto last = std::find_if(ledger.rbegin(), ledger.rend(), [&](const LedgerEntry& each) {
    return each.is_undone && each.env_key == env_key && each.change.after == value;
  });
  if (last == ledger.rend() || !is_still_so(*last, runs)) return std::nullopt;
  return contained("value_was_rolled_back", *last);
}

}  // namespace dagloop
