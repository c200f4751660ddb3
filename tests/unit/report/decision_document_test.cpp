#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/report/documents.hpp"
#include "make_documents.hpp"

namespace dagloop {
namespace {

using test::make_decision;

// Another value of the same type.
Json altered(const Json& value) {
  if (value.is_string()) return value.as_string() + "x";
  if (value.is_integer()) return value.as_integer() + 1;
  if (value.is_number()) return value.as_number() + 0.5;
  return value.is_null() ? Json("something") : Json();
}

// Whether the leaf at `path` says in words what stands beside it.
bool is_words(const std::string& path) {
  return (path.ends_with(".text") && !path.ends_with(".args.text")) ||
         path.ends_with(".prediction.assumption") || path == ".recommendations[].evidence" ||
         path == ".recommendations[].expected_effect" || path == ".recommendations[].clipped";
}

// An edit by someone who knows how the digest is made.
Json resealed(Json document) {
  document["digest"] = decision_digest(document);
  return document;
}

}  // namespace

TEST_CASE("a decision document fits its schema and reads back what an apply needs") {
  const Decision decision = make_decision();
  const Json document = decision_to_json(decision);
  REQUIRE_NOTHROW(validate_schema(document, "decision", "decision"));
  const Decision read = decision_from_json(parse_json(to_pretty_json(document), "d"), "d");
  CHECK(read.generated_at == decision.generated_at);
  CHECK(read.as_of == decision.as_of);
  CHECK(read.action == decision.action);
  CHECK(read.verdict == decision.verdict);
  CHECK(read.current_percent == decision.current_percent);
  CHECK(read.next_percent == decision.next_percent);
  CHECK(read.reasons == decision.reasons);
  CHECK(read.recommendations == decision.recommendations);
  CHECK(read.patch == decision.patch);
  CHECK(read.approval == decision.approval);
  CHECK(read.env_sha256 == decision.env_sha256);
  CHECK(read.expires_at == decision.expires_at);
  CHECK(read.proposed_by == decision.proposed_by);
}

TEST_CASE("predictions and their calibration fit the schema; the predictions read back") {
  Decision decision = make_decision();
  tell_predictions(test::make_ledger(), decision);
  const Json document = decision_to_json(decision);
  REQUIRE_NOTHROW(validate_schema(document, "decision", "decision"));
  CHECK(decision_from_json(document, "d").predictions == test::make_ledger());
  CHECK(to_compact_json(*document.find("calibration")) ==
        R"([{"model":"node_timeout","predictions":2,"inside":1,"p95_predictions":2,)"
        R"("p95_inside":2,"trust":"untested"}])");
}

TEST_CASE("reasons and changes are told in lines, and no label can add one") {
  Decision decision = make_decision();
  decision.reasons = {{"gate_pass"}, {"no_fan_out\n", {{"text", "a\nb"}}}};
  decision.patch = {{"K", {"10", "30"}}};
  CHECK(decision_lines(decision, DecisionStage::decided) ==
        "  gate_pass: the gate passed\n  no_fan_out\\x0a: a\\x0ab\n"
        "  patch K: 10 -> 30\n");
  CHECK_THAT(decision_text(decision, "d"),
             Catch::Contains("\n  because: the gate passed\n"
                             "  because: a\\x0ab\n  change: K: 10 -> 30\n"));
}

TEST_CASE("a headline says what it comes to, and why a gate that passes holds up no rollback") {
  Decision decision = make_decision();
  const auto headline = [&](DecisionStage stage) { return decision_headline(decision, stage); };
  CHECK(headline(DecisionStage::dry_run) == "promote from 10 % to 30 %, dry run; the gate passes");
  CHECK(headline(DecisionStage::waits) ==
        "promote from 10 % to 30 %, waits for an approval; the gate passes");
  decision.action = Action::rollback;
  decision.next_percent = 0;
  decision.reasons = {{"success_drop_fired"}};
  CHECK(headline(DecisionStage::made) ==
        "rollback from 10 % to 0 %, done; a trigger fired, although all runs together pass the "
        "gate");
  decision.verdict = Verdict::FAIL;
  CHECK(headline(DecisionStage::decided) ==
        "rollback from 10 % to 0 %; a trigger fired, and the gate fails");
  decision.reasons = {{"verification_missed"}};
  CHECK(headline(DecisionStage::decided) ==
        "rollback from 10 % to 0 %; the change missed its verification");
  decision.action = Action::hold;
  decision.next_percent.reset();
  decision.patch = {{"K", {"1", "2"}}};
  decision.verdict = Verdict::INSUFFICIENT;
  CHECK(headline(DecisionStage::decided) ==
        "hold at 10 %, with a change of K; the gate cannot judge");
}

TEST_CASE("what only warns is told as a warning beside a gate that passes") {
  GateResult gate;
  gate.verdict = Verdict::PASS;
  gate.checks.resize(2);
  gate.checks[0].status = CheckStatus::warn;
  gate.checks[0].check.severity = Severity::warn;
  gate.checks[0].reason = {"x_above_threshold", {{"text", "x is 20 %; demanded is <= 10 %"}}};
  gate.checks[1].status = CheckStatus::pass;
  CHECK(gate_warnings(gate) ==
        std::vector<std::string>{"warning, which stops nothing: x is 20 %; demanded is <= 10 %"});
}

TEST_CASE("an approver is shown what is predicted of a change, and not of a way back") {
  Decision decision = make_decision();
  CHECK_THAT(decision_text(decision, "d"), !Catch::Contains("predicted"));
  decision.patch = {{"DAG_NODE_TIMEOUT_MS", {"1000", "2000"}}};
  decision.recommendations[0].trust = Trust::badly_calibrated;
  CHECK_THAT(decision_text(decision, "d"),
             Catch::Contains("predicted: success rate +1.2 pp (80 %: +0.5 to +2.0), p95 +120 ms "
                             "(80 %: -10 to +300), beyond what was seen: not sure; attempts "
                             "that the timeout cuts off") &&
                 Catch::Contains("those that end in time (the model was often wrong)"));
  decision.patch = {{"DAG_NODE_TIMEOUT_MS", {"2000", "1000"}}};
  CHECK_THAT(decision_text(decision, "d"), !Catch::Contains("predicted"));
}

TEST_CASE("a decision to hold, with nothing to apply, fits its schema and reads back") {
  Decision decision = make_decision();
  decision.action = Action::hold;
  decision.next_percent.reset();
  decision.triggers.clear();
  decision.recommendations.clear();
  decision.patch.clear();
  decision.approval = Decision::Approval::not_required;
  const Json document = decision_to_json(decision);
  CHECK_NOTHROW(validate_schema(document, "decision", "decision"));
  const Decision read = decision_from_json(document, "d");
  CHECK(read.next_percent == std::nullopt);
  CHECK(read.patch.empty());
  CHECK(read.approval == Decision::Approval::not_required);
}

TEST_CASE("a decision document shows every figure of its triggers") {
  const Json document = decision_to_json(make_decision());
  const Json::Array& triggers = document.find("triggers")->as_array();
  CHECK(to_compact_json(triggers[0]) ==
        R"({"name":"success_drop","kpi":"pipeline_success_rate","state":"quiet","value":0.95,)"
        R"("baseline_value":0.96,"threshold":10,"sample_count":40,"baseline_sample_count":400,)"
        R"("evidence":null,"reason":{"code":"success_drop_quiet","args":{"text":"fine"},)"
        R"("text":"fine"}})");
  CHECK(triggers[1].find("value")->is_null());
}

TEST_CASE("the same decision gives the same bytes") {
  CHECK(to_pretty_json(decision_to_json(make_decision())) ==
        to_pretty_json(decision_to_json(make_decision())));
}

TEST_CASE("the digest is the SHA-256 of the schema, a newline and the canonical form") {
  const Json document =
      Json::object({{"schema", "dagloop.policy_decision/1"}, {"b", 1}, {"a", 2}, {"digest", "x"}});
  CHECK(decision_digest(document) ==
        sha256_hex("dagloop.policy_decision/1\n"
                   R"({"a":2,"b":1,"schema":"dagloop.policy_decision/1"})"));
}

TEST_CASE("changing any value of a decision document changes its digest and is refused") {
  Json document = decision_to_json(make_decision());
  const Json original = document;
  const std::string digest = decision_digest(original);
  std::set<std::string> seen{digest};
  int edits = 0;
  test::for_each_leaf(document, [&](Json& leaf, const std::string& path) {
    const Json before = leaf;
    leaf = altered(before);
    CAPTURE(path);
    if (is_words(path)) return void(leaf = before);
    CHECK_THROWS_AS(decision_from_json(document, "d"), Error);
    if (path != ".digest") CHECK(seen.insert(decision_digest(document)).second);
    leaf = before;
    ++edits;
  });
  CHECK(edits > 50);
  CHECK(document == original);
}

TEST_CASE("words are not signed, and whoever reads a decision never sees them") {
  Decision decision = make_decision();
  tell_predictions(test::make_ledger(), decision);
  decision.patch = {{"DAG_NODE_TIMEOUT_MS", {"1000", "2000"}}};
  const Json original = decision_to_json(decision);
  Json document = original;
  int edits = 0;
  test::for_each_leaf(document, [&](Json& leaf, const std::string& path) {
    if (!is_words(path)) return;
    leaf = "what somebody wants to be read";
    ++edits;
  });
  CHECK(edits == 14);
  CHECK(decision_digest(document) == decision_digest(original));
  const Decision read = decision_from_json(document, "d");
  CHECK(decision_text(read, "d") == decision_text(decision, "d"));
  CHECK(read.recommendations == decision.recommendations);
  CHECK(*decision_to_json(read).find("reasons") == *original.find("reasons"));
}

TEST_CASE("a decision of an earlier version, whose reasons have no arguments, is refused") {
  Json document = decision_to_json(make_decision());
  Json& reason = document["reasons"].as_array()[0];
  reason = Json::object({{"code", "gate_pass"}, {"text", "the gate passed"}});
  CHECK_THROWS_WITH(decision_from_json(document, "d"),
                    Catch::Contains("an earlier version wrote it"));
  CHECK_THROWS_WITH(decision_from_json(resealed(document), "d"), Catch::Contains("args"));
}

TEST_CASE("a member added to or taken from a decision document is refused as an edit") {
  const Json document = decision_to_json(make_decision());
  Json added = document;
  added["extra"] = 1;
  CHECK_THROWS_WITH(decision_from_json(added, "d.json"),
                    Catch::StartsWith("approval: d.json") && Catch::Contains("edited"));
  for (const auto& [key, value] : document.as_object()) {
    Json lacking = document;
    std::erase_if(lacking.as_object(),
                  [&key = key](const auto& member) { return member.first == key; });
    CAPTURE(key);
    CHECK_THROWS_AS(decision_from_json(lacking, "d.json"), Error);
    CHECK_THROWS_AS(validate_schema(lacking, "decision", "d.json"), Error);
  }
}

TEST_CASE("the order of members and the layout do not change a decision's digest") {
  const Json document = decision_to_json(make_decision());
  Json::Object reversed(document.as_object().rbegin(), document.as_object().rend());
  CHECK(decision_digest(Json(std::move(reversed))) == decision_digest(document));
  CHECK(decision_digest(parse_json(to_compact_json(document), "d")) == decision_digest(document));
}

TEST_CASE("an unknown word in a decision document is refused even under a right digest") {
  for (const char* key : {"action", "verdict", "approval"}) {
    Json edited = decision_to_json(make_decision());
    edited[key] = "other";
    CAPTURE(key);
    CHECK_THROWS_WITH(decision_from_json(resealed(edited), "d.json"),
                      Catch::Contains(std::string("d.json: ") + key));
  }
}

TEST_CASE("what an approver is shown has a line a reason and a change, and no other") {
  Decision decision = make_decision();
  decision.reasons = {{"code", {{"text", "slow\n  change: none\x1b[2K"}}},
                      {"code", {{"text", "fine"}}}};
  decision.patch = {{"A", {"1", "2"}},
                    {"B\r",
                     {"\xc2\x9b"
                      "1A",
                      "\x7f"}}};
  decision.proposed_by = "\x1b]0;bob";
  const std::string text = decision_text(decision, "d1");
  CHECK_THAT(text, Catch::StartsWith("decision d1\n"));
  CHECK_THAT(text,
             Catch::Contains("proposed by \\x1b]0;bob, on the figures as of 2026-02-25T06:00:00Z\n"
                             "  because: slow\\x0a  change: none\\x1b[2K\n"
                             "  because: fine\n"
                             "  change: A: 1 -> 2\n"
                             "  change: B\\x0d: \\xc2\\x9b"
                             "1A -> \\x7f\n"
                             "  effect: of all runs 30 % instead of 10 % get what the canary "
                             "runs\n"
                             "  expires: "));
  CHECK(std::count(text.begin(), text.end(), '\n') == 9);
}

TEST_CASE("a number that does not fit is refused, not cut to one that does") {
  for (const char* key : {"current_percent", "next_percent"}) {
    Json document = decision_to_json(make_decision());
    document[key] = (std::int64_t{1} << 32) + 10;
    CHECK_THROWS_WITH(decision_from_json(resealed(document), "d"),
                      Catch::Contains(key) && Catch::Contains("out of range"));
  }
}

TEST_CASE("a document of another kind or version is no decision") {
  Json other = decision_to_json(make_decision());
  other["schema"] = "dagloop.policy_decision/2";
  CHECK_THROWS_WITH(decision_from_json(resealed(other), "d.json"),
                    Catch::Contains("d.json: schema"));
  CHECK_THROWS_WITH(decision_from_json(Json::object(), "d.json"), Catch::Contains("schema"));
}

TEST_CASE("the decision's schema refuses members and shapes that no decision has") {
  const auto refused = [](const std::function<void(Json&)>& edit) {
    Json document = decision_to_json(make_decision());
    edit(document);
    CHECK_THROWS_AS(validate_schema(document, "decision", "d.json"), Error);
  };
  refused([](Json& document) { document["extra"] = 1; });
  refused([](Json& document) { document["next_percent"] = 101; });
  refused([](Json& document) { document["current_percent"] = -1; });
  refused([](Json& document) { document["expires_at"] = "never"; });
  refused([](Json& document) { document["env_sha256"] = "abc"; });
  refused([](Json& document) { document["digest"] = std::string(64, 'G'); });
  refused([](Json& document) { document["patch"]["KEY"] = "30"; });
  refused([](Json& document) {
    const Json change = document["patch"]["DAG_ROLLOUT_PERCENT"];
    document["patch"][""] = change;
  });
  refused([](Json& document) { document["patch"]["DAG_ROLLOUT_PERCENT"]["by"] = "me"; });
  refused([](Json& document) { document["triggers"].as_array()[0]["state"] = "asleep"; });
  refused([](Json& document) { document["recommendations"].as_array()[0]["clipped"] = true; });
}

}  // namespace dagloop
