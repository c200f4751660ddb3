#include "dagloop/decide/gate.hpp"

#include <algorithm>
#include <array>

#include "dagloop/base/assert.hpp"
#include "decide/figures.hpp"

namespace dagloop {

namespace {

constexpr std::array<std::string_view, 4> kSigns{">=", ">", "<=", "<"};
constexpr std::array<std::string_view, 3> kVerdicts{"PASS", "FAIL", "INSUFFICIENT"};

template <typename Enum, std::size_t N>
std::optional<Enum> parse_word(const std::array<std::string_view, N>& words,
                               std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Enum>(found - words.begin());
}

Reason insufficient(const GateCheck& check, std::uint64_t have, const Window& window) {
  Reason reason{check.kpi + "_insufficient",
                {{"kpi", check.kpi},
                 {"population", to_string(check.population)},
                 {"have", have},
                 {"need", check.min_sample}}};
  if (have < check.min_sample) add_forecast(reason.args, have, check.min_sample, window);
  return reason;
}

Reason judged(const GateCheck& check, const Kpi& kpi, bool passed) {
  const bool floor =
      check.comparator == Comparator::at_least || check.comparator == Comparator::above;
  const std::string_view ending = passed ? "_ok" : floor ? "_below_threshold" : "_above_threshold";
  Reason reason{check.kpi + std::string(ending),
                {{"kpi", check.kpi}, {"population", to_string(check.population)}}};
  add_kpi(reason.args, "", kpi);
  reason.args.emplace_back("comparator", to_string(check.comparator));
  reason.args.emplace_back("threshold", check.threshold);
  return reason;
}

CheckResult evaluate_check(const GateCheck& check, const Quality& quality) {
  CheckResult result;
  result.check = check;
  const Kpi* kpi = quality.current.population(check.population).kpis.find(check.kpi);
  if (kpi != nullptr) {
    result.value = kpi->value;
    result.sample_count = kpi->denominator;
    result.ci95 = kpi->ci95;
  }
  // The status stays insufficient: too few observations are neither good nor bad.
  if (!result.value || result.sample_count < check.min_sample) {
    result.reason = insufficient(check, result.sample_count, quality.current.window);
    return result;
  }
  const bool passed = holds(*result.value, check.comparator, check.threshold);
  const bool severe = check.severity == Severity::fail;
  result.status = passed ? CheckStatus::pass : severe ? CheckStatus::fail : CheckStatus::warn;
  result.reason = judged(check, *kpi, passed);
  return result;
}

Verdict verdict_of(const std::vector<CheckResult>& checks) {
  DAGLOOP_ASSERT(!checks.empty());  // or a gate that judged nothing would pass
  const auto severe_check_is = [&](CheckStatus status) {
    return std::any_of(checks.begin(), checks.end(), [&](const CheckResult& result) {
      return result.check.severity == Severity::fail && result.status == status;
    });
  };
  // What failed has failed, whatever else has yet to be seen.
  if (severe_check_is(CheckStatus::fail)) return Verdict::FAIL;
  return severe_check_is(CheckStatus::insufficient) ? Verdict::INSUFFICIENT : Verdict::PASS;
}

}  // namespace

std::string_view to_string(Comparator comparator) {
  return kSigns.at(static_cast<std::size_t>(comparator));
}

std::string_view to_string(Severity severity) {
  return severity == Severity::fail ? "fail" : "warn";
}

std::string_view to_string(CheckStatus status) {
  constexpr std::array<std::string_view, 4> kWords{"pass", "fail", "warn", "insufficient"};
  return kWords.at(static_cast<std::size_t>(status));
}

std::string_view to_string(Verdict verdict) {
  return kVerdicts.at(static_cast<std::size_t>(verdict));
}

std::optional<Verdict> parse_verdict(std::string_view word) {
  return parse_word<Verdict>(kVerdicts, word);
}

std::optional<Comparator> parse_comparator(std::string_view sign) {
  return parse_word<Comparator>(kSigns, sign);
}

bool holds(double value, Comparator comparator, double threshold) {
  switch (comparator) {
    case Comparator::at_least:
      return value >= threshold;
    case Comparator::above:
      return value > threshold;
    case Comparator::at_most:
      return value <= threshold;
    case Comparator::below:
      return value < threshold;
  }
  DAGLOOP_ASSERT(false);
  return false;
}

GateResult evaluate_gate(const std::vector<GateCheck>& checks, const Quality& quality,
                         const DataLimits& limits) {
  GateResult result;
  result.reasons = data_faults(quality, limits);
  if (checks.empty()) {
    result.reasons.emplace_back("no_checks");
  }
  for (const GateCheck& check : checks) result.checks.push_back(evaluate_check(check, quality));
  // Checks are evaluated even on data that cannot be relied on, for the page; the verdict is not.
  if (result.reasons.empty()) result.verdict = verdict_of(result.checks);
  return result;
}

GateResult evaluate_gate(const std::vector<GateCheck>& checks, const Quality& quality) {
  GateResult result;
  for (const GateCheck& check : checks) result.checks.push_back(evaluate_check(check, quality));
  result.verdict = verdict_of(result.checks);
  return result;
}

}  // namespace dagloop
