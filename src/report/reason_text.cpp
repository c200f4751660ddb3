#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "dagloop/report/words.hpp"
#include "report/figures.hpp"
#include "report/reason_words.hpp"

namespace dagloop {
namespace {

constexpr double kLongest_s = 1e12;  // that counts in microseconds

std::string kpi_of(const Reason& reason) {
  const ReasonValue* kpi = find_arg(reason, "kpi");
  const auto* name = kpi == nullptr ? nullptr : std::get_if<std::string>(kpi);
  return name == nullptr ? "" : *name;
}

// What the figure of a reason is judged by, in its unit.
std::optional<double> limit_of(const Reason& reason) {
  for (const char* name : {"threshold", "limit_above_ms", "max_share"}) {
    const ReasonValue* limit = find_arg(reason, name);
    if (limit == nullptr) continue;
    if (const auto* number = std::get_if<double>(limit)) return *number;
    if (const auto* whole = std::get_if<std::int64_t>(limit)) return static_cast<double>(*whole);
  }
  return std::nullopt;
}

std::string print_number(const Reason& reason, double value, std::string_view form) {
  if (form == "figure") return show_told(kpi_of(reason), value, limit_of(reason));
  if (form == "limit") return show_limit(kpi_of(reason), value);
  if (form == "rate") return show_told("_rate", value, limit_of(reason));
  if (form == "rate_limit") return show_limit("_rate", value);
  if (form == "ms") return show_latency(value);
  if (form == "ms_limit") return show_limit("latency_ms", value);
  if (form == "wait") return show_waiting(value);
  if (form == "odds") return show_odds(value);
  if (form == "chance") return show_chance(value);
  if (form == "duration" && std::abs(value) < kLongest_s) {
    // A window that ends at a record is no whole number of seconds; nobody reads its microseconds.
    const auto exact = Microseconds(std::llround(value * 1e6));
    const auto whole = std::chrono::round<std::chrono::seconds>(exact);
    return format_duration(whole == std::chrono::seconds(0) ? exact : whole);
  }
  // A form that begins so is a format of fmt, such as ".3g". Any other is one of the names above.
  const bool is_of_fmt = form.find_first_of(".+") == 0;
  return fmt::format(fmt::runtime(is_of_fmt ? fmt::format("{{:{}}}", form) : "{}"), value);
}

/// Renders one reason by a catalogue.
class ReasonPrinter {
 public:
  ReasonPrinter(const Reason& reason, std::span<const Wording> catalogue)
      : reason_(reason), catalogue_(catalogue) {}

  std::string print() const {
    if (auto text = words_of(reason_.code)) return *text;
    for (const Wording& each : catalogue_) {
      if (each.code.front() != '*' || !reason_.code.ends_with(each.code.substr(1))) continue;
      if (auto text = fill(each.words)) return *text;
    }
    // A code of a later version, or of a missing wording: code and arguments, rather than nothing.
    std::string text = reason_.code;
    for (const ReasonArg& arg : reason_.args) {
      text += fmt::format("{}{} {}", &arg == &reason_.args.front() ? ": " : ", ", arg.name,
                          print(arg.value, ""));
    }
    return text;
  }

 private:
  /// Returns what stands under exactly `code`, where the reason has the arguments of one of them.
  std::optional<std::string> words_of(std::string_view code) const {
    for (const Wording& each : catalogue_) {
      if (each.code != code) continue;
      if (auto text = fill(each.words)) return text;
    }
    return std::nullopt;
  }

  /// Fills a template in; nullopt where an argument is missing.
  std::optional<std::string> fill(std::string_view words) const {
    std::string text;
    while (!words.empty()) {
      const std::size_t plain = std::min(words.find_first_of("{["), words.size());
      text += words.substr(0, plain);
      words.remove_prefix(plain);
      if (words.empty()) break;
      const bool is_optional = words.front() == '[';
      const std::size_t end = words.find(is_optional ? ']' : '}');
      const std::string_view inside = words.substr(1, end - 1);
      const auto filled = is_optional ? fill(inside) : field(inside);
      if (!filled && !is_optional) return std::nullopt;
      text += filled.value_or("");
      words.remove_prefix(end + 1);
    }
    return text;
  }

  std::optional<std::string> field(std::string_view field) const {
    if (field.front() == '>') return words_of(field);
    const bool is_silent = field.front() == '?';
    if (is_silent) field.remove_prefix(1);
    const std::size_t colon = std::min(field.find(':'), field.size());
    const ReasonValue* value = find_arg(reason_, field.substr(0, colon));
    if (value == nullptr) return std::nullopt;
    if (is_silent) return "";
    return print(*value, colon == field.size() ? "" : field.substr(colon + 1));
  }

  std::string print(const ReasonValue& value, std::string_view form) const {
    if (const auto* text = std::get_if<std::string>(&value)) {
      return form == "name" ? words_of("#" + *text).value_or(*text) : *text;
    }
    if (const auto* at = std::get_if<TimePoint>(&value)) return format_time(*at);
    if (const auto* reasons = std::get_if<std::vector<Reason>>(&value)) {
      return reasons_text(*reasons);
    }
    if (const auto* number = std::get_if<double>(&value)) {
      return print_number(reason_, *number, form);
    }
    const std::int64_t integer = std::get<std::int64_t>(value);
    if (form.empty()) return std::to_string(integer);
    return print_number(reason_, static_cast<double>(integer), form);
  }

  const Reason& reason_;
  std::span<const Wording> catalogue_;
};

}  // namespace

std::string reason_text(const Reason& reason) {
  return ReasonPrinter(reason, english_words()).print();
}

std::string reasons_text(const std::vector<Reason>& reasons) {
  std::string all;
  for (const Reason& reason : reasons) all += (all.empty() ? "" : "; ") + reason_text(reason);
  return all;
}

std::string side_text(const std::string& side) { return reason_text({"side", {{"side", side}}}); }

std::string assumption_text(EffectModel model) {
  return reason_text({"assumed_by_" + std::string(to_string(model))});
}

std::string prediction_text(const Prediction& prediction) {
  const Effect& rate = prediction.success_rate_pp;
  const Effect& p95 = prediction.p95_ms;
  return fmt::format(
      "success rate {:+.1f} pp (80 %: {:+.1f} to {:+.1f}), p95 {:+.0f} ms (80 %: {:+.0f} to "
      "{:+.0f}){}; {}",
      rate.estimate, rate.low, rate.high, p95.estimate, p95.low, p95.high,
      prediction.reach == Reach::extrapolated ? ", beyond what was seen: not sure" : "",
      assumption_text(prediction.model));
}

std::string expected_effect_text(const Recommendation& advice) {
  return advice.prediction ? prediction_text(*advice.prediction) : advice.expected_effect;
}

std::string rollback_text(const RolledBack& rolled_back, const std::string& key) {
  std::string what;
  for (const auto& [name, change] : rolled_back.patch) {
    if (!what.empty()) what += ",";
    const bool is_alone = name == key && rolled_back.patch.size() == 1;
    what += is_alone ? "" : " " + name;
    what += fmt::format(" from {} to {}{}", change.before, change.after, name == key ? " %" : "");
  }
  return fmt::format("rolled back at {}{}, because: {}", format_time(rolled_back.at), what,
                     rolled_back.why);
}

}  // namespace dagloop
