#include <algorithm>
#include <array>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"
#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kDecisionSchema = "dagloop.policy_decision/1";

Json arm_runs_to_json(const ArmCounts& counts) {
  return Json::object({{"trials", counts.trials}, {"events", counts.events}});
}

Json evidence_to_json(const std::optional<EvidenceView>& view) {
  if (!view) return Json();
  Json difference;
  if (view->difference) difference = Json::Array{view->difference->low, view->difference->high};
  return Json::object({{"e_value", view->e_value},
                       {"needed", view->needed},
                       {"alpha", view->alpha},
                       {"subject", arm_runs_to_json(view->subject)},
                       {"reference", arm_runs_to_json(view->reference)},
                       {"difference", std::move(difference)},
                       {"more_trials", view->more_trials ? Json(*view->more_trials) : Json()}});
}

Json quantile_to_json(const QuantileInterval& interval) {
  return Json(Json::Array{or_null(interval.low_ms), or_null(interval.high_ms)});
}

Json latency_side_to_json(const LatencySide& side) {
  return Json::object({{"runs", side.runs},
                       {"p50_ms", quantile_to_json(side.p50)},
                       {"p95_ms", quantile_to_json(side.p95)}});
}

Json latency_to_json(const std::optional<LatencyView>& view) {
  if (!view) return Json();
  return Json::object({{"e_value", view->e_value},
                       {"needed", view->needed},
                       {"alpha", view->alpha},
                       {"subject", latency_side_to_json(view->subject)},
                       {"reference", latency_side_to_json(view->reference)},
                       {"at_ms", view->at_ms},
                       {"subject_share", view->subject_share},
                       {"reference_share", view->reference_share}});
}

Json detection_to_json(const std::vector<Detection>& detection) {
  Json::Array all;
  for (const Detection& each : detection) {
    Json seconds;
    if (each.duration) seconds = std::chrono::duration<double>(*each.duration).count();
    all.push_back(Json::object(
        {{"drop_pp", each.drop_pp}, {"runs", each.runs}, {"seconds", std::move(seconds)}}));
  }
  return Json(std::move(all));
}

Json fired_trigger_to_json(const TriggerResult& trigger) {
  return Json::object({{"name", trigger.name},
                       {"kpi", trigger.kpi},
                       {"state", to_string(trigger.state)},
                       {"value", or_null(trigger.value)},
                       {"baseline_value", or_null(trigger.baseline_value)},
                       {"threshold", trigger.threshold},
                       {"sample_count", trigger.sample_count},
                       {"baseline_sample_count", trigger.baseline_sample_count},
                       {"evidence", evidence_to_json(trigger.evidence)},
                       {"reason", reason_to_json(trigger.reason)}});
}

Json told_prediction(const Prediction& prediction) {
  Json document = prediction_to_json(prediction);
  Json::Object& members = document.as_object();
  // Before "n", where earlier versions had it: documents stay the same byte for byte.
  const auto place = std::find_if(members.begin(), members.end(),
                                  [](const Json::Member& member) { return member.first == "n"; });
  members.insert(place, {"assumption", Json(assumption_text(prediction.model))});
  return document;
}

Json told_ledger(const std::vector<LedgerEntry>& ledger) {
  Json document = ledger_to_json(ledger);
  for (std::size_t i = 0; i < ledger.size(); ++i) {
    const auto& prediction = ledger[i].prediction;
    if (prediction) document.as_array().at(i)["prediction"] = told_prediction(*prediction);
  }
  return document;
}

Json recommendation_to_json(const Recommendation& advice) {
  return Json::object(
      {{"rule", advice.rule},
       {"group", advice.group},
       {"rank", advice.rank},
       {"env_key", advice.env_key},
       {"current", advice.current},
       {"suggested", advice.suggested},
       {"reason", advice.reason},
       {"evidence", reasons_text(advice.evidence)},
       {"met", reasons_to_json(advice.evidence, ReasonForm::bare)},
       {"rule_effect", advice.expected_effect},
       {"expected_effect", expected_effect_text(advice)},
       {"clipped", advice.clipped ? Json(reason_text(*advice.clipped)) : Json()},
       {"clip", advice.clipped ? reason_to_json(*advice.clipped, ReasonForm::bare) : Json()},
       {"prediction", advice.prediction ? told_prediction(*advice.prediction) : Json()},
       {"trust", to_string(advice.trust)}});
}

