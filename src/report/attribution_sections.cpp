#include <fmt/format.h>

#include <algorithm>

#include "report/figures.hpp"
#include "report/page_sections.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostNamed = 2;      // of a kind, in a sentence
constexpr double kWorthNaming = 0.1;       // of the difference
constexpr std::string_view kNothing = "";  // where there is no interval, or no share

std::string show_side(const std::string& name) { return name == "dag" ? "this window" : name; }

std::string show_part_name(const std::string& name, std::string_view unnamed) {
  return name.empty() ? std::string(unnamed) : cut_text(name);
}

// Effects are of failures; people are told of success: above 0 is better. Never "-0.0".
std::string show_points(double failure_effect) {
  const std::string text = fmt::format("{:+.1f}", -100 * failure_effect);
  return text == "-0.0" || text == "+0.0" ? "0.0" : text;
}

std::string show_points_interval(const Estimate& effect) {
  if (!effect.ci95) return std::string(kNothing);
  return show_points(effect.ci95->high) + " to " + show_points(effect.ci95->low);
}

// "-6.1 (-8.0 to -4.2)", with its unit: "-6.1 points (-8.0 to -4.2)"
std::string show_effect(const Estimate& effect, std::string_view unit = "") {
  const std::string interval = show_points_interval(effect);
  return show_points(effect.value).append(unit) + (interval.empty() ? "" : " (" + interval + ")");
}

std::string show_share_of(const Estimate& effect, const Estimate& difference) {
  if (difference.value == 0) return std::string(kNothing);
  return fmt::format("{:.0f} %", 100 * effect.value / difference.value);
}

// The parts that a drop is made of, the greatest first: "error code X -6.1 (-8.0 to -4.2)".
template <typename Part>
void name_parts(const std::vector<Part>& parts, const std::string& kind, double drop,
                std::vector<std::string>& named) {
  std::size_t count = 0;
  for (const Part& part : parts) {
    // A tenth of the drop at least: smaller parts are noise more often than causes.
    if (part.effect.value < kWorthNaming * drop || count == kMostNamed) continue;
    ++count;
    const std::string name =
        part.name.empty() ? "without " + kind : fmt::format("{} {}", kind, cut_text(part.name));
    named.push_back(name + " " + show_effect(part.effect));
  }
}

std::string difference_sentence(const Attribution& attribution) {
  const auto success = [](const RunCounts& side) { return show_percent(1 - side.failure_rate()); };
  std::string text =
      fmt::format("Success {} of {}, {} of {}: {}", success(attribution.subject),
                  show_side(attribution.subject_name), success(attribution.reference),
                  attribution.reference_name, show_effect(attribution.difference, " points"));
  const auto& interval = attribution.difference.ci95;
  if (interval && interval->low <= 0 && interval->high >= 0) return text + ", no clear change";
  const double drop = attribution.difference.value;
  // Nothing became worse: parts of an improvement are not what a reader looks for first.
  if (drop <= 0) return text;
  std::vector<std::string> named;
  name_parts(attribution.error_codes.parts, "error code", drop, named);
  if (attribution.error_codes.rest.effect.value >= kWorthNaming * drop) {
    named.push_back("without error code " + show_effect(attribution.error_codes.rest.effect));
  }
  name_parts(attribution.nodes.parts, "node", drop, named);
  // A single source says nothing.
  if (attribution.plan_sources.parts.size() > 1) {
    name_parts(attribution.plan_sources.parts, "plan source", drop, named);
  }
  for (const std::string& part : named) text += (&part == &named.front() ? "; " : ", ") + part;
  return text;
}

std::string show_alike(const std::string& by) {
  if (by == "plan_source") return "among runs of the same plan source";
  return "among runs of the same hour of the day";
}

std::string finding_sentence(const StratifiedDifference& found, const Estimate& plain) {
  const bool explains = found.finding == MixFinding::mix_explains_difference;
  return fmt::format("{}: {} on the whole, {} {} ({})",
                     explains ? "The mix of runs explains it, more than the policy"
                              : "The mix of runs hides a difference",
                     show_effect(plain, " points"), show_effect(*found.difference),
                     show_alike(found.by), to_string(found.finding));
}

bool hides_a_drop(const StratifiedDifference& found) {
  return found.finding == MixFinding::mix_hides_difference && found.difference->value > 0;
}

bool is_notable_drop(const Attribution& attribution) {
  const auto& interval = attribution.difference.ci95;
  // Effects are of failures: an interval wholly above 0 is a drop of success beyond noise.
  return (interval && interval->low > 0) ||
         std::any_of(attribution.stratified.begin(), attribution.stratified.end(), hides_a_drop);
}

bool stands_out(const TriggerResult& trigger) {
  return trigger.state == TriggerState::fired || trigger.state == TriggerState::unconfirmed;
}

