// The rollout percentage among policy values, and the rollback that set it. Pure.
#pragma once

#include <optional>
#include <string>

#include "dagloop/base/time.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Returns the integer percent that `key` has in `values`, nullopt where it is missing or none.
std::optional<int> rollout_percent(const PolicyValues& values, const std::string& key);

/// The rollback that put the present policy in force.
struct RolledBack {
  TimePoint at;  // from when on runs count as made under that policy
  Patch patch;
  std::string why;  // as in the journal
  bool operator==(const RolledBack&) const = default;
};

}  // namespace dagloop
