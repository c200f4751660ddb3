#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/decision.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;

DecisionConfig parse(const std::string& text) {
  const Json document = parse_json(text, "dagloop.json");
  return parse_decision_config(JsonReader(document, "dagloop.json", "decision"));
}

TEST_CASE("an empty or missing section gives the defaults") {
  for (const std::string text : {"{}", "null"}) {
    const DecisionConfig config = parse(text);
    CHECK(config.ladder == std::vector<int>{0, 10, 30, 60, 100});
    CHECK(config.rollout_key == "DAG_ROLLOUT_PERCENT");
    CHECK(config.min_sample == 20);
    CHECK(config.promotion_margin_pp == 2.0);
    CHECK(config.soak == 6h);
    CHECK(config.warmup == 30min);
    CHECK(config.cooldown == 24h);
    CHECK(config.verification_timeout == 72h);
    CHECK(config.triggers.success_drop_pp == 10.0);
    CHECK(config.triggers.error_ratio == 2.0);
    CHECK(config.triggers.p95_ms == std::nullopt);
    CHECK(config.triggers.p95_ratio == 1.5);
    CHECK(config.triggers.attempt_failure_ratio == 2.0);
    CHECK(config.triggers.fallback_pp == 10.0);
    CHECK(config.triggers.decline_pp == 5.0);
    CHECK(config.triggers.error_floor == 5);
  }
}

TEST_CASE("every key of the section is read") {
  const DecisionConfig config = parse(R"({
      "ladder": [0, 50, 100], "rollout_key": "ROLLOUT", "evidence": "point", "min_sample": 7,
      "promotion_margin_pp": 0, "soak": "0s", "cooldown": "90m", "verification_timeout": "4d",
      "triggers": {"success_drop_pp": 5, "error_ratio": 3, "p95_ms": 60000, "p95_ratio": 2.5,
                   "attempt_failure_ratio": 4, "fallback_pp": 25, "error_floor": 9}})");
  CHECK(config.ladder == std::vector<int>{0, 50, 100});
  CHECK(config.rollout_key == "ROLLOUT");
  CHECK(config.min_sample == 7);
  CHECK(config.promotion_margin_pp == 0.0);
  CHECK(config.soak == 0h);
  CHECK(config.cooldown == 90min);
  CHECK(config.verification_timeout == 96h);
  CHECK(config.triggers.success_drop_pp == 5.0);
  CHECK(config.triggers.error_ratio == 3.0);
  CHECK(config.triggers.p95_ms == 60000.0);
  CHECK(config.triggers.p95_ratio == 2.5);
  CHECK(config.triggers.attempt_failure_ratio == 4.0);
  CHECK(config.triggers.fallback_pp == 25.0);
  CHECK(config.triggers.error_floor == 9);
}

TEST_CASE("null turns a trigger off") {
  const TriggerThresholds triggers =
      parse(R"({"triggers": {"success_drop_pp": null, "error_ratio": null, "p95_ms": null,
                             "p95_ratio": null, "attempt_failure_ratio": null, "fallback_pp": null}})")
          .triggers;
  CHECK(triggers.success_drop_pp == std::nullopt);
  CHECK(triggers.error_ratio == std::nullopt);
  CHECK(triggers.p95_ms == std::nullopt);
  CHECK(triggers.p95_ratio == std::nullopt);
  CHECK(triggers.attempt_failure_ratio == std::nullopt);
  CHECK(triggers.fallback_pp == std::nullopt);
  CHECK(triggers.error_floor == 5);
}

TEST_CASE("evidence is sequential unless the figures alone are to decide") {
  CHECK(parse("{}").evidence.mode == EvidenceMode::sequential);
  CHECK(parse(R"({"evidence": "sequential"})").evidence.mode == EvidenceMode::sequential);
  CHECK(parse(R"({"evidence": "point"})").evidence.mode == EvidenceMode::point);
  const EvidenceConfig evidence = parse(R"({"alpha": 0.02, "promotion_alpha": 0.1,
      "promotion_excludes_drop_pp": 5, "patience": "14d"})")
                                      .evidence;
  CHECK(evidence.alpha == 0.02);
  CHECK(evidence.promotion_alpha == 0.1);
  CHECK(evidence.excluded_drop_pp == 5.0);
  CHECK(evidence.patience == 14 * 24h);
}

