#include "dagloop/decide/reason.hpp"

#include <algorithm>

namespace dagloop {

bool has_reason(const std::vector<Reason>& reasons, const std::string& code) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [&](const Reason& reason) { return reason.code == code; });
}

}  // namespace dagloop
