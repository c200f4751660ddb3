// What every loader of env files makes of the managed keys: for a person and as a document. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/policy/env_loader.hpp"

namespace dagloop {

/// What is explained.
struct EnvExplanation {
  std::string env_file;
  EnvLoader loader = EnvLoader::any;
  std::vector<KeyView> keys;
  std::optional<LoaderFault> fault;  // nullopt: the service gets what dagloop reads
};

/// Returns the document ("dagloop.env_explanation/1"); values that look like secrets are masked.
Json env_explanation_to_json(const EnvExplanation& explanation);

/// Returns a table for a terminal: a key whose readers agree in one line, others with all readers.
std::string env_explanation_text(const EnvExplanation& explanation);

}  // namespace dagloop
