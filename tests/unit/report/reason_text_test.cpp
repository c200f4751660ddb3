#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/fault_reason.hpp"
#include "dagloop/report/words.hpp"
#include "report/reason_words.hpp"

namespace dagloop {
namespace {

const TimePoint kNoon = *parse_time("2026-02-25T12:00:00Z");

// Whether every bracket of a template closes before the next opens.
bool is_well_formed(std::string_view words) {
  char open = '\0';
  bool is_optional = false;
  for (const char c : words) {
    if (c == '{') {
      if (open == '{') return false;
      open = '{';
    } else if (c == '}') {
      if (open != '{') return false;
      open = '\0';
    } else if (c == '[' || c == ']') {
      if (open == '{' || is_optional == (c == '[')) return false;
      is_optional = c == '[';
    }
  }
  return open == '\0' && !is_optional;
}

}  // namespace

TEST_CASE("every template of the catalogue is well formed, and every part it names is there") {
  std::set<std::string_view> codes;
  for (const Wording& each : english_words()) codes.insert(each.code);
  for (const Wording& each : english_words()) {
    CAPTURE(each.code, each.words);
    REQUIRE_FALSE(each.code.empty());
    CHECK(is_well_formed(each.words));
    for (std::size_t at = each.words.find("{>"); at != std::string_view::npos;
         at = each.words.find("{>", at + 1)) {
      CHECK(codes.contains(each.words.substr(at + 1, each.words.find('}', at) - at - 1)));
    }
  }
}

TEST_CASE("a reason is told with its arguments") {
  CHECK(reason_text({"cooldown", {{"until", kNoon}}}) ==
        "cool-down after a rollback until 2026-02-25T12:00:00Z");
  CHECK(reason_text({"recommendations_wait", {{"count", 3}}}) ==
        "3 recommended changes wait: one change at a time");
  CHECK(reason_text({"gate_pass"}) == "the gate passed");
  CHECK(side_text("previous_window") == "previous window");
  CHECK(side_text("control") == "control");
}

TEST_CASE("of several templates the first is told whose arguments are there") {
  Reason soak{"soak_not_over", {{"since", kNoon}, {"until", kNoon}}};
  CHECK(reason_text(soak) ==
        "in force since 2026-02-25T12:00:00Z; verified at the earliest at 2026-02-25T12:00:00Z");
  soak.args.emplace_back("soak_s", 21600);
  CHECK(reason_text(soak) ==
        "the policy is in force since 2026-02-25T12:00:00Z; it soaks for 6h, until "
        "2026-02-25T12:00:00Z");
}

TEST_CASE("a part whose arguments are missing is left out where it may be") {
  Reason in_force{"already_in_force", {{"rule", "r"}, {"key", "K"}, {"value", "6"}}};
  CHECK(reason_text(in_force) == "rule r: K is already 6");
  in_force.args.emplace_back("clipped", std::vector{Reason{"no_value_within_bounds_and_step"}});
  CHECK(reason_text(in_force) ==
        "rule r: K is already 6 (no value is within both the bounds and the maximum step)");
}

TEST_CASE("a whole code goes before its ending") {
  const Reason sample{"canary_sample_insufficient",
                      {{"have", 1}, {"need", 20}, {"side", "canary"}, {"kpi", "x"}}};
  CHECK(reason_text(sample) == "1 of 20 runs of canary; no value");
  const Reason trigger{"p95_ratio_insufficient",
                       {{"kpi", "p95_latency_ms"}, {"side", "previous_window"}}};
  CHECK(reason_text(trigger) == "p95_latency_ms: no value for previous window");
}

TEST_CASE("what an earlier version told in words is told as it is") {
  CHECK(reason_text({"cooldown", {{"text", "cool-down until noon"}}}) == "cool-down until noon");
  CHECK(reason_text({"not_known", {{"text", "{braces} [and] brackets"}}}) ==
        "{braces} [and] brackets");
}

TEST_CASE("a code that the catalogue lacks is told with its arguments") {
  CHECK(reason_text({"of_a_later_version"}) == "of_a_later_version");
  CHECK(reason_text({"of_a_later_version", {{"count", 2}, {"at", kNoon}, {"share", 0.5}}}) ==
        "of_a_later_version: count 2, at 2026-02-25T12:00:00Z, share 0.5");
}

TEST_CASE("an argument of another kind than its template expects is told all the same") {
  CHECK(reason_text(
            {"soak_not_over",
             {{"since", 5}, {"until", "soon"}, {"soak_s", std::vector{Reason{"gate_pass"}}}}}) ==
        "the policy is in force since 5; it soaks for the gate passed, until soon");
  CHECK(reason_text({"no_baseline", {{"reference", 7}}}) ==
        "the 7 holds no DAG run to compare with");
  const Reason endless{"soak_not_over", {{"since", 1}, {"until", 2}, {"soak_s", 1e300}}};
  CHECK(reason_text(endless) == "the policy is in force since 1; it soaks for 1e+300, until 2");
}

TEST_CASE("each fault of a key is told with what it demands") {
  using Kind = KeyFault::Kind;
  const auto text = [](const KeyFault& fault) { return reason_text(fault_reason(fault)); };
  CHECK(text({"K", Kind::key_not_allowlisted}) == "K is not on the allowlist");
  CHECK(text({"K", Kind::value_of_other_type, "two", "int"}) == "K: \"two\" is no int");
  CHECK(text({"K", Kind::value_not_listed, "Rule", "off, rule"}) ==
        "K: \"Rule\" is none of off, rule");
  CHECK(text({"K", Kind::value_below_minimum, "0", "", 1}) == "K: 0 is below the minimum 1");
  CHECK(text({"K", Kind::value_above_maximum, "1.5", "", 0.1}) ==
        "K: 1.5 is above the maximum 0.1");
  CHECK(text({"K", Kind::step_above_maximum, "100", "", 40, "59"}) ==
        "K: from 59 to 100 is more than the maximum step 40");
  CHECK(text({"K", Kind::value_of_other_type, "many", "int", 0, "", KeyFault::At::present}) ==
        "there is no way back to the present value, K: \"many\" is no int");
}

TEST_CASE("reasons follow one another") {
  CHECK(reasons_text({}).empty());
  CHECK(reasons_text({{"gate_pass"}, {"at_top_step"}}) ==
        "the gate passed; the rollout is at the ladder's top");
}

TEST_CASE(
    "a trigger tells what hangs together, since when it is worse, and that one user is behind") {
  std::vector<ReasonArg> args{{"kpi", "pipeline_success_rate"},
                              {"subject", "canary"},
                              {"value", 0.9},
                              {"count", 900},
                              {"total", 1000},
                              {"limit_drop_pp", 10.0},
                              {"e_value", 253.0},
                              {"needed", 222.0}};
  const std::string whole =
      "pipeline_success_rate of canary is 90.0 % (900 of 1000); the limit is a drop of 10 points "
      "or "
      "more; the chance that this is noise is below 1 in 253";
  CHECK(reason_text({"success_drop_fired", args}) == whole);
  args.emplace_back("design_effect", 3.5);
  CHECK(reason_text({"success_drop_fired", args}) ==
        whole + "; 3.5 runs count as one, because those of a day hang together");
  args.emplace_back("users", 41);
  const std::string users =
      whole + "; 3.5 runs count as one, because those of a user hang together (41 users)";
  CHECK(reason_text({"success_drop_fired", args}) == users);
  args.emplace_back("reference", "control");
  args.emplace_back("stretch_since", kNoon);
  args.emplace_back("stretch_trials", 30);
  args.emplace_back("stretch_events", 29);
  args.emplace_back("stretch_reference_trials", 270);
  args.emplace_back("stretch_reference_events", 8);
  const std::string stretch =
      users + "; since 2026-02-25T12:00:00Z alone 29 of 30 count against it, of control 8 of 270";
  CHECK_THAT(reason_text({"success_drop_fired", args}), Catch::EndsWith(stretch.substr(40)));
  args.emplace_back("one_user_trials", 28);
  args.emplace_back("one_user_events", 28);
  CHECK_THAT(reason_text({"success_drop_unconfirmed", args}),
             Catch::EndsWith(
                 "; it rests on one user (28 of 28); until that is sure, no step up is made, and "
                 "nothing is taken back"));
}

TEST_CASE("a missing canary and a cold one have words of their own") {
  CHECK(
      reason_text({"canary_missing_unconfirmed",
                   {{"kpi", "canary_share"},
                    {"canary_runs", 2},
                    {"runs", 300},
                    {"expected_share", 0.1},
                    {"limit_below_times", 0.5},
                    {"e_value", 37.0},
                    {"needed", 1000.0},
                    {"stretch_since", kNoon},
                    {"stretch_trials", 180},
                    {"stretch_events", 0},
                    {"more_trials", 60},
                    {"wait_s", 600.0}}}) ==
      "2 of 300 runs with a cohort are the canary's; the rollout stands at 10 %, and less than "
      "half "
      "of that is too few; this may be noise: the chance of that is below 1 in 37, and below 1 in "
      "1,000 is asked for; since 2026-02-25T12:00:00Z alone 0 of 180 are the canary's; about 60 "
      "more runs needed, at the present rate in about 10m; until that is sure, no step up is "
      "made, and nothing is taken back");
  CHECK(reason_text({"success_collapse_fired",
                     {{"kpi", "pipeline_success_rate"},
                      {"subject", "canary"},
                      {"reference", "control"},
                      {"limit_drop_pp", 50.0},
                      {"value", 0.02},
                      {"reference_value", 0.97},
                      {"e_value", 4000.0},
                      {"needed", 2000.0}}}) ==
        "of the runs that began before both sides were warm: pipeline_success_rate of canary is "
        "2.0 %, of control 97.0 %; the limit is a drop of 50 points or more; the chance that "
        "this is noise is below 1 in 4,000");
}

}  // namespace dagloop
