#include "dagloop/record/error_class.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "dagloop/base/ascii.hpp"

namespace dagloop {
namespace {

bool is_status_class(std::string_view pattern) {
  return pattern.size() == 3 && is_ascii_digit(pattern[0]) && pattern.substr(1) == "xx";
}

// How well `pattern` fits `code`: nullopt not at all, else the number of bytes that it fixes; an
// exact pattern fixes the end of the code too, so it counts one more than any prefix can.
std::optional<std::size_t> fit(std::string_view pattern, std::string_view code) {
  if (pattern == code) return code.size() + 1;
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
    if (code.starts_with(pattern)) return pattern.size();
  } else if (is_status_class(pattern)) {
    const bool is_http_status = code.size() == 3 && std::ranges::all_of(code, is_ascii_digit);
    if (is_http_status && code[0] == pattern[0]) return 1;
  }
  return std::nullopt;
}

std::optional<ErrorClass> parse_error_class(std::string_view word) {
  const auto* found =
      std::ranges::find_if(kErrorClasses, [&](ErrorClass c) { return to_string(c) == word; });
  if (found == kErrorClasses.end()) return std::nullopt;
  return *found;
}

}  // namespace

std::string_view to_string(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::auth:
      return "auth";
    case ErrorClass::server:
      return "server";
    case ErrorClass::timeout:
      return "timeout";
    case ErrorClass::rate_limit:
      return "rate_limit";
    case ErrorClass::validation:
      return "validation";
    case ErrorClass::llm:
      return "llm";
    case ErrorClass::verification:
      return "verification";
    case ErrorClass::compensation:
      return "compensation";
    case ErrorClass::other:
      return "other";
  }
  return "";
}

ErrorClasses::ErrorClasses()
    : patterns_{{"TOOL_AUTH_ERROR", ErrorClass::auth},
                {"auth_error", ErrorClass::auth},
                {"401", ErrorClass::auth},
                {"403", ErrorClass::auth},
                {"5xx", ErrorClass::server},
                {"TOOL_SERVER_ERROR", ErrorClass::server},
                {"TOOL_TIMEOUT", ErrorClass::timeout},
                {"PIPELINE_TIMEOUT", ErrorClass::timeout},
                {"TOOL_RATE_LIMITED", ErrorClass::rate_limit},
                {"429", ErrorClass::rate_limit},
                {"DSL_VALIDATION_FAILED", ErrorClass::validation},
                {"DSL_REF_NOT_FOUND", ErrorClass::validation},
                {"validation_error", ErrorClass::validation},
                {"LLM_AUTOFILL_FAILED", ErrorClass::llm},
                {"VERIFY_COUNT_MISMATCH", ErrorClass::verification},
                {"VERIFY_*", ErrorClass::verification},
                {"COMPENSATION_FAILED", ErrorClass::compensation}} {}

ErrorClasses ErrorClasses::parse(const JsonReader& reader) {
  ErrorClasses result;
  std::vector<std::pair<std::string, ErrorClass>> own;
  std::set<std::string> seen;
  for (const auto& [word, patterns] : reader.members()) {
    const auto error_class = parse_error_class(word);
    if (!error_class) {
      patterns.fail("there is no error class of this name",
                    "use auth, server, timeout, rate_limit, validation, llm, verification, "
                    "compensation or other");
    }
    // A class that is configured replaces its defaults as a whole: a pattern that is not wanted can
    // be left out.
    std::erase_if(result.patterns_, [&](const auto& p) { return p.second == *error_class; });
    for (const JsonReader& element : patterns.elements()) {
      const std::string pattern = element.string();
      if (pattern.empty()) element.fail("the pattern is empty", "name an error code, or remove it");
      if (!seen.insert(pattern).second) {
        element.fail("the pattern is named twice", "name each pattern in one class only");
      }
      own.emplace_back(pattern, *error_class);
    }
  }
  // Own patterns first: on a tie the first one found stands, so they win over kept defaults.
  result.patterns_.insert(result.patterns_.begin(), own.begin(), own.end());
  return result;
}

ErrorClass ErrorClasses::classify(std::string_view code) const {
  ErrorClass best = ErrorClass::other;
  std::optional<std::size_t> best_fit;
  for (const auto& [pattern, error_class] : patterns_) {
    const auto this_fit = fit(pattern, code);
    if (this_fit && (!best_fit || *this_fit > *best_fit)) {
      best = error_class;
      best_fit = this_fit;
    }
  }
  return best;
}

}  // namespace dagloop