Json calibration_to_json(const std::vector<Calibration>& calibration) {
  Json::Array all;
  for (const Calibration& each : calibration) {
    all.push_back(Json::object({{"model", to_string(each.model)},
                                {"predictions", each.predictions},
                                {"inside", each.inside},
                                {"p95_predictions", each.p95_predictions},
                                {"p95_inside", each.p95_inside},
                                {"trust", to_string(each.trust)}}));
  }
  return Json(std::move(all));
}

int read_small(const JsonReader& reader) {
  const std::int64_t value = reader.integer();
  if (value < INT32_MIN || value > INT32_MAX) reader.fail("is out of range", "decide again");
  return static_cast<int>(value);
}

Recommendation read_recommendation(const JsonReader& reader) {
  Recommendation advice;
  advice.rule = reader.at("rule").string();
  advice.group = reader.at("group").string();
  advice.rank = read_small(reader.at("rank"));
  advice.env_key = reader.at("env_key").string();
  advice.current = reader.at("current").string();
  advice.suggested = reader.at("suggested").string();
  advice.reason = reader.at("reason").string();
  // From codes; the sentences beside them are never read back.
  advice.evidence = read_reasons(reader.at("met"));
  advice.expected_effect = reader.at("rule_effect").string();
  if (const auto clip = reader.find("clip")) advice.clipped = read_reason(*clip);
  if (const auto prediction = reader.find("prediction")) {
    advice.prediction = prediction_from_json(*prediction);
  }
  if (const auto word = reader.find("trust")) {
    const auto trust = parse_trust(word->string());
    if (!trust) word->fail("unknown word", "decide again");
    advice.trust = *trust;
  }
  return advice;
}

// What is rendered for readers from the members beside it: (owner's mark, words).
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords{
    {{"code", "text"},
     {"met", "evidence"},
     {"clip", "clipped"},
     {"rule_effect", "expected_effect"},
     {"model", "assumption"}}};

Json without_words(const Json& value) {
  if (value.is_array()) {
    Json::Array all;
    for (const Json& each : value.as_array()) all.push_back(without_words(each));
    return Json(std::move(all));
  }
  if (!value.is_object()) return value;
  Json::Object members;
  for (const auto& [name, member] : value.as_object()) {
    // Words alone, without what they are made of, are covered: an edit of them must not go unseen.
    const bool is_words =
        std::any_of(kWords.begin(), kWords.end(), [&, &key = name](const auto& words) {
          return words.second == key && value.find(words.first) != nullptr;
        });
    if (!is_words) members.emplace_back(name, without_words(member));
  }
  return Json(std::move(members));
}

std::string_view to_string(Decision::Approval approval) {
  return approval == Decision::Approval::required ? "required" : "not_required";
}

Decision::Approval read_approval(const JsonReader& reader) {
  const std::string word = reader.string();
  for (const auto approval : {Decision::Approval::required, Decision::Approval::not_required}) {
    if (word == to_string(approval)) return approval;
  }
  reader.fail("unknown word \"" + word + "\"", "decide again");
}

void read_outcome(const JsonReader& reader, Decision& decision) {
  const auto action = parse_action(reader.at("action").string());
  if (!action) reader.at("action").fail("unknown action", "decide again");
  decision.action = *action;
  const auto verdict = parse_verdict(reader.at("verdict").string());
  if (!verdict) reader.at("verdict").fail("unknown verdict", "decide again");
  decision.verdict = *verdict;
  decision.current_percent = read_small(reader.at("current_percent"));
  if (const auto next = reader.find("next_percent")) {
    decision.next_percent = read_small(*next);
  }
}

}  // namespace

