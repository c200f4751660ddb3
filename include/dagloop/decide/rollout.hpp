// The rollout percentage among policy values. Pure.
#pragma once

#include <optional>
#include <string>

#include "dagloop/decide/policy_key.hpp"

namespace dagloop {

/// Returns the integer percent that `key` has in `values`, nullopt where it is missing or none.
std::optional<int> rollout_percent(const PolicyValues& values, const std::string& key);

}  // namespace dagloop
