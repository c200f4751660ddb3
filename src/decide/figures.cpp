#include "decide/figures.hpp"

#include <fmt/format.h>

namespace dagloop {

bool is_rate_name(const std::string& name) {
  return name.ends_with("_rate") || name.starts_with("error_rate.");
}

std::string value_text(const std::string& name, double value) {
  // Four digits: enough that a value just short of its limit rarely prints as the limit.
  if (is_rate_name(name)) return fmt::format("{:.4g} %", value * 100);
  if (name.ends_with("_ms")) return fmt::format("{:.4g} ms", value);
  return fmt::format("{:.4g}", value);
}

std::string kpi_text(const std::string& name, const Kpi& kpi) {
  const std::string value = kpi.value ? value_text(name, *kpi.value) : "no value";
  if (kpi.kind == KpiKind::quantile) return fmt::format("{} (n = {})", value, kpi.denominator);
  return fmt::format("{} ({} of {})", value, kpi.numerator, kpi.denominator);
}

}  // namespace dagloop
