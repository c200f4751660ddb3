#include "decide/figures.hpp"

#include <fmt/format.h>

#include <cmath>

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

std::string waiting_text(double wait_s) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  if (wait_s <= kHour) return fmt::format("{:.0f}m", std::ceil(wait_s / kMinute));
  if (wait_s <= 2 * kDay) return fmt::format("{:.0f}h", std::ceil(wait_s / kHour));
  return fmt::format("{:.0f}d", std::ceil(wait_s / kDay));
}

}  // namespace dagloop
