// Private to the report layer: words for reasons, a catalogue a language.
#pragma once

#include <span>
#include <string_view>

namespace dagloop {

/// What is said of a code. Several of one code: the first whose arguments the reason has.
///
/// Shape: `code` is a reason's; or "*" and its ending; or ">" and the name of a part of a template;
///        or "#" and a word that arguments hold. In a template stand
///        {name}       an argument,
///        {name:form}  a number in a form of print_number(), or (:name) a word under "#",
///        {?name}      nothing, but the reason must have that argument,
///        {>part}      a part,
///        [...]        what is left out where one of its arguments is missing.
struct Wording {
  std::string_view code;
  std::string_view words;
};

/// Returns the English catalogue.
std::span<const Wording> english_words();

}  // namespace dagloop
