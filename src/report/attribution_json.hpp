// Private to the report layer: how an attribution stands in the quality report.
#pragma once

#include "dagloop/base/json_reader.hpp"
#include "dagloop/kpi/attribution.hpp"

namespace dagloop {

/// Renders an attribution.
Json attribution_to_json(const Attribution& attribution);

/// Reads an attribution. Shares of the difference follow from the effects and are not read back.
///
/// Errors: Error{config} naming the key; more failed runs than runs are refused.
Attribution read_attribution(const JsonReader& reader);

}  // namespace dagloop
