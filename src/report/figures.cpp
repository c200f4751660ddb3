#include "figures.hpp"

#include <fmt/format.h>

#include <cmath>

namespace dagloop {
namespace {

constexpr std::size_t kMaxText = 80;

bool is_latency(std::string_view name) { return name.ends_with("latency_ms"); }

bool is_plain(std::string_view name) { return name == "attempts_per_node" || name == "attempts"; }

std::string show_number(std::string_view name, double value) {
  if (is_latency(name)) return show_latency(value);
  return is_plain(name) ? fmt::format("{:.3f}", value) : show_percent(value);
}

// The size of a difference: percentage points for shares, percent of the value before otherwise.
std::string show_difference(std::string_view name, double now, double before) {
  const double difference = std::abs(now - before);
  if (!is_latency(name) && !is_plain(name)) return fmt::format("{:.1f} pp", 100 * difference);
  if (before == 0) return show_number(name, difference);
  return fmt::format("{:.0f} %", 100 * difference / before);
}

}  // namespace

std::string show_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string show_percent(double fraction) {
  const double percent = 100 * fraction;
  // Small rates keep two digits that say something: 0.04 % and not 0.0 %.
  if (percent > 0 && percent < 0.1) return fmt::format("{:.2g} %", percent);
  return fmt::format("{:.1f} %", percent);
}

std::string show_latency(double ms) {
  if (ms < 1000) return fmt::format("{:.0f} ms", ms);
  if (ms < 60'000) return fmt::format("{:.2f} s", ms / 1000);
  const auto seconds = static_cast<std::int64_t>(std::llround(ms / 1000));
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string show_span(Microseconds span) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(span).count();
  const auto days = minutes / (24 * 60);
  const auto hours = minutes / 60 % 24;
  const auto rest = minutes % 60;
  if (days > 0) return hours == 0 ? fmt::format("{} d", days) : fmt::format("{} d {} h", days, hours);
  if (hours > 0) return rest == 0 ? fmt::format("{} h", hours) : fmt::format("{} h {} min", hours, rest);
  return fmt::format("{} min", rest);
}

std::string show_value(std::string_view name, const Kpi& kpi) {
  return kpi.value ? show_number(name, *kpi.value) : "no data";
}

std::string show_threshold(std::string_view name, double threshold) {
  return show_number(name, threshold);
}

std::string show_interval(const Kpi& kpi) {
  if (!kpi.ci95) return "";
  return fmt::format("{:.1f} to {:.1f} %", 100 * kpi.ci95->low, 100 * kpi.ci95->high);
}

std::string show_change(std::string_view name, const Kpi& now, const Kpi* before) {
  if (!now.value || before == nullptr || !before->value) return "";
  if (*now.value == *before->value) return "same";
  const std::string size = show_difference(name, *now.value, *before->value);
  if (size == "0.0 pp" || size == "0 %") return "same";  // too small to be shown
  const bool up = *now.value > *before->value;
  const bool better = up == (better_direction(name) == Better::higher);
  return std::string(up ? "▲ " : "▼ ") + size + (better ? ", better" : ", worse");
}

std::string cut_text(const std::string& text) {
  if (text.size() <= kMaxText) return text;
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

}  // namespace dagloop
