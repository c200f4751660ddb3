#include "dagloop/cycle/manual_change.hpp"

#include <algorithm>
#include <utility>

#include "dagloop/cycle/applier.hpp"
#include "dagloop/cycle/change_times.hpp"
#include "dagloop/cycle/closed_places.hpp"
#include "dagloop/cycle/forward_clock.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/cycle/policy_situation.hpp"
#include "dagloop/cycle/standing_decision.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {
namespace {

// What an operator's change starts from, under the lock.
struct ManualStart {
  std::unique_ptr<StateLock> lock;
  std::vector<std::string> notes;
  PolicySituation situation;
};

CycleState load_state(const ChangeContext& context, std::vector<std::string>&) {
  return context.store.load();
}

// A way back asks for no evidence, and is not held up by what is wrong with it alone.
CycleState load_for_way_back(const ChangeContext& context, std::vector<std::string>& notes) {
  try {
    return context.store.load();
  } catch (const Error&) {
    auto state = state_but_for_evidence(context.store.newest_records(), context.config.state);
    if (!state) throw;
    notes.emplace_back(
        "the evidence is not what was committed: the way back goes without it, the next tick will "
        "not; " +
        std::string(kTamperedRemedy));
    return std::move(*state);
  }
}

using Loading = CycleState (*)(const ChangeContext&, std::vector<std::string>&);

ManualStart start_change(const ChangeContext& context, TickMode mode, Loading load) {
  ManualStart start{lock_for_change(context, mode), {}, {}};
  start.situation = find_situation(
      context, load(context, start.notes),
      {mode, "a change was interrupted; with --apply it is finished or undone first"}, start.notes);
  return start;
}

std::vector<std::string> keys_of(const Patch& patch) {
  std::vector<std::string> keys;
  for (const auto& [key, change] : patch) keys.push_back(key);
  return keys;
}

// By whose approvals a decision may be carried out (nobody's where it needs none), or why not.
struct Authority {
  std::vector<Approval> by;
  std::string fault;
  std::string remedy = "approve the present decision with approve_dag_policy and give --approval";
};

Authority not_proposed(StateStore& store, const std::string& digest) {
  return {{},
          "is not the decision that waits for approval: " +
              end_of_decision(store, digest).value_or("it was never proposed to this state"),
          "apply the decision that --status shows as pending; a tick with --apply, or --propose, "
          "proposes one"};
}

Authority authority_for(const ChangeContext& context, const CycleState& state,
                        const Decision& decision, const std::string& digest,
                        const std::vector<Approval>& approvals) {
  if (is_used(state, digest)) {
    return {{}, "this decision was applied before and its approval is used up"};
  }
  if (context.clock.now() >= decision.expires_at) {
    return {{}, "the decision expired at " + format_time(decision.expires_at)};
  }
  if (decision.approval == Decision::Approval::not_required &&
      decision.action == Action::rollback) {
    // "Needs no approval" stands in a document that anybody could have written. It is believed only
    // where the result is a policy that the state itself knows as verified.
    const auto& verified = state.verified;
    PolicyValues target = state.in_force;
    for (const auto& [key, change] : decision.patch) target[key] = change.after;
    if (std::find(verified.begin(), verified.end(), target) != verified.end()) return {};
  }
  // An approval is for a decision that stands: what figures or people took back since is no longer
  // the change that somebody allowed.
  if (!is_proposed(state, digest)) return not_proposed(context.store, digest);
  if (approvals.empty()) return {{}, "no approval was given"};
  ApprovalFinding found =
      judge_approvals(approvals, read_approvers(context.files, context.config.policy),
                      {digest, decision.expires_at, decision.proposed_by,
                       context.config.policy.people, context.clock.now()});
  return {std::move(found.by), std::move(found.why)};
}

// Going back to a policy that the state knows as verified takes a store as it is.
bool is_way_back(const Authority& authority, const Decision& decision) {
  return decision.action == Action::rollback && authority.fault.empty() && authority.by.empty();
}

// What has to be mended before anything else than a way back.
std::optional<Error> unfit(const ChangeContext& context) {
  if (auto doubt = context.store.doubt()) return doubt;
  try {
    check_closed_places(context.files, context.config);
  } catch (const Error& error) {
    return error;
  }
  return replacement_fault(context.files, context.config.policy);
}

void note_unfit(const ChangeContext& context, std::vector<std::string>& notes) {
  const auto fault = unfit(context);
  if (fault) notes.push_back(std::string("all else is held up: ") + fault->what());
}

void check_state(const ChangeContext& context, const PolicySituation& situation) {
  if (situation.state.phase != Phase::verifying) return;
  throw Error(ErrorKind::conflict, context.config.state,
              "the change applied at " + format_time(situation.state.change->applied_at) +
                  " is still under verification",
              "wait for its verification, or take it back with --rollback --apply");
}

// What recovery did of this very decision in an earlier, interrupted invocation; nullopt when it
// has yet to be carried out.
std::optional<ManualResult> finished_now(ManualStart& start, TickMode mode,
                                         const Decision& decision, const std::string& digest) {
  const CycleState& state = start.situation.state;
  const auto& interrupted = start.situation.interrupted;
  if (mode == TickMode::dry_run || !interrupted || interrupted->decision_digest != digest ||
      !is_used(state, digest)) {
    return std::nullopt;
  }
  if (state.phase != Phase::verifying && state.phase != Phase::rolled_back) return std::nullopt;
  // The same command, given again after a crash, ends as the first would have: not with "used up".
  const bool taken_back = decision.action != Action::rollback && state.phase == Phase::rolled_back;
  return ManualResult{taken_back ? ExitCode::rolled_back : ExitCode::done, "",
                      std::move(start.notes)};
}

ManualResult dry_run(ManualStart& start, const Patch& patch) {
  const EnvFile& env = start.situation.env;
  ManualResult result;
  result.diff = masked_diff(env.text(), env.patched(patch), keys_of(patch));
  result.notes = std::move(start.notes);
  return result;
}

// Journals a refusal where the state may be written, then throws it on.
template <typename Check>
void or_refuse(const ChangeContext& context, TickMode mode, PolicySituation& situation,
               const std::string& digest, const Check& check) {
  try {
    check();
  } catch (const Error& error) {
    if (mode == TickMode::apply) {
      Applier(context, situation.allowlist).refuse(situation.state, digest, error.what());
    }
    throw;
  }
}

ManualResult carry_out(const ChangeContext& context, ManualStart& start,
                       const ChangeRequest& request) {
  ManualResult result = dry_run(start, request.patch);
  PolicySituation& situation = start.situation;
  const ChangeOutcome outcome =
      Applier(context, situation.allowlist).carry_out(situation.state, request);
  const bool is_apply = request.kind == ChangeKind::apply;
  result.notes.push_back(outcome_text(
      is_apply ? "applied; the runs from now on decide whether it stays" : "rolled back", outcome));
  if (outcome != ChangeOutcome::in_force) result.code = ExitCode::rolled_back;
  return result;
}

}  // namespace

