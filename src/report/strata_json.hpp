// What a quality report says of strata, as JSON. Private to the report layer.
#pragma once

#include <string_view>

#include "dagloop/base/struct_codec.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Returns figures among runs that are alike as JSON, and reads them back.
///
/// Errors: Error{config} naming the member.
Json comparable_to_json(const Comparable& comparable);
Comparable read_comparable(const JsonReader& reader);

/// Returns a stratum as JSON, and reads it back.
Json stratum_to_json(const Stratum& stratum);
Stratum read_stratum(const JsonReader& reader);

}  // namespace dagloop