bool is_wrong(const PageInputs& inputs) {
  if (inputs.gate != nullptr && inputs.gate->verdict == Verdict::FAIL) return true;
  if (inputs.decision != nullptr &&
      std::any_of(inputs.decision->triggers.begin(), inputs.decision->triggers.end(), stands_out)) {
    return true;
  }
  return is_notable_drop(*inputs.quality.attribution);
}

std::vector<std::string> counted_row(const CountedPart& part, std::string name,
                                     const Attribution& whole) {
  return {std::move(name),
          std::to_string(part.subject_count),
          std::to_string(part.reference_count),
          show_points(part.effect.value),
          show_points_interval(part.effect),
          show_share_of(part.effect, whole.difference)};
}

void add_counted_table(Page& page, const CountedBreakdown& breakdown, const std::string& kind,
                       const Attribution& whole) {
  if (breakdown.parts.empty()) return;
  Table table{{kind, show_side(whole.subject_name), whole.reference_name, "points", "95 % interval",
               "share"},
              {}};
  for (const CountedPart& part : breakdown.parts) {
    table.rows.push_back(counted_row(part, cut_text(part.name), whole));
  }
  const CountedPart& others = breakdown.others;
  if (others.subject_count != 0 || others.reference_count != 0) {
    table.rows.push_back(counted_row(others, "(others)", whole));
  }
  table.rows.push_back(counted_row(breakdown.rest, "(no " + kind + ")", whole));
  page.emplace_back(Heading{2, "Difference by " + kind});
  page.emplace_back(std::move(table));
}

std::vector<std::string> source_row(const SourcePart& part, std::string name,
                                    const Attribution& whole) {
  const auto side = [](const RunCounts& counts) {
    return fmt::format("{} of {} failed", show_count(counts.failed), show_count(counts.runs));
  };
  return {std::move(name),
          side(part.subject),
          side(part.reference),
          show_effect(part.rate_effect),
          show_effect(part.mix_effect),
          show_points(part.effect.value),
          show_points_interval(part.effect),
          show_share_of(part.effect, whole.difference)};
}

void add_source_table(Page& page, const Attribution& whole) {
  const SourceBreakdown& sources = whole.plan_sources;
  if (sources.parts.size() < 2) return;
  Table table{{"plan source", show_side(whole.subject_name), whole.reference_name, "by its rate",
               "by the mix", "points", "95 % interval", "share"},
              {}};
  for (const SourcePart& part : sources.parts) {
    table.rows.push_back(source_row(part, show_part_name(part.name, "(none)"), whole));
  }
  if (sources.others.subject.runs + sources.others.reference.runs > 0) {
    table.rows.push_back(source_row(sources.others, "(others)", whole));
  }
  page.emplace_back(Heading{2, "Difference by plan source"});
  page.emplace_back(std::move(table));
}

void add_stratified_table(Page& page, const Attribution& whole) {
  Table table{{"compared", "points", "95 % interval", "strata", "runs compared", "finding"}, {}};
  table.rows.push_back({"all runs", show_points(whole.difference.value),
                        show_points_interval(whole.difference), "1", "100 % and 100 %",
                        std::string(kNothing)});
  for (const StratifiedDifference& each : whole.stratified) {
    if (each.strata == 1) continue;  // all that is compared is alike: that says nothing
    table.rows.push_back(
        {show_alike(each.by), each.difference ? show_points(each.difference->value) : "no data",
         each.difference ? show_points_interval(*each.difference) : std::string(kNothing),
         show_count(each.strata),
         fmt::format("{:.0f} % and {:.0f} %", 100 * each.subject_share, 100 * each.reference_share),
         each.finding == MixFinding::none ? "" : std::string(to_string(each.finding))});
  }
  if (table.rows.size() == 1) return;
  page.emplace_back(Heading{2, "Difference among runs that are alike"});
  page.emplace_back(std::move(table));
}

}  // namespace

std::vector<std::string> what_is_wrong(const PageInputs& inputs) {
  if (!inputs.quality.attribution || !is_wrong(inputs)) return {};
  const Attribution& attribution = *inputs.quality.attribution;
  std::vector<std::string> lines{difference_sentence(attribution)};
  for (const StratifiedDifference& each : attribution.stratified) {
    if (each.finding == MixFinding::none) continue;
    lines.push_back(finding_sentence(each, attribution.difference));
  }
  return lines;
}

void add_attribution_sections(Page& page, const PageInputs& inputs) {
  if (!inputs.quality.attribution || !is_wrong(inputs)) return;
  const Attribution& attribution = *inputs.quality.attribution;
  add_counted_table(page, attribution.error_codes, "error code", attribution);
  add_counted_table(page, attribution.nodes, "node", attribution);
  add_source_table(page, attribution);
  add_stratified_table(page, attribution);
}

}  // namespace dagloop
