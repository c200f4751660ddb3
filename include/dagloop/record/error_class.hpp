// Error codes -> error classes, by exact words, prefixes and the spellings that services use.
// Immutable value, thread-safe.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/record/status.hpp"

namespace dagloop {

/// Returns the printed word of `error_class`.
std::string_view to_string(ErrorClass error_class);

/// A code as it is counted: its label, and the class of the code as it was written.
struct LabelledCode {
  std::string label;
  ErrorClass error_class = ErrorClass::other;
  bool is_named = false;  // by the patterns: it keeps its name, however many others there are
  auto operator<=>(const LabelledCode&) const = default;
};

/// The map from codes to classes; the default one is the contract's.
class ErrorClasses {
 public:
  /// The contract's map.
  ErrorClasses();

  /// Reads a map {"auth": ["TOOL_AUTH_ERROR", "40*"], ...}. A pattern is exact, a prefix with a
  /// trailing `*`, or a digit and `xx` (an HTTP status class). Classes not named keep the default
  /// and the shipped spellings.
  ///
  /// Errors: Error{config} for an unknown class or an empty pattern.
  static ErrorClasses parse(const JsonReader& reader);

  /// Returns the class of `code`, whatever its case; exact patterns win over prefixes, longer
  /// prefixes over shorter, and all but a lone `*` over shipped spellings.
  ///
  /// Cost: below a microsecond; ask once a distinct code all the same.
  ErrorClass classify(std::string_view code) const;

  /// Returns what the patterns say of `code`, but a lone `*`; nullopt where none fits. It is named
  /// where it stands among them itself, or is an HTTP status of theirs.
  std::optional<CodeClass> by_pattern(std::string_view code) const;
  /// Returns the class of a code that no pattern fits.
  ErrorClass by_words(std::string_view code) const;
  /// Returns `code` as it is counted: label_of() it, unless the patterns name it.
  LabelledCode label(std::string_view code) const;

  /// Returns every pattern with its class, `~` before a shipped spelling: equal lists classify
  /// alike.
  const std::vector<std::pair<std::string, ErrorClass>>& patterns() const { return patterns_; }
  bool operator==(const ErrorClasses&) const = default;

 private:
  using Pattern = std::pair<std::string, ErrorClass>;

  void spell();
  const Pattern* best_pattern(std::string_view code) const;
  std::optional<ErrorClass> class_of_status(std::string_view status) const;
  std::optional<ErrorClass> spelled_class(std::string_view words) const;

  std::vector<Pattern> patterns_;  // the shipped spellings, as "~words", are the last
  std::size_t spellings_begin_ = 0;
  std::uint32_t spelled_ = ~std::uint32_t{0};  // the classes that have them: a bit a class
};

}  // namespace dagloop
