// Documents as JSON: what the executables write and read. Every document names its schema and
// version; the schemas are in config/schemas/. Pure; field by field in docs/formats.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/evidence/trend_report.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Renders a quality report ("dagloop.quality_report/1").
Json quality_to_json(const Quality& quality);

/// Reads a quality report back: everything that gate, decision and pages need.
///
/// Errors: Error{config} naming `where` and the key; a foreign schema or version is refused.
Quality quality_from_json(const Json& document, std::string_view where);

/// Renders a gate document ("dagloop.quality_gate/1"); `quality` says which report it judges.
Json gate_to_json(const GateResult& gate, const Quality& quality);

/// Reads a gate document that judges `quality`.
///
/// Errors: Error{config} as above, and where it judges another report (as_of or window differ).
GateResult gate_from_json(const Json& document, const Quality& quality, std::string_view where);

/// Renders trends ("dagloop.trends/1").
Json trends_to_json(const TrendReport& trends, TimePoint as_of);

/// Renders a decision document ("dagloop.policy_decision/1") with its digest.
Json decision_to_json(const Decision& decision);

/// Returns the digest of a decision document: SHA-256 over the canonical form of all members but
/// `digest` itself and the words that are rendered from what stands beside them, so it covers the
/// patch, the env file's hash and the expiry, and is free of language.
///
/// Source: docs/formats.md, "Decision".
std::string decision_digest(const Json& document);

/// Returns the digest that a decision document goes by, whether it is that of its content or not;
/// where it has none, that of its content.
std::string named_digest(const Json& document);

/// Returns what an approver is shown of a decision, a line a reason and a change.
///
/// Shape: what the document says is there as it is, but for control characters, which are escaped:
///        no line can be added or written over.
std::string decision_text(const Decision& decision, std::string_view digest);

/// How far a decision has come when it is told.
enum class DecisionStage { decided, dry_run, waits, made };

/// Returns what a decision comes to, in one line: "promote from 10 % to 30 %, dry run; the gate
/// passes".
std::string decision_headline(const Decision& decision, DecisionStage stage);

/// Returns why it was decided, a line a reason with its code, and what changes, a line a key.
///
/// Shape: indented; control characters are escaped as in decision_text().
std::string decision_lines(const Decision& decision, DecisionStage stage);

/// Returns what checks have found that only warn, a line each.
///
/// Shape: labels stand in it as they are: escape it for a terminal.
std::vector<std::string> gate_warnings(const GateResult& gate);

/// Returns the figures of a report in a line each, for who approves a decision made earlier.
///
/// Shape: indented; control characters are escaped.
std::string present_text(const Quality& quality, const GateResult& gate);

/// Reads a decision document. Triggers' figures are not needed again and are not read back.
///
/// Errors: Error{config} for a document that is none; Error{approval} where its digest is not that
///         of its content (it was edited, or an earlier version wrote it).
Decision decision_from_json(const Json& document, std::string_view where);

/// Reads a decision document that somebody hands in: as above, and all of it is as its schema says.
///
/// Errors: Error{config} or Error{approval}, as above.
Decision checked_decision(const Json& document, std::string_view where);

}  // namespace dagloop
