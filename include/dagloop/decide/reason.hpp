// Why something was decided: a stable code for programs and a sentence for people. Value type.
#pragma once

#include <string>
#include <vector>

namespace dagloop {

/// One reason, e.g. {"canary_sample_insufficient", "12 of 20 canary runs; ..."}.
struct Reason {
  std::string code;
  std::string text;
  bool operator==(const Reason&) const = default;
};

/// Returns whether one of `reasons` has `code`.
bool has_reason(const std::vector<Reason>& reasons, const std::string& code);

}  // namespace dagloop