int checked_rollout_percent(const Config& config, const PolicyValues& values) {
  const std::string& key = config.decision.rollout_key;
  const auto text = values.find(key);
  const auto percent = text == values.end() ? std::nullopt : numeric_value(KeySpec{}, text->second);
  if (percent && *percent >= 0 && *percent <= 100) return static_cast<int>(*percent);
  throw Error(ErrorKind::config, config.policy.env_file,
              key + " is missing, no percent, or not on the allowlist",
              "put the key on the allowlist and an integer from 0 to 100 in the env file");
}

ManualResult apply_decision(const ChangeContext& given, TickMode mode, const Json& document,
                            const std::vector<Approval>& approvals) {
  const ForwardClock clock(given.clock, newest_event_time(given.store));
  const ChangeContext context = by_clock(given, clock);
  const Decision decision = checked_decision(document, "the decision");
  const std::string digest = decision_digest(document);
  if (decision.patch.empty()) {
    ManualResult nothing;
    nothing.notes.emplace_back("the decision is to " + std::string(to_string(decision.action)) +
                               " and changes nothing");
    return nothing;
  }
  ManualStart start = start_change(context, mode, &load_state);
  PolicySituation& situation = start.situation;
  if (auto done = finished_now(start, mode, decision, digest)) return std::move(*done);
  if (const auto behind =
          clock_fault(given.clock.now(), clock.now(), context.config.input.future_skew);
      behind && mode == TickMode::apply) {
    throw Error(*behind);
  }
  Authority authority;
  or_refuse(context, mode, situation, digest, [&] {
    if (!is_used(situation.state, digest)) check_state(context, situation);
    authority = authority_for(context, situation.state, decision, digest, approvals);
    if (!authority.fault.empty() && (mode == TickMode::apply || !approvals.empty())) {
      throw Error(ErrorKind::approval, "decision " + digest.substr(0, 12), authority.fault,
                  authority.remedy);
    }
    check_decision(situation, decision, context.config.policy);
  });
  if (is_way_back(authority, decision)) {
    note_unfit(context, start.notes);
  } else if (const auto fault = unfit(context)) {
    throw Error(*fault);
  }
  if (mode == TickMode::dry_run) {
    ManualResult result = dry_run(start, decision.patch);
    result.notes.push_back(authority.fault.empty()
                               ? "dry run: the approval holds; --apply would write this"
                               : "dry run: with --apply this would be refused: " + authority.fault);
    return result;
  }
  const TimePoint now = context.clock.now();
  const auto kind = decision.action == Action::rollback ? ChangeKind::rollback : ChangeKind::apply;
  return carry_out(context, start,
                   {kind, decision.patch, decision.env_sha256, digest,
                    authority.by.empty() ? "back to an approved policy" : approved_by(authority.by),
                    allowed_time(authority.by, now), effective_time(decision, now),
                    entries_of(decision, digest, effective_time(decision, now))});
}

