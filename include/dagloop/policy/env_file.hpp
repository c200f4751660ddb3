// An env file (KEY=VALUE lines) that is patched without touching any other byte. Value type.
// Grammar and refusals: docs/formats.md, "Env file".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Where an assignment stands in the text.
struct EnvAssignment {
  std::string key;
  std::size_t line = 0;   // of the key, from 1
  std::size_t begin = 0;  // of the value without quotes
  std::size_t end = 0;
  bool is_ambiguous = false;  // what the value means depends on who reads the file
};

/// Why the value of a key is refused.
struct EnvFault {
  std::size_t line = 0;
  std::string what;
  std::string remedy;
};

/// A parsed env file. Comments, order, blank lines, quotes, `export`, line ends and a missing last
/// newline are kept by keeping the text and only the places of the values.
class EnvFile {
 public:
  /// Parses `text`.
  ///
  /// Shape:  a line that is neither blank, comment nor assignment is passed over: what the
  ///         service's loader makes of it is loader_fault()'s to say. A quote that opens behind the
  ///         value's first character, and one that is never closed, make the value ambiguous.
  /// Errors: Error{config} "<where>:<line>: ..." for a NUL byte.
  static EnvFile parse(std::string text, std::string_view where);

  /// Returns the whole text.
  const std::string& text() const { return text_; }

  /// Returns what the file is called in messages.
  const std::string& where() const { return where_; }

  /// Returns all assignments, in order.
  const std::vector<EnvAssignment>& assignments() const { return assignments_; }

  /// Returns the value of `key` without quotes, nullopt where the file lacks it.
  ///
  /// Errors: Error{config} with the line number where `key` stands twice, has an interpolation
  ///         (`$`, backquote, backslash escape), spans lines, has spaces, control characters,
  ///         pieces with quotes of their own, or stands behind a line that ends in a backslash:
  ///         such a value is never guessed.
  std::optional<std::string> value(std::string_view key) const;

  /// Returns why value() would refuse `key`, nullopt where it would not.
  std::optional<EnvFault> fault(std::string_view key) const;

  /// Returns the line of the first assignment of `key`, 0 where the file lacks it.
  std::size_t line_of(std::string_view key) const;

  /// Returns the text with each key's value replaced; the file's quoting of that value is kept.
  ///
  /// Shape:  the reverse patch of the result gives this text again, byte for byte.
  /// Errors: Error{config} as value(), for a key that the file lacks, and for a new or present
  ///         value that is empty or has characters that are never written: the change could not be
  ///         undone. Only [A-Za-z0-9_.,:/+-] is ever written, 4096 characters at
  ///         most.
  ///         Error{conflict} where a key's present value is not the patch's `before`.
  std::string patched(const Patch& patch) const;

 private:
  const EnvAssignment* find(std::string_view key) const;

  std::string text_;
  std::string where_;
  std::vector<EnvAssignment> assignments_;
};

/// Returns the lines that differ between two texts of an env file, each with its number.
///
/// Shape:  values of keys outside `shown_keys`, values that are not plain, comments and the inner
///         lines of values are masked. Equal line numbers are the same line: a patch adds none.
/// Errors: Error{config} as EnvFile::parse.
std::string masked_diff(std::string_view before, std::string_view after,
                        const std::vector<std::string>& shown_keys);

}  // namespace dagloop
