// Private to the report layer: the sections of the morning page, each added where it has content.
#pragma once

#include <string>

#include "dagloop/report/page.hpp"

namespace dagloop {

/// Says which window, how many runs, and what it is compared with.
std::string window_sentence(const Quality& quality);

/// The checks of the gate with figure, interval, threshold, baseline and change.
void add_gate_section(Page& page, const GateResult& gate, const Quality& quality);
/// The change that waits, or is made, key by key.
void add_patch_section(Page& page, const Decision& decision, DecisionStage stage);
/// The rollback triggers.
void add_trigger_section(Page& page, const Decision& decision);
/// What sequential evidence says, test by test.
void add_evidence_section(Page& page, const Decision& decision);
/// Where the core KPIs went over two weeks and a month.
void add_trend_section(Page& page, const TrendReport& trends);
/// The recommended values.
void add_recommendation_section(Page& page, const Decision& decision);
/// Where something is wrong: what the difference is made of, and among runs that are alike.
void add_attribution_sections(Page& page, const PageInputs& inputs);
/// What was predicted of changes, what came of them, and how well each model is calibrated.
void add_prediction_section(Page& page, const Decision& decision);
/// All KPIs of a population against the baseline.
void add_kpi_section(Page& page, const Quality& quality, Population population);
/// Canary against control.
void add_cohort_section(Page& page, const Quality& quality);
/// The most frequent error codes.
void add_error_section(Page& page, const Quality& quality);
/// The nodes with most failed attempts, and the slowest.
void add_node_section(Page& page, const Quality& quality);
/// Success by pipeline, the most failures first.
void add_pipeline_section(Page& page, const Quality& quality);
/// What was read, what was malformed, and what was mended.
void add_input_section(Page& page, const Quality& quality);

}  // namespace dagloop
