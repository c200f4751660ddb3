#include "dagloop/cycle/standing_decision.hpp"

#include <algorithm>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/fault_reason.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {

bool is_proposed(const CycleState& state, const std::string& digest) {
  return !state.pending_decision.is_null() && decision_digest(state.pending_decision) == digest;
}

bool is_used(const CycleState& state, const std::string& digest) {
  const auto& used = state.used_decisions;
  return std::find(used.begin(), used.end(), digest) != used.end();
}

std::optional<std::string> end_of_decision(StateStore& store, const std::string& digest) {
  std::vector<JournalEntry> latest_first = store.journal();
  std::reverse(latest_first.begin(), latest_first.end());
  for (const JournalEntry& entry : latest_first) {
    const JournalEvent& event = entry.event;
    if (event.decision_digest != digest) continue;
    const std::string at = " at " + format_time(event.at);
    if (event.type == EventType::expired) return "it expired" + at + ": " + event.why;
    if (event.type == EventType::rejected || event.type == EventType::conflict) {
      return "it was withdrawn" + at + ": " + event.why;
    }
    if (event.type == EventType::proposed) {
      return "it was proposed" + at + ", and another change took its place since";
    }
  }
  return std::nullopt;
}

void check_decision(const PolicySituation& situation, const Decision& decision,
                    const PolicyConfig& policy) {
  const auto direction =
      decision.action == Action::rollback ? ChangeDirection::back : ChangeDirection::forward;
  if (direction == ChangeDirection::forward) check_loader(situation);
  if (const auto refusals = situation.allowlist.refusals(decision.patch, direction);
      !refusals.empty()) {
    throw Error(ErrorKind::config, policy.allowlist, reasons_text(fault_reasons(refusals)),
                "change only keys of the allowlist, within its bounds");
  }
  if (situation.env_sha256 != decision.env_sha256) {
    throw Error(ErrorKind::conflict, policy.env_file, "the env file was changed since the decision",
                "look at the change, then decide and approve again");
  }
}

}  // namespace dagloop
