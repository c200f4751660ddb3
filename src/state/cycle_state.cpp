#include "dagloop/state/cycle_state.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json_reader.hpp"
#include "state/daily_figures_json.hpp"
#include "state/evidence_json.hpp"
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

// Returns the member unless it is null. A state names every member: a missing one is a fault.
std::optional<JsonReader> read_optional(const JsonReader& reader, std::string_view key) {
  JsonReader member = reader.at(key);
  return member.value().is_null() ? std::nullopt : std::optional(std::move(member));
}

std::optional<TimePoint> read_optional_time(const JsonReader& reader, std::string_view key) {
  const auto found = read_optional(reader, key);
  return found ? std::optional(found->time()) : std::nullopt;
}

ChangeKind read_kind(const JsonReader& reader) {
  for (const ChangeKind kind : {ChangeKind::apply, ChangeKind::rollback}) {
    if (reader.string() == to_string(kind)) return kind;
  }
  reader.fail("unknown kind of change", kRestore);
}

int read_count(const JsonReader& reader) {
  const std::int64_t count = reader.integer();
  if (count < 0 || count > std::numeric_limits<int>::max()) reader.fail("is no count", kRestore);
  return static_cast<int>(count);
}

Phase read_phase(const JsonReader& reader) {
  const auto phase = parse_phase(reader.string());
  if (!phase) reader.fail("unknown phase", kRestore);
  return *phase;
}

Json intent_to_json(const Intent& intent) {
  return Json::object({{"kind", to_string(intent.kind)},
                       {"env_file", intent.env_file},
                       {"before_sha256", intent.before_sha256},
                       {"after_sha256", intent.after_sha256},
                       {"patch", patch_to_json(intent.patch)},
                       {"decision_digest", intent.decision_digest},
                       {"actor", intent.actor},
                       {"why", intent.why},
                       {"decided_at", format_time(intent.decided_at)},
                       {"effective_at", format_time(intent.effective_at)},
                       {"phase_before", to_string(intent.phase_before)},
                       {"predictions", ledger_to_json(intent.predictions)}});
}

Intent read_intent(const JsonReader& reader) {
  Intent intent;
  intent.kind = read_kind(reader.at("kind"));
  intent.env_file = reader.at("env_file").string();
  intent.before_sha256 = reader.at("before_sha256").string();
  intent.after_sha256 = reader.at("after_sha256").string();
  intent.patch = patch_from_json(reader.at("patch"));
  intent.decision_digest = reader.at("decision_digest").string();
  intent.actor = reader.at("actor").string();
  intent.why = reader.at("why").string();
  intent.decided_at = reader.at("decided_at").time();
  intent.effective_at = reader.at("effective_at").time();
  intent.phase_before = read_phase(reader.at("phase_before"));
  if (const auto predictions = reader.find("predictions")) {
    intent.predictions = ledger_from_json(*predictions);
  }
  return intent;
}

// Members that an earlier version did not know may be missing.
std::optional<RollbackTiming> read_timing(const JsonReader& reader) {
  const auto found = reader.find("last_rollback");
  if (!found) return std::nullopt;
  return RollbackTiming{found->at("trigger_at").time(), found->at("in_force_at").time()};
}

// Where an earlier version rolled back, that it did so is known, and since when.
std::optional<RolledBack> read_rolled_back(const JsonReader& reader, const CycleState& state) {
  const auto found = reader.find("rolled_back");
  if (!found) {
    const bool names_it = reader.value().find("rolled_back") != nullptr;
    if (names_it || state.phase != Phase::rolled_back) return std::nullopt;
    const auto& at = state.in_force_since;
    if (!at) return std::nullopt;
    // Somebody wrote another policy by hand since.
    if (state.last_rollback && *at > state.last_rollback->in_force_at) return std::nullopt;
    return RolledBack{*at, {}, "a rollback of the version before"};
  }
  return RolledBack{found->at("at").time(), patch_from_json(found->at("patch")),
                    found->at("why").string()};
}

Json change_to_json(const ChangeUnderVerification& change) {
  return Json::object({{"decision_digest", change.decision_digest},
                       {"patch", patch_to_json(change.patch)},
                       {"applied_at", format_time(change.applied_at)}});
}

