// Partials as bytes, for caches: exact, and the same bytes for equal partials.
// Users are left out: they are counted from the runs where they are asked for. Pure.
#pragma once

#include <map>

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

}  // namespace dagloop
