// Private to the record layer: rewrites a line that strict JSON refuses into one that it takes, as
// far as the line's structure goes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "record/field.hpp"

namespace dagloop {

/// A line after mending.
struct MendedLine {
  std::string text;            // a JSON object; empty where the line does not begin with one
  bool is_whole = false;       // else `text` has what is complete before the place that stopped it
  std::size_t stopped_at = 0;  // offset in the line; where it ends: the line was cut off
  Replaced replaced = Replaced::no;
};

/// Mends a line.
///
/// Shape:  half surrogates and invalid UTF-8 in strings become U+FFFD; control characters and bad
///         escapes are escaped; the words for nothing become null, NaN and infinities kNotANumber,
///         which is null and remembered; numbers that JSON or a double does not have become text,
///         and so does any other bare word; what is nested deeper than a parser goes becomes null.
///         Brackets, colons and commas must be right. Of the text of the member `cut_key` that is
///         cut off, the pairs before its last semicolon are complete.
/// Cost:   linear.
MendedLine mend_json(std::string_view line, std::string_view cut_key);

}  // namespace dagloop
