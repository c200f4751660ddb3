// The number in a rule's operand. Private to the decide layer.
#pragma once

#include <optional>
#include <string_view>

#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Returns the finite number that `operand` is, nullopt where it is none.
inline std::optional<double> operand_number(std::string_view operand) {
  KeySpec any_number;
  any_number.type = KeyType::float_;
  return numeric_value(any_number, operand);
}

}  // namespace dagloop
