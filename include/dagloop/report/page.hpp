// Pages for people: one composition, rendered as Markdown or HTML. Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/evidence/trend_report.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/report/documents.hpp"

namespace dagloop {

/// A heading; level 1 is the page's title.
struct Heading {
  int level = 2;
  std::string text;
};

/// A paragraph of plain text.
struct Paragraph {
  std::string text;
};

/// A bullet list of plain text.
struct BulletList {
  std::vector<std::string> items;
};

/// A table; rows have as many cells as the header.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// A page, top to bottom.
using Page = std::vector<std::variant<Heading, Paragraph, BulletList, Table>>;

/// What a page is made of; a null part is left out.
struct PageInputs {
  const Quality& quality;
  const GateResult* gate = nullptr;
  const Decision* decision = nullptr;
  std::vector<std::string> notes = {};  // e.g. what the tick did, first on the page
  const TrendReport* trends = nullptr;
  std::string story = {};  // what put the present policy in force, before all else
  DecisionStage stage = DecisionStage::decided;
  std::string next = {};  // what an operator does now, last of the verdict
};

/// Returns what comes first where something is wrong (the gate failed, a trigger fired or would, or
/// success has notably dropped): how much success differs, and by what; empty where nothing is, or
/// where there is nothing to compare with.
///
/// Shape: labels from logs stand in it as they are, cut to length: escape it for a terminal.
std::vector<std::string> what_is_wrong(const PageInputs& inputs);

/// Returns what the figures leave out, which comes before them: lines of the window that could not
/// be read, runs that never ended, were skipped or cancelled, records that are set aside, and what
/// was read in another form; a line each, none where there is nothing of the kind.
///
/// Shape: as what_is_wrong().
std::vector<std::string> what_is_left_out(const Quality& quality);

/// Says where a line could not be read, and why: "a.jsonl:3: created_at: a number; wanted ...".
std::string example_text(const MalformedExample& example);

/// Returns the error of a log too much of which cannot be read: it names the first place, what
/// stands there, what is wanted, and the mapping that would read it. nullopt: the share of such
/// lines is within its limit.
std::optional<Error> unreadable_log(const Quality& quality, const DataLimits& limits);

/// Composes the morning page: what is left out, what is wrong, verdict and decision first,
/// gate-relevant figures against baseline with arrows, cohorts, pipelines, top error codes, worst
/// nodes, what was malformed.
Page compose_quality_page(const PageInputs& inputs);

/// Renders a page as Markdown (GitHub tables; text is escaped so that no cell can break out).
std::string render_markdown(const Page& page);

/// Renders a page as one self-contained HTML file (inline style, no script, all text escaped).
std::string render_html(const Page& page);

/// Renders a page for a terminal: tables with aligned columns, no character that commands it.
std::string render_text(const Page& page);

}  // namespace dagloop
