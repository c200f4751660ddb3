// Private to the record layer: values of simdjson's documents as those of fields.
#pragma once

#include <simdjson.h>

#include <deque>
#include <string>

#include "record/field.hpp"

namespace dagloop {

/// The digits of whole numbers that a double does not hold; others may go on referring to them.
using Digits = std::deque<std::string>;

/// Returns a value, which borrows from the document and from `digits`.
RawValue raw_value(const simdjson::dom::element& element, Digits& digits);

}  // namespace dagloop
