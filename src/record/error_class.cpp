#include "dagloop/record/error_class.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "dagloop/base/ascii.hpp"
#include "dagloop/base/label.hpp"
#include "dagloop/base/redaction.hpp"
#include "record/error_spellings.hpp"

namespace dagloop {
namespace {

bool is_status_class(std::string_view pattern) {
  return pattern.size() == 3 && is_ascii_digit(pattern[0]) && pattern.substr(1) == "xx";
}

// How well `pattern` fits `code`: nullopt not at all, else the number of bytes that it fixes; an
// exact pattern fixes the end of the code too, so it counts one more than any prefix can.
std::optional<std::size_t> fit(std::string_view pattern, std::string_view code) {
  if (is_same_in_any_case(pattern, code)) return code.size() + 1;
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
    if (is_same_in_any_case(pattern, code.substr(0, pattern.size()))) return pattern.size();
  } else if (is_status_class(pattern)) {
    const bool is_http_status = code.size() == 3 && std::ranges::all_of(code, is_ascii_digit);
    if (is_http_status && code[0] == pattern[0]) return 1;
  }
  return std::nullopt;
}

constexpr std::string_view kAnything = "*";
constexpr std::size_t kMaxCodeBytes = 200;  // of a text that is no code any more

// Whether a word ends before `code[i]`, which follows another letter or digit.
bool is_hump(std::string_view code, std::size_t i) {
  if (!is_ascii_upper(code[i])) return false;
  const bool is_after_upper = is_ascii_upper(code[i - 1]);
  return !is_after_upper || (i + 1 < code.size() && is_ascii_lower(code[i + 1]));
}

// The words of a code in lower case, with one space between two.
std::string words_of(std::string_view code) {
  std::string words;
  for (std::size_t i = 0; i < std::min(code.size(), kMaxCodeBytes); ++i) {
    if (!is_ascii_alphanumeric(code[i])) continue;
    const bool begins = i == 0 || !is_ascii_alphanumeric(code[i - 1]) || is_hump(code, i);
    if (begins && !words.empty()) words += ' ';
    words += to_ascii_lower(code[i]);
  }
  return words;
}

// Cuts the first word off `words`.
std::string_view cut_word(std::string_view& words) {
  const std::string_view word = words.substr(0, words.find(' '));
  words.remove_prefix(std::min(words.size(), word.size() + 1));
  return word;
}

bool is_status(std::string_view word) {
  return word.size() == 3 && (word[0] == '4' || word[0] == '5') &&
         std::ranges::all_of(word, is_ascii_digit);
}

// The HTTP status that a code begins with or names as such: 401 Unauthorized, http_429, HTTP503.
std::string_view named_status(std::string_view words) {
  constexpr std::array<std::string_view, 5> kNames{"http", "status", "code", "error", "response"};
  std::string_view before = kNames[0];  // so that the first word may be one
  while (!words.empty()) {
    const std::string_view word = cut_word(words);
    const bool is_named = std::ranges::find(kNames, before) != kNames.end();
    if (is_named && is_status(word)) return word;
    for (const std::string_view name : kNames) {
      if (word.starts_with(name) && is_status(word.substr(name.size()))) {
        return word.substr(name.size());
      }
    }
    if (!std::ranges::all_of(word, is_ascii_digit)) before = word;  // HTTP/1.1 503
  }
  return {};
}

// The HTTP status at the end of a code: upstream_503.
std::string_view last_status(std::string_view words) {
  const std::string_view word = words.substr(words.rfind(' ') + 1);
  return is_status(word) ? word : std::string_view();
}

// The spellings by their first word.
const std::unordered_multimap<std::string_view, const ErrorSpelling*>& spellings() {
  static const auto kAll = [] {
    std::unordered_multimap<std::string_view, const ErrorSpelling*> all;
    for (const ErrorSpelling& spelling : kErrorSpellings) {
      std::string_view rest = spelling.words;
      all.emplace(cut_word(rest), &spelling);
    }
    return all;
  }();
  return kAll;
}

constexpr std::uint32_t class_bit(ErrorClass error_class) {
  return std::uint32_t{1} << static_cast<unsigned>(error_class);
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
                {"TOOL_INPUT_INVALID", ErrorClass::validation},
                {"TOOL_OUTPUT_INVALID", ErrorClass::validation},
                {"validation_error", ErrorClass::validation},
                {"LLM_AUTOFILL_FAILED", ErrorClass::llm},
                {"VERIFY_COUNT_MISMATCH", ErrorClass::verification},
                {"VERIFY_*", ErrorClass::verification},
                {"COMPENSATION_FAILED", ErrorClass::compensation}} {
  spell();
}

void ErrorClasses::spell() {
  spellings_begin_ = patterns_.size();
  for (const ErrorSpelling& spelling : kErrorSpellings) {
    if ((spelled_ & class_bit(spelling.error_class)) == 0) continue;
    patterns_.emplace_back("~" + std::string(spelling.words), spelling.error_class);
  }
}

ErrorClasses ErrorClasses::parse(const JsonReader& reader) {
  ErrorClasses result;
  result.patterns_.resize(result.spellings_begin_);
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
    result.spelled_ &= ~class_bit(*error_class);
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
  result.spell();
  return result;
}

const ErrorClasses::Pattern* ErrorClasses::best_pattern(std::string_view code) const {
  const Pattern* best = nullptr;
  std::optional<std::size_t> best_fit;
  for (std::size_t i = 0; i < spellings_begin_; ++i) {
    const auto this_fit = fit(patterns_[i].first, code);
    if (!this_fit || (best_fit && *this_fit <= *best_fit)) continue;
    best = &patterns_[i];
    best_fit = this_fit;
  }
  return best;
}

std::optional<ErrorClass> ErrorClasses::class_of_status(std::string_view status) const {
  if (status.empty()) return std::nullopt;
  const Pattern* const pattern = best_pattern(status);
  if (pattern != nullptr && pattern->first != kAnything) return pattern->second;
  const auto [begin, end] = spellings().equal_range(status);
  for (auto at = begin; at != end; ++at) {
    if ((spelled_ & class_bit(at->second->error_class)) != 0) return at->second->error_class;
  }
  return std::nullopt;
}

std::optional<ErrorClass> ErrorClasses::spelled_class(std::string_view words) const {
  const ErrorSpelling* best = nullptr;
  for (std::string_view rest = words; !rest.empty();) {
    const std::string_view from = rest;
    const std::string_view word = cut_word(rest);
    if (is_ascii_digit(word[0])) continue;
    const auto [begin, end] = spellings().equal_range(word);
    for (auto at = begin; at != end; ++at) {
      const ErrorSpelling* const spelling = at->second;
      const std::size_t size = spelling->words.size();
      const bool is_there = from.starts_with(spelling->words) &&
                            (from.size() == size || from[size] == ' ') &&
                            (spelled_ & class_bit(spelling->error_class)) != 0;
      if (is_there && (best == nullptr || size > best->words.size())) best = spelling;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(best->error_class);
}

std::optional<CodeClass> ErrorClasses::by_pattern(std::string_view code) const {
  const Pattern* const pattern = best_pattern(code);
  if (pattern == nullptr || pattern->first == kAnything) return std::nullopt;
  // In another case it is another label, and there are many.
  const bool is_named = pattern->first == code || is_status_class(pattern->first);
  return CodeClass{pattern->second, is_named};
}

ErrorClass ErrorClasses::by_words(std::string_view code) const {
  const std::string words = words_of(code);
  auto found = class_of_status(named_status(words));
  if (!found) found = spelled_class(words);
  if (!found) found = class_of_status(last_status(words));
  if (found) return *found;
  const auto any = std::ranges::find(patterns_, kAnything, &Pattern::first);
  return any == patterns_.end() ? ErrorClass::other : any->second;
}

ErrorClass ErrorClasses::classify(std::string_view code) const {
  const auto found = by_pattern(code);
  return found ? found->error_class : by_words(code);
}

LabelledCode ErrorClasses::label(std::string_view code) const {
  const auto found = by_pattern(code);
  const bool is_named = found && found->is_named;
  return {is_named ? redact_label(code) : label_of(code),
          found ? found->error_class : by_words(code), is_named};
}

}  // namespace dagloop
