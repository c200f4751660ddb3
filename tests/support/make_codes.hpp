// Lets made runs fail by error codes, as the run table counts them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/error_class.hpp"

namespace dagloop::test {

/// Counts runs that failed by `code`.
inline void fail_by(KpiPartial& partial, const std::string& code, std::uint64_t runs = 1) {
  static const ErrorClasses kClasses;
  const LabelledCode labelled = kClasses.label(code);
  partial.add_code(labelled.label, {labelled.error_class, labelled.is_named}, runs);
}

/// Lets runs fail by these codes alone.
inline void set_codes(KpiPartial& partial, const std::map<std::string, std::uint64_t>& codes) {
  partial.error_classes = {};
  partial.error_codes.clear();
  partial.named_codes.clear();
  for (const auto& [code, runs] : codes) fail_by(partial, code, runs);
}

}  // namespace dagloop::test
