// Log lines read by nlohmann/json, which is slow and has nothing in common with the readers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/record/mapping.hpp"
#include "record/field.hpp"
#include "record/line_kernel.hpp"
#include "record/name_table.hpp"

namespace dagloop::fuzz {

using Slow = nlohmann::json;

/// Returns whether a value of the quick reader is that of the slow one.
inline bool same(const RawValue& quick, const Slow& slow) {
  if (slow.is_null() || (slow.is_string() && slow.get_ref<const std::string&>().empty())) {
    return quick.kind == ValueKind::absent;
  }
  if (slow.is_string()) {
    return quick.kind == ValueKind::text && quick.text == slow.get_ref<const std::string&>();
  }
  if (slow.is_boolean()) {
    return quick.kind == ValueKind::boolean && quick.truth == slow.get<bool>();
  }
  return slow.is_number() && quick.kind == ValueKind::number && quick.number == slow.get<double>();
}

/// Returns the contract's names.
inline NameTable all_columns() {
  NameTable columns;
  const auto& fields = contract_fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    columns.add(std::string(fields[i]), static_cast<Field>(i));
  }
  return columns;
}

/// Returns the kernels that this machine can run.
inline std::vector<const LineKernel*> kernels() {
  std::vector<const LineKernel*> all{&kBaselineKernel};
  if (&line_kernel() != &kBaselineKernel) all.push_back(&line_kernel());
  return all;
}

}  // namespace dagloop::fuzz