CycleState read_state(const JsonReader& reader) {
  CycleState state;
  state.phase = read_phase(reader.at("phase"));
  state.pending_decision = reader.at("pending_decision").value();
  if (const auto intent = read_optional(reader, "intent")) state.intent = read_intent(*intent);
  if (const auto change = read_optional(reader, "change")) {
    state.change = ChangeUnderVerification{change->at("decision_digest").string(),
                                           patch_from_json(change->at("patch")),
                                           change->at("applied_at").time()};
  }
  for (const JsonReader& policy : reader.at("verified").elements()) {
    state.verified.push_back(values_from_json(policy));
  }
  state.in_force = values_from_json(reader.at("in_force"));
  state.in_force_since = read_optional_time(reader, "in_force_since");
  state.cooldown_until = read_optional_time(reader, "cooldown_until");
  for (const auto& [fingerprint, count] : reader.at("rollbacks").members()) {
    state.rollbacks[fingerprint] = read_count(count);
  }
  for (const JsonReader& digest : reader.at("used_decisions").elements()) {
    state.used_decisions.push_back(digest.string());
  }
  if (const auto due = reader.find("rollback_due_since")) state.rollback_due_since = due->time();
  state.last_rollback = read_timing(reader);
  state.rolled_back = read_rolled_back(reader, state);
  if (const auto predictions = reader.find("predictions")) {
    state.predictions = ledger_from_json(*predictions);
  }
  if (const auto evidence = reader.find("evidence")) state.evidence = read_evidence(*evidence);
  if (const auto days = reader.find("days")) state.days = read_days(*days);
  state.last_refusal = reader.at("last_refusal").string();
  return state;
}

}  // namespace

std::string_view to_string(Phase phase) {
  for (const auto& [each, word] : kPhases) {
    if (each == phase) return word;
  }
  return "idle";
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

Json cycle_state_to_json(const CycleState& state) {
  Json::Array verified;
  for (const PolicyValues& policy : state.verified) verified.push_back(values_to_json(policy));
  Json rollbacks = Json::object();
  for (const auto& [fingerprint, count] : state.rollbacks) rollbacks[fingerprint] = count;
  Json::Array used(state.used_decisions.begin(), state.used_decisions.end());
  return Json::object({{"schema", kSchema},
                       {"phase", to_string(state.phase)},
                       {"pending_decision", state.pending_decision},
                       {"intent", state.intent ? intent_to_json(*state.intent) : Json()},
                       {"change", state.change ? change_to_json(*state.change) : Json()},
                       {"verified", std::move(verified)},
                       {"in_force", values_to_json(state.in_force)},
                       {"in_force_since", or_null(state.in_force_since)},
                       {"cooldown_until", or_null(state.cooldown_until)},
                       {"rollbacks", std::move(rollbacks)},
                       {"used_decisions", std::move(used)},
                       {"rollback_due_since", or_null(state.rollback_due_since)},
                       {"last_rollback", rollback_timing_to_json(state.last_rollback)},
                       {"rolled_back", rolled_back_to_json(state.rolled_back)},
                       {"predictions", ledger_to_json(state.predictions)},
                       {"evidence", evidence_to_json(state.evidence)},
                       {"days", days_to_json(state.days)},
                       {"last_refusal", state.last_refusal}});
}

Json rolled_back_to_json(const std::optional<RolledBack>& rolled_back) {
  if (!rolled_back) return Json();
  return Json::object({{"at", format_time(rolled_back->at)},
                       {"patch", patch_to_json(rolled_back->patch)},
                       {"why", rolled_back->why}});
}

Json rollback_timing_to_json(const std::optional<RollbackTiming>& timing) {
  if (!timing) return Json();
  const std::chrono::duration<double> took = timing->in_force_at - timing->trigger_at;
  return Json::object({{"trigger_at", format_time(timing->trigger_at)},
                       {"in_force_at", format_time(timing->in_force_at)},
                       {"seconds", took.count()}});
}

CycleState cycle_state_from_json(const Json& document, std::string_view where) {
  const Json* schema = document.find("schema");
  if (schema == nullptr || !schema->is_string() || schema->as_string() != kSchema) {
    throw Error(ErrorKind::preflight, where, "holds no state of this version",
                "use the dagloop version that wrote it, or another --state");
  }
  try {
    return read_state(JsonReader(document, std::string(where)));
  } catch (const Error& error) {
    // To the reader this is a bad document; to the cycle a store that it cannot rely on.
    throw Error(ErrorKind::preflight, where, error.what(), kRestore);
  }
}

std::string policy_fingerprint(const PolicyValues& values) {
  return sha256_hex(to_canonical_json(values_to_json(values)));
}

}  // namespace dagloop
