// Models of what a change of one key would do, learnt from the window's own figures. Pure: the same
// figures give the same answer, byte for byte. docs/recommendations.md says what each assumes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/decide/model_question.hpp"
#include "dagloop/decide/prediction.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// What it answers.
struct ModelAnswer {
  enum class Kind { change, no_change, cannot_tell };
  Kind kind = Kind::cannot_tell;
  std::string value;      // change: the suggested one
  Prediction prediction;  // change
  Reason why;             // otherwise
};

/// Tries every value that the key's bounds and maximum step allow (at most 16, evenly spaced), and
/// suggests the nearest that is about as good as the best; "no change" where none gains enough.
ModelAnswer ask_model(const ModelQuestion& question);

/// Returns what `value` would do instead of the present one; nullopt where the model cannot tell.
std::optional<Prediction> predict(const ModelQuestion& question, const std::string& value);

/// Returns the values that are tried for a key, nearest to `current` first.
std::vector<std::string> tried_values(const KeySpec& spec, const std::string& current);

}  // namespace dagloop
