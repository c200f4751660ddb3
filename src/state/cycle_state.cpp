#include "dagloop/state/cycle_state.hpp"

#include <array>
#include <climits>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/struct_codec.hpp"
#include "state/daily_figures_json.hpp"
#include "state/restore.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kSchema = "dagloop.cycle_state/1";
constexpr std::array kPhases{std::pair{Phase::idle, std::string_view("idle")},
                             std::pair{Phase::proposed, std::string_view("proposed")},
                             std::pair{Phase::approved, std::string_view("approved")},
                             std::pair{Phase::applying, std::string_view("applying")},
                             std::pair{Phase::verifying, std::string_view("verifying")},
                             std::pair{Phase::settled, std::string_view("settled")},
                             std::pair{Phase::rolled_back, std::string_view("rolled_back")},
                             std::pair{Phase::rejected, std::string_view("rejected")},
                             std::pair{Phase::expired, std::string_view("expired")}};

std::optional<ChangeKind> parse_kind(std::string_view word) {
  for (const ChangeKind kind : {ChangeKind::apply, ChangeKind::rollback}) {
    if (word == to_string(kind)) return kind;
  }
  return std::nullopt;
}

// Only for readers of the status; it is not read back, the two times are.
double seconds_taken(const RollbackTiming& timing) {
  return std::chrono::duration<double>(timing.in_force_at - timing.trigger_at).count();
}

constexpr WordOf<Phase> kPhase{&parse_phase, "unknown phase", kRestore};
constexpr WordOf<ChangeKind> kKind{&parse_kind, "unknown kind of change", kRestore};
// The count sets the cool-down (twice as long each time) as an int.
constexpr Count kRollbacks{"is no count", kRestore, INT_MAX};
constexpr ByHand<PolicyValues> kValues{&values_to_json, &values_from_json};
constexpr ByHand<Patch> kPatch{&patch_to_json, &patch_from_json};
constexpr ByHand<std::vector<LedgerEntry>> kLedger{&ledger_to_json, &ledger_from_json};
constexpr ByHand<std::vector<DailyFigures>> kDays{&days_to_json, &read_days};

constexpr auto kIntent = fields_of<Intent>(
    field("kind", &Intent::kind, kKind), field("env_file", &Intent::env_file),
    field("before_sha256", &Intent::before_sha256), field("after_sha256", &Intent::after_sha256),
    field("patch", &Intent::patch, kPatch), field("decision_digest", &Intent::decision_digest),
    field("actor", &Intent::actor), field("why", &Intent::why),
    field("decided_at", &Intent::decided_at), field("effective_at", &Intent::effective_at),
    field("phase_before", &Intent::phase_before, kPhase),
    field_or_default("predictions", &Intent::predictions, kLedger),
    field_or_default("temporary", &Intent::temporary));

constexpr auto kChange = fields_of<ChangeUnderVerification>(
    field("decision_digest", &ChangeUnderVerification::decision_digest),
    field("patch", &ChangeUnderVerification::patch, kPatch),
    field("applied_at", &ChangeUnderVerification::applied_at),
    field_or_default("before_since", &ChangeUnderVerification::before_since));

constexpr auto kTiming = fields_of<RollbackTiming>(
    field("trigger_at", &RollbackTiming::trigger_at),
    field("in_force_at", &RollbackTiming::in_force_at), shown("seconds", &seconds_taken));

constexpr auto kRolledBack =
    fields_of<RolledBack>(field("at", &RolledBack::at), field("patch", &RolledBack::patch, kPatch),
                          field("why", &RolledBack::why));

constexpr auto kExcluded = fields_of<ExcludedPolicy>(field("subject", &ExcludedPolicy::subject),
                                                     field("trigger", &ExcludedPolicy::trigger),
                                                     field("since", &ExcludedPolicy::since));

// Members that an earlier version did not know may be missing.
constexpr auto kState = fields_of<CycleState>(
    shown("schema", [](const CycleState&) { return kSchema; }),
    field("phase", &CycleState::phase, kPhase),
    field("pending_decision", &CycleState::pending_decision),
    field("intent", &CycleState::intent, kIntent), field("change", &CycleState::change, kChange),
    field("verified", &CycleState::verified, kValues),
    field("in_force", &CycleState::in_force, kValues),
    field("in_force_since", &CycleState::in_force_since),
    field("cooldown_until", &CycleState::cooldown_until),
    field("rollbacks", &CycleState::rollbacks, kRollbacks),
    field("used_decisions", &CycleState::used_decisions),
    field_or_default("rollback_due_since", &CycleState::rollback_due_since),
    field_or_default("last_rollback", &CycleState::last_rollback, kTiming),
    field_or_default("rolled_back", &CycleState::rolled_back, kRolledBack),
    field_or_default("excluded", &CycleState::excluded, kExcluded),
    field_or_default("predictions", &CycleState::predictions, kLedger),
    field_or_default("days", &CycleState::days, kDays),
    field("last_refusal", &CycleState::last_refusal));

// Where an earlier version rolled back, that it did so is known, and since when.
std::optional<RolledBack> earlier_rollback(const CycleState& state) {
  const auto& at = state.in_force_since;
  if (state.phase != Phase::rolled_back || !at) return std::nullopt;
  // Somebody wrote another policy by hand since.
  if (state.last_rollback && *at > state.last_rollback->in_force_at) return std::nullopt;
  return RolledBack{*at, {}, "a rollback of the version before"};
}

}  // namespace

std::string_view to_string(Phase phase) {
  for (const auto& [each, word] : kPhases) {
    if (each == phase) return word;
  }
  DAGLOOP_ASSERT(false);
  return "";
}

std::optional<Phase> parse_phase(std::string_view word) {
  for (const auto& [phase, each] : kPhases) {
    if (each == word) return phase;
  }
  return std::nullopt;
}

std::string_view to_string(ChangeKind kind) {
  return kind == ChangeKind::apply ? "apply" : "rollback";
}

Json cycle_state_to_json(const CycleState& state) { return write_json(kState, state); }

Json rolled_back_to_json(const std::optional<RolledBack>& rolled_back) {
  return write_json(kRolledBack, rolled_back);
}

Json excluded_to_json(const std::optional<ExcludedPolicy>& excluded) {
  return write_json(kExcluded, excluded);
}

Json rollback_timing_to_json(const std::optional<RollbackTiming>& timing) {
  return write_json(kTiming, timing);
}

CycleState cycle_state_from_json(const Json& document, std::string_view where) {
  const Json* schema = document.find("schema");
  if (schema == nullptr || !schema->is_string() || schema->as_string() != kSchema) {
    throw Error(ErrorKind::preflight, where, "holds no state of this version",
                "use the dagloop version that wrote it, or another --state");
  }
  try {
    // The journal vouches for the bytes of the state, not that they make sense to this version.
    auto state = read_json<CycleState>(kState, JsonReader(document, std::string(where)));
    if (document.find("rolled_back") == nullptr) state.rolled_back = earlier_rollback(state);
    // Bets of an earlier version, summed in another way: what they won means nothing here.
    const Json* evidence = document.find("evidence");
    state.has_earlier_evidence = evidence != nullptr && !evidence->is_null();
    return state;
  } catch (const Error& error) {
    // To the reader this is a bad document; to the cycle a store that it cannot rely on.
    throw Error(ErrorKind::preflight, where, error.what(), kRestore);
  }
}

std::string policy_fingerprint(const PolicyValues& values) {
  // Counts rollbacks of the same policy. The map is sorted, so the order in the env file is no
  // matter.
  return sha256_hex(to_canonical_json(values_to_json(values)));
}

}  // namespace dagloop
