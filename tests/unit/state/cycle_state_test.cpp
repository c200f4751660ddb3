#include "dagloop/state/cycle_state.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

const TimePoint kTime = *parse_time("2026-03-01T10:00:00.000001Z");

LedgerEntry entry(bool has_outcome) {
  const Prediction prediction{
      EffectModel::fallback, {1.5, -0.25, 3}, {0, 0, 10}, 7, Reach::extrapolated};
  LedgerEntry made{"d0", "K", {"0", "1"}, prediction, kTime, std::nullopt};
  if (has_outcome) {
    made.outcome = Outcome{ActualEffect{2, 0.5}, std::nullopt, kTime, 20, 30, ActualEffect{-1, 2}};
    made.rule = "r1";
    made.figure = NamedFigure{"n1", "failure_rate", 0.5, 0.4, 0.6};
    made.is_undone = true;
  }
  return made;
}

// A state in which every member holds something.
CycleState full_state() {
  CycleState state;
  state.phase = Phase::applying;
  state.pending_decision = parse_json(R"({"action": "promote", "x": [1, 0.1, null, "é"]})", "d");
  state.intent = Intent{ChangeKind::rollback,
                        "/srv/a.env",
                        "b1",
                        "a1",
                        {{"K", {"1", "2"}}},
                        "d1",
                        "alice",
                        "because",
                        kTime,
                        kTime + Microseconds(1),
                        Phase::verifying,
                        {entry(false)},
                        "3f9a0c55d1e2b784"};
  state.change = ChangeUnderVerification{"d0", {{"K", {"0", "1"}}}, kTime, kTime - Microseconds(5)};
  state.verified = {{{"K", "0"}}, {}, {{"K", "1"}, {"L", ""}}};
  state.in_force = {{"K", "1"}};
  state.in_force_since = kTime;
  state.cooldown_until = kTime + Microseconds(999999);
  state.rollbacks = {{"f", std::numeric_limits<int>::max()}, {"g", 0}};
  state.used_decisions = {"d0", "d1"};
  state.rollback_due_since = kTime + Microseconds(2);
  state.last_rollback = RollbackTiming{kTime, kTime + Microseconds(40'000'001)};
  state.rolled_back = RolledBack{kTime, {{"K", {"1", "0"}}}, "why"};
  state.excluded = {{"s", "success_drop", kTime}};
  state.predictions = {entry(true), entry(false)};
  state.last_refusal = "a\nb";
  state.days = {{kTime, 7, {{"pipeline_success_rate", 0.9}}},
                {kTime + std::chrono::hours(24), 0, {}}};
  return state;
}

void check_refused(const Json& document, const std::string& what) {
  INFO(to_compact_json(document));
  try {
    static_cast<void>(cycle_state_from_json(document, "s.db"));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::preflight);
    CHECK_THAT(error.what(), Catch::StartsWith("preflight: s.db: ") && Catch::Contains(what));
    return;
  }
  FAIL("was read");
}

Json without(Json object, const std::string& key) {
  std::erase_if(object.as_object(), [&](const Json::Member& each) { return each.first == key; });
  return object;
}

}  // namespace

TEST_CASE("a state with every member set reads back as it was, to the microsecond") {
  const CycleState state = full_state();
  const Json document = cycle_state_to_json(state);
  for (const std::string& text :
       {to_compact_json(document), to_pretty_json(document), to_canonical_json(document)}) {
    CHECK(cycle_state_from_json(parse_json(text, "s.db"), "s.db") == state);
  }
}

TEST_CASE("each member of a state is in its document") {
  const Json empty = cycle_state_to_json({});
  const Json full = cycle_state_to_json(full_state());
  REQUIRE(empty.as_object().size() == full.as_object().size());
  for (const auto& [key, value] : full.as_object()) {
    INFO(key);
    if (key != "schema") CHECK_FALSE(*empty.find(key) == value);
  }
}

