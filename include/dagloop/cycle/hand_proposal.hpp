// A decision that was made outside of a tick becomes the one that waits for approval.
#pragma once

#include "dagloop/base/json.hpp"
#include "dagloop/cycle/manual_change.hpp"

namespace dagloop {

/// Makes `document` the decision that waits for approval; one that waited before is withdrawn. The
/// next ticks judge it as one of their own. A dry run checks, and writes nothing.
///
/// Shape:  nothing happens where it waits already; an interrupted change is dealt with first.
/// Errors: Error{approval} for a decision that was applied before, has ended or has expired;
///         Error{conflict} while a change is under verification, another holds the lock, or the env
///         file is not the one decided on; Error{config} for a key that is not allowed, or a line
///         that the service's loader reads otherwise (but for a rollback); Error{preflight} when
///         the clock lies before what the state knows of; else what check_closed_places() and
///         find_situation() throw.
/// Source: docs/operations.md, "Approving a change".
ManualResult propose_decision(const ChangeContext& given, TickMode mode, const Json& document);

}  // namespace dagloop
