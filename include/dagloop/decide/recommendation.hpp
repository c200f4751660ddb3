// Rules that turn findings in the figures into suggested values of policy keys. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/decide/effect_model.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/decide/prediction_ledger.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// One condition of a rule, on a KPI of the DAG population or on the nodes' figures.
struct RuleCondition {
  enum class Scope { population, node };  // node: holds when any one node meets all node conditions
  Scope scope = Scope::population;
  std::string kpi;
  Comparator comparator = Comparator::at_least;
  double threshold = 0;
  std::uint64_t min_sample = 20;
};

/// One rule: when all conditions hold, change a key.
struct PolicyRule {
  enum class Operation { add, multiply, set };
  std::string id;
  std::string group;  // recommendations of one group belong together
  int rank = 100;     // 1 is the highest
  std::vector<RuleCondition> when;
  std::string env_key;
  Operation operation = Operation::add;
  std::string operand;                    // a number, or for set any value
  std::optional<EffectModel> model = {};  // chooses the value instead, where the figures suffice
  std::string reason;
  std::string expected_effect;
};

/// One suggested change, which may stand in a patch.
struct Recommendation {
  std::string rule;
  std::string group;
  int rank = 100;
  std::string env_key;
  std::string current;
  std::string suggested;
  std::string reason;                         // in the rule's words
  std::vector<Reason> evidence;               // the figures that met the conditions
  std::string expected_effect;                // in the rule's words
  std::optional<Reason> clipped;              // what was clipped, if anything
  std::optional<Prediction> prediction = {};  // where a model chose the value
  Trust trust = Trust::untested;              // in that model
  bool operator==(const Recommendation&) const = default;
};

/// Recommendations, in the order of recommend(), and those that were dropped with the reason why.
struct RecommendationSet {
  std::vector<Recommendation> recommendations;  // one a key at most
  std::vector<Reason> dropped;
};

/// Reads a rules document (config/policy_rules.json).
///
/// Errors: Error{config} naming `where`, rule and key.
std::vector<PolicyRule> parse_rules(const Json& document, std::string_view where);

/// What models are told besides the figures.
struct ModelContext {
  std::optional<double> p95_limit_ms;  // a threshold that no change may be predicted to pass
  PolicyValues proposed;               // of a change that waits for its approval
  std::vector<LedgerEntry> ledger;     // what came of earlier changes
};

/// Applies the rules to the current window.
///
/// Shape: a rule with a model suggests what the model finds best, or nothing where that is no
///        change; where the model cannot tell, what its operation says. A badly
///        calibrated model proposes nothing, nor does its rule. A rule whose last change had no
///        effect or was undone is not used again, and a value that was rolled back is not proposed
///        again, until the figure that the rule names has left what it was then.
///        `values` holds the allowlisted keys of the env file. A key that is not on the allowlist
///        or not in the env file, a suggestion equal to the current value, and a second suggestion
///        for a key (the better rank wins) are dropped, each with a reason.
RecommendationSet recommend(const std::vector<PolicyRule>& rules, const Quality& quality,
                            const std::vector<KeySpec>& keys, const PolicyValues& values,
                            const ModelContext& context = {});

}  // namespace dagloop