Json decision_to_json(const Decision& decision) {
  Json::Array triggers;
  for (const TriggerResult& trigger : decision.triggers) {
    triggers.push_back(fired_trigger_to_json(trigger));
  }
  Json::Array recommendations;
  for (const Recommendation& advice : decision.recommendations) {
    recommendations.push_back(recommendation_to_json(advice));
  }
  Json document =
      Json::object({{"schema", kDecisionSchema},
                    {"generated_at", format_time(decision.generated_at)},
                    {"as_of", format_time(decision.as_of)},
                    {"action", to_string(decision.action)},
                    {"verdict", to_string(decision.verdict)},
                    {"current_percent", decision.current_percent},
                    {"next_percent", decision.next_percent ? Json(*decision.next_percent) : Json()},
                    {"triggers", Json(std::move(triggers))},
                    {"promotion_evidence", evidence_to_json(decision.promotion)},
                    {"latency_evidence", latency_to_json(decision.latency)},
                    {"detection", detection_to_json(decision.detection)},
                    {"reasons", reasons_to_json(decision.reasons)},
                    {"recommendations", Json(std::move(recommendations))},
                    {"patch", patch_to_json(decision.patch)},
                    {"approval", to_string(decision.approval)},
                    {"env_sha256", decision.env_sha256},
                    {"expires_at", format_time(decision.expires_at)},
                    {"proposed_by", decision.proposed_by},
                    {"calibration", calibration_to_json(decision.calibration)},
                    {"predictions", told_ledger(decision.predictions)}});
  // Last, over all that stands there.
  document["digest"] = decision_digest(document);
  return document;
}

std::string decision_digest(const Json& document) {
  Json covered = without_words(document);
  std::erase_if(covered.as_object(), [](const auto& member) { return member.first == "digest"; });
  // The schema in front, so that no other document of these tools can have the same digest.
  return sha256_hex(std::string(kDecisionSchema) + "\n" + to_canonical_json(covered));
}

std::string named_digest(const Json& document) {
  const Json* digest = document.find("digest");
  // A decision of an earlier version has another digest than we would give it: its own is what the
  // journal and the approvers know.
  return digest != nullptr && digest->is_string() ? digest->as_string() : decision_digest(document);
}

Decision decision_from_json(const Json& document, std::string_view where) {
  const JsonReader reader(document, std::string(where));
  expect_schema(reader, kDecisionSchema);
  if (reader.at("digest").string() != decision_digest(document)) {
    throw Error(ErrorKind::approval, where,
                "its digest is not that of its content: it was edited, or an earlier version "
                "wrote it",
                "decide again, or use the document as decide_dag_policy or the cycle wrote it");
  }
  Decision decision;
  decision.generated_at = reader.at("generated_at").time();
  decision.as_of = reader.at("as_of").time();
  read_outcome(reader, decision);
  decision.reasons = read_reasons(reader.at("reasons"));
  for (const JsonReader& advice : reader.at("recommendations").elements()) {
    decision.recommendations.push_back(read_recommendation(advice));
  }
  decision.patch = patch_from_json(reader.at("patch"));
  decision.approval = read_approval(reader.at("approval"));
  decision.env_sha256 = reader.at("env_sha256").string();
  decision.expires_at = reader.at("expires_at").time();
  decision.proposed_by = reader.at("proposed_by").string();
  if (const auto ledger = reader.find("predictions")) {
    decision.predictions = ledger_from_json(*ledger);
  }
  return decision;
}

// Another document is told as such first, then one of an earlier version, before its members.
Decision checked_decision(const Json& document, std::string_view where) {
  const Json* schema = document.find("schema");
  if (schema == nullptr || *schema != Json(kDecisionSchema)) {
    validate_schema(document, "decision", where);
  }
  Decision decision = decision_from_json(document, where);
  validate_schema(document, "decision", where);
  return decision;
}

}  // namespace dagloop
