// What a model of a change's effect is asked: the figures, the key that it moves, the values in
// force. Refers to all of them.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "dagloop/decide/prediction.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Which env key each model moves, as the rules name them: a model looks others' values up.
using ModelKeys = std::map<EffectModel, std::string>;

/// What a model is asked. Owns: nothing.
struct ModelQuestion {
  EffectModel model = EffectModel::one_more_attempt;
  const PopulationKpis& dag;
  const ServiceFigures& service;
  const KeySpec& spec;         // of the key that it moves
  const PolicyValues& values;  // in force; has the key
  const ModelKeys& keys;
  std::optional<double> p95_limit_ms;   // a value that is predicted above it is not suggested
  std::optional<std::string> proposed;  // stands in a proposal already; kept while it is good
};

}  // namespace dagloop
