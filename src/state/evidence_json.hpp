// Collected evidence as JSON. Private to the state layer.
#pragma once

#include "dagloop/base/json_reader.hpp"
#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Returns evidence as JSON, null where none was collected, and reads it back.
///
/// Errors: Error{config} naming the key.
Json evidence_to_json(const Evidence& evidence);
Evidence read_evidence(const JsonReader& reader);

}  // namespace dagloop
