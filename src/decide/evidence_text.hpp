// Evidence in sentences. Pure; private to the decide layer.
#pragma once

#include <string>

#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Prints e-value and interval, and, where the test is undecided, how many more trials of `subject`
/// it takes and in about which time they will be there at the present rate.
std::string evidence_text(const EvidenceView& view, const std::string& subject);

/// Prints where the subject is slower than the reference, and how sure that is.
std::string latency_text(const LatencyView& view, const std::string& subject,
                         const std::string& reference);

}  // namespace dagloop
