#include "dagloop/cycle/hand_proposal.hpp"

#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/cycle/closed_places.hpp"
#include "dagloop/cycle/forward_clock.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/policy_situation.hpp"
#include "dagloop/cycle/standing_decision.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {
namespace {

[[noreturn]] void refuse_proposal(const std::string& digest, const std::string& why) {
  throw Error(ErrorKind::approval, "decision " + digest.substr(0, 12), why,
              "decide anew, and propose that");
}

void check_may_propose(const ChangeContext& context, const PolicySituation& situation,
                       const Decision& decision, const std::string& digest) {
  const CycleState& state = situation.state;
  if (is_used(state, digest)) refuse_proposal(digest, "this decision was applied before");
  // Or an approval of then would carry what was taken back since.
  if (const auto end = end_of_decision(context.store, digest)) refuse_proposal(digest, *end);
  if (context.clock.now() >= decision.expires_at) {
    refuse_proposal(digest, "the decision expired at " + format_time(decision.expires_at));
  }
  if (state.phase == Phase::verifying) {
    throw Error(ErrorKind::conflict, context.config.state,
                "the change applied at " + format_time(state.change->applied_at) +
                    " is still under verification",
                "propose the next one when that is over");
  }
  check_decision(situation, decision, context.config.policy);
}

std::vector<JournalEvent> put_in_place(CycleState& state, const Json& document,
                                       const Decision& decision, const JournalEvent& model) {
  std::vector<JournalEvent> events;
  if (!state.pending_decision.is_null()) {
    JournalEvent& withdrawn = events.emplace_back(model);
    withdrawn.type = EventType::rejected;
    withdrawn.decision_digest = named_digest(state.pending_decision);
    withdrawn.why = "superseded by another proposal";
  }
  state.pending_decision = document;
  state.phase = Phase::proposed;
  // What was refused before was an approval of another proposal.
  state.last_refusal.clear();
  JournalEvent& proposed = events.emplace_back(model);
  proposed.after = patch_to_json(decision.patch);
  proposed.why = reasons_text(decision.reasons);
  return events;
}

}  // namespace

ManualResult propose_decision(const ChangeContext& given, TickMode mode, const Json& document) {
  const ForwardClock clock(given.clock, newest_event_time(given.store));
  const ChangeContext context = by_clock(given, clock);
  const Decision decision = checked_decision(document, "the decision");
  const std::string digest = decision_digest(document);
  ManualResult result;
  if (decision.patch.empty()) {
    result.notes.emplace_back("the decision changes nothing: there is nothing to propose");
    return result;
  }
  const auto lock = lock_for_change(context, mode);
  PolicySituation situation = find_situation(
      context, context.store.load(),
      {mode, "a change was interrupted; with --apply it is finished or undone first", nullptr},
      result.notes);
  if (is_proposed(situation.state, digest)) {
    result.notes.emplace_back("this decision waits for approval already");
    result.approve_until = decision.expires_at;
    return result;
  }
  if (const auto doubt = context.store.doubt()) throw Error(*doubt);
  check_closed_places(context.files, context.config);
  if (const auto behind =
          clock_fault(given.clock.now(), clock.now(), context.config.input.future_skew);
      behind && mode == TickMode::apply) {
    throw Error(*behind);
  }
  check_may_propose(context, situation, decision, digest);
  if (mode == TickMode::dry_run) {
    result.notes.emplace_back("dry run: --apply would propose it");
    return result;
  }
  context.store.commit(
      situation.state,
      put_in_place(situation.state, document, decision,
                   {context.clock.now(), EventType::proposed, context.actor, digest, {}, {}, ""}));
  result.notes.emplace_back("proposed, to be approved until " + format_time(decision.expires_at));
  result.approve_until = decision.expires_at;
  return result;
}

}  // namespace dagloop
