// Why something was decided: a stable code with arguments. Words for it are report's. Value type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dagloop/base/time.hpp"

namespace dagloop {

struct ReasonArg;

/// One reason, e.g. {"cooldown", {{"until", 2026-02-26T06:00:00Z}}}. Free of language: digests and
/// tests see code and arguments, readers what report/ makes of them.
struct Reason {
  Reason();
  /// Shape: a snake_case word that does not change, and what it is about.
  Reason(std::string the_code);  // NOLINT(google-explicit-constructor)
  Reason(std::string the_code, std::vector<ReasonArg> the_args);

  std::string code;
  std::vector<ReasonArg> args;
  bool operator==(const Reason&) const;
};

/// What an argument may be: a name or word, a count, a figure, an instant, or reasons for a reason.
using ReasonValue = std::variant<std::string, std::int64_t, double, TimePoint, std::vector<Reason>>;

/// One named argument.
struct ReasonArg {
  /// Shape: `given` is text, any integer, a finite number, a TimePoint or reasons.
  template <typename T>
  ReasonArg(std::string_view arg_name, T given)
      : name(arg_name), value(as_value(std::move(given))) {}

  std::string name;  // a snake_case word with its unit last: "wait_s", "margin_pp"
  ReasonValue value;
  bool operator==(const ReasonArg&) const;  // not defaulted: reasons hold reasons

 private:
  template <typename T>
  static ReasonValue as_value(T given) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<std::int64_t>(given);
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
      return std::string(std::string_view(given));
    } else {
      return ReasonValue(std::move(given));
    }
  }
};

/// Returns whether one of `reasons` has `code`.
bool has_reason(const std::vector<Reason>& reasons, const std::string& code);

/// Returns the argument `name`, nullptr where the reason has none.
const ReasonValue* find_arg(const Reason& reason, std::string_view name);

/// Returns a span of time as an argument: whole seconds as an integer, else with their fraction.
ReasonArg seconds_arg(std::string_view name, Microseconds span);

}  // namespace dagloop
