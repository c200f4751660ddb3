// Evidence in sentences. Pure; private to the decide layer.
#pragma once

#include <string>

#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Prints e-value and interval, and, where the test is undecided, how many more trials of `subject`
/// it takes and in about which time they will be there at the present rate.
std::string evidence_text(const EvidenceView& view, const std::string& subject);

}  // namespace dagloop