TEST_CASE("the version belongs to the stored row, not to the document") {
  CycleState state = full_state();
  state.version = 7;
  CHECK(cycle_state_from_json(cycle_state_to_json(state), "s.db").version == 0);
}

TEST_CASE("a state that lacks any member, of itself or of its changes, is refused") {
  const Json document = cycle_state_to_json(full_state());
  for (const auto& [key, value] : document.as_object()) {
    if (key == "rollback_due_since" || key == "last_rollback" || key == "rolled_back" ||
        key == "days" || key == "predictions" || key == "excluded") {
      continue;  // below
    }
    check_refused(without(document, key), key == "schema" ? "this version" : key);
  }
  for (const std::string part : {"intent", "change"}) {
    for (const auto& [key, value] : document.find(part)->as_object()) {
      const bool is_new = key == "predictions" || key == "before_since" || key == "temporary";
      if (is_new) continue;  // below
      Json edited = document;
      edited[part] = without(*document.find(part), key);
      check_refused(edited, key);
    }
  }
}

TEST_CASE("a state of a version that did not time rollbacks is read") {
  CycleState state = full_state();
  const Json document =
      without(without(cycle_state_to_json(state), "rollback_due_since"), "last_rollback");
  state.rollback_due_since.reset();
  state.last_rollback.reset();
  CHECK(cycle_state_from_json(document, "s.db") == state);
}

TEST_CASE("an intent of a version whose temporary files had a fixed name is read") {
  CycleState state = full_state();
  Json document = cycle_state_to_json(state);
  document["intent"] = without(*document.find("intent"), "temporary");
  state.intent->temporary.clear();
  CHECK(cycle_state_from_json(document, "s.db") == state);
}

TEST_CASE("a state of a version that did not tell of the last rollback is read") {
  CycleState state = full_state();
  const Json document = without(cycle_state_to_json(state), "rolled_back");
  state.rolled_back.reset();
  CHECK(cycle_state_from_json(document, "s.db") == state);
}

TEST_CASE("a state of a version that excluded no policy for good is read") {
  CycleState state = full_state();
  const Json document = without(cycle_state_to_json(state), "excluded");
  state.excluded.clear();
  CHECK(cycle_state_from_json(document, "s.db") == state);
}

TEST_CASE("a state that an earlier version rolled back says so, until somebody's edit") {
  CycleState state = full_state();
  state.phase = Phase::rolled_back;
  state.in_force_since = kTime;
  state.last_rollback = RollbackTiming{kTime, kTime};
  const Json document = without(cycle_state_to_json(state), "rolled_back");
  state.rolled_back = RolledBack{kTime, {}, "a rollback of the version before"};
  CHECK(cycle_state_from_json(document, "s") == state);
  state.in_force_since = kTime + std::chrono::hours(1);
  const Json edited = without(cycle_state_to_json(state), "rolled_back");
  CHECK_FALSE(cycle_state_from_json(edited, "s").rolled_back);
  state.rolled_back.reset();  // null: this version knows of none
  state.in_force_since = kTime;
  CHECK_FALSE(cycle_state_from_json(cycle_state_to_json(state), "s").rolled_back);
}

TEST_CASE("a ledger of a version without rules is read, and holds back none") {
  CycleState state = full_state();
  Json document = cycle_state_to_json(state);
  document["change"] = without(*document.find("change"), "before_since");
  for (Json& entry : document["predictions"].as_array()) {
    entry = without(without(without(entry, "rule"), "figure"), "is_undone");
  }
  state.change->before_since.reset();
  for (LedgerEntry& entry : state.predictions) {
    entry.rule.clear();
    entry.figure.reset();
    entry.is_undone = false;
  }
  CHECK(cycle_state_from_json(document, "d") == state);
}

TEST_CASE("a state of a version without days is read, and they begin anew") {
  CycleState state = full_state();
  const Json document = without(cycle_state_to_json(state), "days");
  state.days.clear();
  CHECK(cycle_state_from_json(document, "s.db") == state);
}

