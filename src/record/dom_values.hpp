// Private to the record layer: values of simdjson's documents as those of fields.
#pragma once

#include <simdjson.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/field.hpp"

namespace dagloop {

/// The digits of whole numbers that a double does not hold; others may go on referring to them.
using Digits = std::deque<std::string>;

/// Returns the tokens of a JSON pointer, unescaped (RFC 6901).
std::vector<std::string> split_pointer(std::string_view pointer);

/// Returns the member or the element that a token names; of a repeated key the last one counts
/// (simdjson's own pointers stop at the first).
std::optional<simdjson::dom::element> step(const simdjson::dom::element& from,
                                           const std::string& token);

/// Returns a value, which borrows from the document and from `digits`.
RawValue raw_value(const simdjson::dom::element& element, Digits& digits);

}  // namespace dagloop
