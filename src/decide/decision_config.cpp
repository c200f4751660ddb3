#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "dagloop/decide/decision.hpp"
#include "decide/check_reading.hpp"

namespace dagloop {

namespace {

int read_percent(const JsonReader& reader) {
  const std::int64_t percent = reader.integer();
  if (percent < 0 || percent > 100) {
    reader.fail(fmt::format("{} is no percentage", percent), "give an integer from 0 to 100");
  }
  return static_cast<int>(percent);
}

std::vector<int> read_ladder(const JsonReader& reader) {
  std::vector<int> ladder;
  for (const JsonReader& place : reader.elements()) ladder.push_back(read_percent(place));
  const bool increasing =
      std::adjacent_find(ladder.begin(), ladder.end(), std::greater_equal<>()) == ladder.end();
  if (ladder.size() < 2 || !increasing) {
    reader.fail("a ladder has two steps or more, each above the one before",
                "give e.g. [0, 10, 30, 60, 100]");
  }
  return ladder;
}

double read_points(const JsonReader& reader) {
  const double points = reader.number();
  if (points < 0 || points > 100) {
    reader.fail(fmt::format("{} percentage points are outside 0 to 100", points),
                "give points, e.g. 2.0 for 2 %");
  }
  return points;
}

/// What a trigger's threshold may be.
struct Range {
  double above = 0;
  double most = std::numeric_limits<double>::infinity();
};

/// Reads a trigger's threshold where the key stands there; null turns the trigger off.
void read_limit(const JsonReader& triggers, std::string_view key, const Range& range,
                std::optional<double>& limit) {
  const Json* value = triggers.value().find(key);
  // Absent keeps the default, null turns the trigger off: the one place where the two differ.
  if (value == nullptr) return;
  limit = std::nullopt;
  if (value->is_null()) return;
  const JsonReader place = triggers.at(key);
  limit = place.number();
  if (*limit > range.above && *limit <= range.most) return;
  place.fail(fmt::format("{} is not above {} and at most {}", *limit, range.above, range.most),
             "give a number in this range, or null to turn the trigger off");
}

TriggerThresholds read_triggers(const JsonReader& reader) {
  reader.allow_only({"success_drop_pp", "error_ratio", "p95_ms", "p95_ratio",
                     "attempt_failure_ratio", "fallback_pp", "decline_pp", "error_floor"});
  TriggerThresholds thresholds;
  read_limit(reader, "success_drop_pp", {0, 100}, thresholds.success_drop_pp);
  read_limit(reader, "error_ratio", {1}, thresholds.error_ratio);
  read_limit(reader, "p95_ms", {0}, thresholds.p95_ms);
  read_limit(reader, "p95_ratio", {1}, thresholds.p95_ratio);
  read_limit(reader, "attempt_failure_ratio", {1}, thresholds.attempt_failure_ratio);
  read_limit(reader, "fallback_pp", {0, 100}, thresholds.fallback_pp);
  read_limit(reader, "decline_pp", {0, 100}, thresholds.decline_pp);
  if (const auto place = reader.find("error_floor")) thresholds.error_floor = read_sample(*place);
  return thresholds;
}

double read_alpha(const JsonReader& reader) {
  const double alpha = reader.number();
  // At 0 no evidence would ever be enough, and above one half a coin would do.
  if (alpha <= 0 || alpha > 0.5) {
    reader.fail(fmt::format("{} is no error probability", alpha),
                "give a number above 0 and at most 0.5, e.g. 0.01");
  }
  return alpha;
}

EvidenceMode read_mode(const JsonReader& reader) {
  const std::string word = reader.string();
  if (word == "sequential") return EvidenceMode::sequential;
  if (word != "point") {
    reader.fail(fmt::format("unknown evidence \"{}\"", word), "give \"sequential\" or \"point\"");
  }
  return EvidenceMode::point;
}

double read_excluded_drop(const JsonReader& reader) {
  const double points = read_points(reader);
  if (points <= 0) {
    reader.fail("no number of runs excludes a drop of 0 points", "give points, e.g. 10");
  }
  return points;
}

EvidenceConfig read_evidence(const JsonReader& reader) {
  EvidenceConfig evidence;
  if (const auto place = reader.find("evidence")) evidence.mode = read_mode(*place);
  if (evidence.mode == EvidenceMode::point) {
    // Who sets them relies on them, and they would do nothing.
    for (const char* key :
         {"alpha", "promotion_alpha", "promotion_excludes_drop_pp", "patience", "warmup"}) {
      if (const auto place = reader.find(key)) {
        place->fail("would do nothing: the figures alone decide (evidence: \"point\")",
                    "leave it out, or set evidence to \"sequential\"");
      }
    }
    return evidence;
  }
  if (const auto place = reader.find("alpha")) evidence.alpha = read_alpha(*place);
  if (const auto place = reader.find("promotion_alpha")) {
    evidence.promotion_alpha = read_alpha(*place);
  }
  if (const auto place = reader.find("promotion_excludes_drop_pp")) {
    evidence.excluded_drop_pp = read_excluded_drop(*place);
  }
  if (const auto place = reader.find("patience")) evidence.patience = place->duration();
  return evidence;
}

}  // namespace

Microseconds warmup_in_effect(const DecisionConfig& config) {
  return config.evidence.mode == EvidenceMode::sequential ? config.warmup : Microseconds::zero();
}

DecisionConfig parse_decision_config(const JsonReader& reader) {
  DecisionConfig config;
  if (reader.value().is_null()) return config;
  reader.allow_only({"ladder", "rollout_key", "evidence", "alpha", "promotion_alpha",
                     "promotion_excludes_drop_pp", "patience", "min_sample", "promotion_margin_pp",
                     "soak", "cooldown", "warmup", "verification_timeout", "triggers"});
  config.evidence = read_evidence(reader);
  if (const auto place = reader.find("ladder")) config.ladder = read_ladder(*place);
  if (const auto place = reader.find("rollout_key")) {
    config.rollout_key = place->string();
    if (config.rollout_key.empty()) place->fail("the key's name is empty", "name an env key");
  }
  if (const auto place = reader.find("min_sample")) config.min_sample = read_sample(*place);
  if (const auto place = reader.find("promotion_margin_pp")) {
    config.promotion_margin_pp = read_points(*place);
  }
  if (const auto place = reader.find("soak")) config.soak = place->duration();
  if (const auto place = reader.find("cooldown")) config.cooldown = place->duration();
  if (const auto place = reader.find("verification_timeout")) {
    config.verification_timeout = place->duration();
  }
  if (const auto place = reader.find("warmup")) config.warmup = place->duration();
  if (const auto place = reader.find("triggers")) config.triggers = read_triggers(*place);
  return config;
}

}  // namespace dagloop