TEST_CASE("the warm-up is half an hour, or what is said, and none by the figures alone") {
  CHECK(warmup_in_effect(parse("{}")) == 30min);
  CHECK(warmup_in_effect(parse(R"({"warmup": "2h"})")) == 2h);
  CHECK(warmup_in_effect(parse(R"({"warmup": "0s"})")) == 0h);
  CHECK(warmup_in_effect(parse(R"({"evidence": "point"})")) == 0h);
}

TEST_CASE("a level of evidence is refused where the figures alone decide: it would do nothing") {
  for (const char* key : {R"("alpha": 0.01)", R"("promotion_alpha": 0.05)", R"("patience": "7d")",
                          R"("promotion_excludes_drop_pp": 5)", R"("warmup": "1h")"}) {
    CHECK_THROWS_WITH(parse(std::string(R"({"evidence": "point", )") + key + "}"),
                      Catch::Contains("would do nothing") && Catch::Contains("decision."));
  }
}

TEST_CASE("a faulty section is refused with file and key") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"evidence": "none"})", "decision.evidence"},
      {R"({"alpha": 0})", "decision.alpha"},
      {R"({"alpha": 0.6})", "decision.alpha"},
      {R"({"promotion_alpha": "5 %"})", "decision.promotion_alpha"},
      {R"({"promotion_excludes_drop_pp": 0})", "decision.promotion_excludes_drop_pp"},
      {R"({"promotion_excludes_drop_pp": 101})", "decision.promotion_excludes_drop_pp"},
      {R"({"patience": 28})", "decision.patience"},
      {R"({"ladder": []})", "decision.ladder"},
      {R"({"ladder": [10]})", "decision.ladder"},
      {R"({"ladder": [0, 10, 10]})", "decision.ladder"},
      {R"({"ladder": [0, 30, 10]})", "decision.ladder"},
      {R"({"ladder": [-1, 10]})", "decision.ladder[0]"},
      {R"({"ladder": [0, 101]})", "decision.ladder[1]"},
      {R"({"ladder": [0, 10.5]})", "decision.ladder[1]"},
      {R"({"rollout_key": ""})", "decision.rollout_key"},
      {R"({"min_sample": 0})", "decision.min_sample"},
      {R"({"min_sample": 1.5})", "decision.min_sample"},
      {R"({"promotion_margin_pp": -0.1})", "decision.promotion_margin_pp"},
      {R"({"promotion_margin_pp": 101})", "decision.promotion_margin_pp"},
      {R"({"soak": 6})", "decision.soak"},
      {R"({"soak": "-6h"})", "decision.soak"},
      {R"({"warmup": "half"})", "decision.warmup"},
      {R"({"cooldown": "a day"})", "decision.cooldown"},
      {R"({"triggers": {"success_drop_pp": 0}})", "decision.triggers.success_drop_pp"},
      {R"({"triggers": {"success_drop_pp": 101}})", "decision.triggers.success_drop_pp"},
      {R"({"triggers": {"error_ratio": 1}})", "decision.triggers.error_ratio"},
      {R"({"triggers": {"p95_ms": 0}})", "decision.triggers.p95_ms"},
      {R"({"triggers": {"p95_ratio": 1}})", "decision.triggers.p95_ratio"},
      {R"({"triggers": {"attempt_failure_ratio": 0.5}})",
       "decision.triggers.attempt_failure_ratio"},
      {R"({"triggers": {"error_floor": 0}})", "decision.triggers.error_floor"},
      {R"({"triggers": {"error_ratio": "2"}})", "decision.triggers.error_ratio"},
      {R"({"triggers": {"eror_ratio": 2}})", "eror_ratio"},
      {R"({"lader": [0, 10]})", "lader"},
      {R"([])", "decision"}};
  for (const auto& [text, place] : cases) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse(text), Catch::Contains("dagloop.json") && Catch::Contains(place));
  }
}

TEST_CASE("a success drop of the whole scale is allowed") {
  CHECK(parse(R"({"triggers": {"success_drop_pp": 100}})").triggers.success_drop_pp == 100.0);
}

TEST_CASE("actions are read back as they print") {
  for (const Action action : {Action::promote, Action::hold, Action::rollback}) {
    CHECK(parse_action(to_string(action)) == action);
  }
  CHECK(to_string(Action::rollback) == "rollback");
  CHECK(parse_action("Promote") == std::nullopt);
}

}  // namespace
}  // namespace dagloop
