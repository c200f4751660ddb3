// Partials as bytes, for caches: exact, and the same bytes for equal partials. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {

/// Appends a partial.
void encode(const KpiPartial& partial, ByteWriter& out);
/// Appends partials with their keys.
void encode(const std::map<PartialKey, KpiPartial>& partials, ByteWriter& out);

/// Reads what encode() appended. Where that is not what comes next, `in` is not ok() afterwards and
/// the value means nothing.
void decode(ByteReader& in, KpiPartial& partial);
void decode(ByteReader& in, std::map<PartialKey, KpiPartial>& partials);

/// Returns the bytes of `partials` alone.
std::string encode(const std::map<PartialKey, KpiPartial>& partials);
/// Returns the partials of such bytes.
///
/// Errors: nullopt for any bytes that encode() does not give for some partials.
std::optional<std::map<PartialKey, KpiPartial>> decode_partials(std::string_view bytes);

}  // namespace dagloop
