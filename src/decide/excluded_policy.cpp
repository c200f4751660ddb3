#include "dagloop/decide/excluded_policy.hpp"

#include <algorithm>

#include "dagloop/base/digest.hpp"
#include "dagloop/decide/rollout.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostExcluded = 50;

bool is_proven(const TriggerResult& trigger) {
  return trigger.state == TriggerState::fired && trigger.evidence && trigger.evidence->decides();
}

}  // namespace

std::string rollout_subject(PolicyValues values, const std::string& key) {
  values.erase(key);
  std::string text;
  for (const auto& [name, value] : values) text.append(name).append("=").append(value).append("\n");
  return sha256_hex(text);
}

const ExcludedPolicy* find_excluded(const std::vector<ExcludedPolicy>& excluded,
                                    const std::string& subject) {
  const auto found =
      std::find_if(excluded.begin(), excluded.end(),
                   [&](const ExcludedPolicy& each) { return each.subject == subject; });
  return found == excluded.end() ? nullptr : &*found;
}

bool note_excluded(std::vector<ExcludedPolicy>& excluded, const PolicyValues& values,
                   const std::string& rollout_key, const TriggersAt& found) {
  if (rollout_percent(values, rollout_key).value_or(0) == 0) return false;
  const auto proven = std::find_if(found.triggers.begin(), found.triggers.end(), is_proven);
  if (proven == found.triggers.end()) return false;
  std::string subject = rollout_subject(values, rollout_key);
  if (find_excluded(excluded, subject) != nullptr) return false;
  excluded.push_back({std::move(subject), proven->name, found.as_of});
  if (excluded.size() > kMostExcluded) excluded.erase(excluded.begin());
  return true;
}

}  // namespace dagloop
