#include "dagloop/decide/reason.hpp"

#include <algorithm>

namespace dagloop {

Reason::Reason() = default;
Reason::Reason(std::string the_code) : code(std::move(the_code)) {}
Reason::Reason(std::string the_code, std::vector<ReasonArg> the_args)
    : code(std::move(the_code)), args(std::move(the_args)) {}

bool ReasonArg::operator==(const ReasonArg& other) const {
  return name == other.name && value == other.value;
}

bool Reason::operator==(const Reason&) const = default;

bool has_reason(const std::vector<Reason>& reasons, const std::string& code) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [&](const Reason& reason) { return reason.code == code; });
}

const ReasonValue* find_arg(const Reason& reason, std::string_view name) {
  const auto found = std::find_if(reason.args.begin(), reason.args.end(),
                                  [&](const ReasonArg& arg) { return arg.name == name; });
  return found == reason.args.end() ? nullptr : &found->value;
}

ReasonArg seconds_arg(std::string_view name, Microseconds span) {
  constexpr std::int64_t kSecond = 1'000'000;
  if (span.count() % kSecond == 0) return {name, std::int64_t{span.count() / kSecond}};
  return {name, std::chrono::duration<double>(span).count()};
}

}  // namespace dagloop