TEST_CASE("days that lack a member, or are out of order, are refused") {
  const Json document = cycle_state_to_json(full_state());
  Json edited = document;
  std::reverse(edited["days"].as_array().begin(), edited["days"].as_array().end());
  check_refused(edited, "ascending order");
  for (const char* key : {"day", "runs", "values"}) {
    edited = document;
    edited["days"].as_array()[0] = without(document.find("days")->as_array()[0], key);
    check_refused(edited, key);
  }
  edited = document;
  edited["days"].as_array()[0]["runs"] = -1;
  check_refused(edited, "negative");
}

TEST_CASE("a state of a version that kept no predictions is read") {
  CycleState state = full_state();
  Json document = without(cycle_state_to_json(state), "predictions");
  document["intent"] = without(*document.find("intent"), "predictions");
  state.predictions.clear();
  state.intent->predictions.clear();
  CHECK(cycle_state_from_json(document, "s.db") == state);
}

TEST_CASE("the time of a rollback is printed in seconds") {
  CHECK(rollback_timing_to_json(std::nullopt).is_null());
  CHECK(to_compact_json(rollback_timing_to_json(
            RollbackTiming{kTime, kTime + std::chrono::milliseconds(1500)})) ==
        R"({"trigger_at":"2026-03-01T10:00:00.000001Z",)"
        R"("in_force_at":"2026-03-01T10:00:01.500001Z","seconds":1.5})");
}

TEST_CASE("a state with a word that is none of its kind is refused, not taken for another") {
  for (const std::string key : {"kind", "phase_before", "decided_at", "effective_at", "patch"}) {
    Json edited = cycle_state_to_json(full_state());
    edited["intent"][key] = "sideways";
    check_refused(edited, "intent." + key);
  }
}

TEST_CASE("a state with a value of another type is refused with its place") {
  for (const std::string key :
       {"phase", "intent", "change", "verified", "in_force", "in_force_since", "cooldown_until",
        "rollbacks", "used_decisions", "last_refusal"}) {
    Json edited = cycle_state_to_json(full_state());
    edited[key] = true;
    check_refused(edited, key);
  }
}

TEST_CASE("a count of rollbacks that is none is refused") {
  for (const std::int64_t count :
       {std::int64_t{-1}, std::int64_t{std::numeric_limits<int>::max()} + 1,
        std::numeric_limits<std::int64_t>::max()}) {
    Json edited = cycle_state_to_json(full_state());
    edited["rollbacks"]["f"] = count;
    check_refused(edited, "rollbacks.f");
  }
}

TEST_CASE("a document that is no state at all is refused") {
  for (const Json& document :
       {Json(), Json(5), Json::array(), Json::object(), Json::object({{"schema", 1}})}) {
    check_refused(document, "holds no state of this version");
  }
}

TEST_CASE("every phase and kind has a word of its own that reads back") {
  std::vector<std::string_view> words;
  for (int i = static_cast<int>(Phase::idle); i <= static_cast<int>(Phase::expired); ++i) {
    const auto phase = static_cast<Phase>(i);
    CHECK(parse_phase(to_string(phase)) == phase);
    CHECK(std::find(words.begin(), words.end(), to_string(phase)) == words.end());
    words.push_back(to_string(phase));
  }
  CHECK(parse_phase("Idle") == std::nullopt);
  CHECK(parse_phase("") == std::nullopt);
  CHECK(to_string(ChangeKind::apply) == "apply");
  CHECK(to_string(ChangeKind::rollback) == "rollback");
}

TEST_CASE("a fingerprint is the SHA-256 of the canonical values") {
  // sha256sum of {"A":"1","B":"x"}
  CHECK(policy_fingerprint({{"B", "x"}, {"A", "1"}}) ==
        "6991cdb1d98359722ae20b450085073ec5528de1d33893a8d5b4e4af32bcfc4b");
  CHECK(policy_fingerprint({{"A", "1,B"}}) != policy_fingerprint({{"A", "1"}, {"B", ""}}));
}

}  // namespace dagloop