ManualResult roll_back_policy(const ChangeContext& given, TickMode mode) {
  const ForwardClock clock(given.clock, newest_event_time(given.store));
  const ChangeContext context = by_clock(given, clock);
  ManualStart start = start_change(context, mode, &load_for_way_back);
  note_unfit(context, start.notes);
  PolicySituation& situation = start.situation;
  if (mode == TickMode::apply && situation.interrupted &&
      situation.interrupted->kind == ChangeKind::rollback &&
      situation.state.phase == Phase::rolled_back) {
    return {ExitCode::done, "", std::move(start.notes)};  // one step down, and no further
  }
  if (situation.loader_fault) start.notes.emplace_back(situation.loader_fault->what());
  // Without a valid percentage the way back is unknown; better refused than guessed.
  static_cast<void>(checked_rollout_percent(context.config, situation.values));
  const auto target =
      rollback_target(situation.values, policy_history(situation.state), context.config.decision);
  or_refuse(context, mode, situation, "", [&] {
    if (target && target->approval == Decision::Approval::not_required) return;
    throw Error(ErrorKind::approval, context.config.state,
                "no earlier policy is known that was approved before",
                "a change to any other policy needs a decision and its approval");
  });
  if (mode == TickMode::dry_run) {
    ManualResult result = dry_run(start, target->patch);
    result.notes.emplace_back("dry run: --apply would write this; no approval is needed");
    return result;
  }
  const TimePoint now = context.clock.now();
  // A policy never begins before the one that it replaces, or the timeline would not be sorted.
  const TimePoint effective = std::max(now, situation.state.in_force_since.value_or(now));
  return carry_out(context, start,
                   {ChangeKind::rollback, target->patch, situation.env_sha256, "",
                    "asked for by " + context.actor, now, effective});
}

Json describe_state(const CycleState& state, const std::string& rollout_key, TimePoint now) {
  const auto time_or_null = [](const std::optional<TimePoint>& time) {
    return time ? Json(format_time(*time)) : Json();
  };
  const ExcludedPolicy* found =
      find_excluded(state.excluded, rollout_subject(state.in_force, rollout_key));
  const auto excluded = found == nullptr ? std::nullopt : std::optional(*found);
  Json status =
      Json::object({{"schema", "dagloop.status/1"},
                    {"phase", to_string(state.phase)},
                    {"policy_in_force", values_to_json(state.in_force)},
                    {"in_force_since", time_or_null(state.in_force_since)},
                    {"cooldown_until", time_or_null(state.cooldown_until)},
                    {"verified_policies", static_cast<std::uint64_t>(state.verified.size())},
                    {"pending_decision", Json()},
                    {"under_verification", Json()},
                    {"last_rollback", rollback_timing_to_json(state.last_rollback)},
                    {"rolled_back", rolled_back_to_json(state.rolled_back)},
                    {"excluded", excluded_to_json(excluded)},
                    {"story", rollback_story(state, rollout_key, now)}});
  if (!state.pending_decision.is_null()) {
    status["pending_decision"] = named_digest(state.pending_decision);
  }
  if (state.change) {
    status["under_verification"] =
        Json::object({{"decision", state.change->decision_digest},
                      {"applied_at", format_time(state.change->applied_at)},
                      {"patch", patch_to_json(state.change->patch)}});
  }
  return status;
}

}  // namespace dagloop
