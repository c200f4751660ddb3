// An env file (KEY=VALUE lines) that is patched without touching any other byte. Value type.
// Grammar and refusals: docs/formats.md, "Env file".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/decide/policy_key.hpp"

namespace dagloop {

/// A parsed env file. Comments, order, blank lines, quotes, `export`, line ends and a missing last
/// newline are kept by keeping the text and only the places of the values.
class EnvFile {
 public:
  /// Parses `text`.
  ///
  /// Errors: Error{config} "<where>:<line>: ..." for a NUL byte, a quote that is never closed, or a
  ///         line that is neither blank, comment nor assignment.
  static EnvFile parse(std::string text, std::string_view where);

  /// Returns the whole text.
  const std::string& text() const { return text_; }

  /// Returns the value of `key` without quotes, nullopt where the file lacks it.
  ///
  /// Errors: Error{config} with the line number where `key` stands twice, has an interpolation
  ///         (`$`, backquote, backslash escape) or spans lines: such a value is never guessed.
  std::optional<std::string> value(std::string_view key) const;

  /// Returns the text with each key's value replaced; the file's quoting of that value is kept.
  ///
  /// Errors: Error{config} as value(), for a key that the file lacks, and for a new value that its
  ///         quoting cannot hold (only [A-Za-z0-9_.,:/+-] is ever written).
  ///         Error{conflict} where a key's present value is not the patch's `before`.
  std::string patched(const Patch& patch) const;

 private:
  struct Assignment {
    std::string key;
    std::size_t line = 0;     // from 1
    std::size_t begin = 0;    // of the value without quotes, in text_
    std::size_t end = 0;
    bool is_ambiguous = false;  // interpolation, escape or several lines
  };

  const Assignment* find(std::string_view key) const;

  std::string text_;
  std::string where_;
  std::vector<Assignment> assignments_;
};

/// Returns the lines that differ between two texts of an env file, as a unified diff in which the
/// values of keys outside `shown_keys` are masked.
std::string masked_diff(std::string_view before, std::string_view after,
                        const std::vector<std::string>& shown_keys);

}  // namespace dagloop
