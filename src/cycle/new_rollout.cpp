// A policy that evidence has excluded is rolled out anew only where a person says so, and why.
#include <algorithm>
#include <utility>

#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/applier.hpp"
#include "dagloop/cycle/closed_places.hpp"
#include "dagloop/cycle/forward_clock.hpp"
#include "dagloop/cycle/manual_change.hpp"
#include "dagloop/cycle/policy_situation.hpp"
#include "dagloop/cycle/rollout_evidence.hpp"
#include "dagloop/decide/excluded_policy.hpp"
#include "dagloop/report/documents.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxReason = 1000;

void check_rest(const CycleState& state, const std::string& where, TimePoint now) {
  if (state.intent) {
    throw Error(ErrorKind::conflict, where, "a change was interrupted",
                "let a tick with --apply finish or undo it first");
  }
  if (state.phase == Phase::verifying) {
    throw Error(ErrorKind::conflict, where, "a change is under verification",
                "wait for its end, or take it back with --rollback --apply");
  }
  if (state.cooldown_until && now < *state.cooldown_until) {
    throw Error(ErrorKind::conflict, where,
                "the cool-down lasts until " + format_time(*state.cooldown_until),
                "give the same command again after that");
  }
}

std::string told(const ExcludedPolicy* excluded) {
  if (excluded == nullptr) return "no evidence excludes the policy in force";
  return excluded->trigger + ", which excluded the policy at " + format_time(excluded->since) +
         ", holds it no more";
}

// Shape: the events that come before that of the new rollout.
std::vector<JournalEvent> withdrawn(const CycleState& state, const ChangeContext& context) {
  if (state.pending_decision.is_null()) return {};
  return {{context.clock.now(), EventType::rejected, context.actor,
           named_digest(state.pending_decision), Json(), Json(), "a new rollout begins"}};
}

void forget(CycleState& state, const std::string& subject) {
  std::erase_if(state.excluded,
                [&](const ExcludedPolicy& each) { return each.subject == subject; });
  state.evidence = begun_anew(state.evidence);
  state.pending_decision = Json();  // it was made by the evidence that is gone
  state.phase = Phase::idle;
}

}  // namespace

ManualResult begin_new_rollout(const ChangeContext& given, TickMode mode, const std::string& why) {
  if (why.empty()) {
    throw Error(ErrorKind::usage, "--why", "is missing or empty",
                "say why the policy may be rolled out anew; the journal keeps it");
  }
  const ForwardClock clock(given.clock, newest_event_time(given.store));
  const ChangeContext context = by_clock(given, clock);
  check_closed_places(context.files, context.config);
  const auto lock = lock_for_change(context, mode);
  ManualResult result;
  PolicySituation situation = find_situation(
      context, context.store.load(),
      {mode, "a change was interrupted; with --apply it is finished or undone first"},
      result.notes);
  check_loader(situation);
  CycleState& state = situation.state;
  const std::string subject =
      rollout_subject(situation.values, context.config.decision.rollout_key);
  const std::string freed = told(find_excluded(state.excluded, subject));
  try {
    check_rest(state, context.config.state, context.clock.now());
  } catch (const Error& error) {
    if (mode == TickMode::apply) {
      Applier(context, situation.allowlist).refuse(state, "", error.what());
    }
    throw;
  }
  if (mode == TickMode::dry_run) {
    result.notes.push_back(
        "dry run: with --apply a new rollout begins: evidence is counted anew, " + freed);
    return result;
  }
  std::vector<JournalEvent> events = withdrawn(state, context);
  forget(state, subject);
  const Json values = values_to_json(situation.values);
  events.push_back({context.clock.now(), EventType::new_rollout, context.actor, "", values, values,
                    redact_text(why, kMaxReason) + "; " + freed});
  context.store.commit(state, events);
  result.notes.push_back("a new rollout begins: evidence is counted anew, " + freed);
  return result;
}

}  // namespace dagloop
