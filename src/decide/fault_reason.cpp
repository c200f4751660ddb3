#include "dagloop/decide/fault_reason.hpp"

namespace dagloop {

Reason fault_reason(const KeyFault& fault) {
  Reason reason{std::string(to_string(fault.kind)), {{"key", fault.key}}};
  switch (fault.kind) {
    case KeyFault::Kind::key_not_allowlisted:
      return reason;
    case KeyFault::Kind::value_of_other_type:
    case KeyFault::Kind::value_not_listed:
      reason.args.emplace_back("value", fault.value);
      reason.args.emplace_back("demand", fault.demand);
      break;
    case KeyFault::Kind::step_above_maximum:
      reason.args.emplace_back("from", fault.from);
      [[fallthrough]];
    case KeyFault::Kind::value_below_minimum:
    case KeyFault::Kind::value_above_maximum:
      reason.args.emplace_back("value", fault.value);
      reason.args.emplace_back("limit", fault.limit);
      break;
  }
  if (fault.at == KeyFault::At::target) return reason;
  return Reason{"no_way_back", {{"why", std::vector{reason}}}};
}

std::vector<Reason> fault_reasons(const std::vector<KeyFault>& faults) {
  std::vector<Reason> reasons;
  for (const KeyFault& fault : faults) reasons.push_back(fault_reason(fault));
  return reasons;
}

}  // namespace dagloop
