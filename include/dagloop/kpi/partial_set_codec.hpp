// All that was read, as bytes: what one process hands to another. Not a format: both are of one
// version.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// Returns the bytes of a set: partials with their users, and what was read.
std::string encode(const PartialSet& set);

/// Reads them back; nullopt for anything else.
std::optional<PartialSet> decode_partial_set(std::string_view bytes);

}  // namespace dagloop
