#include "dagloop/decide/named_figure.hpp"

#include <cmath>

#include "decide/figures.hpp"

namespace dagloop {
namespace {

constexpr double kTenth = 0.1;

const std::string* text_arg(const Reason& reason, std::string_view name) {
  const ReasonValue* value = find_arg(reason, name);
  return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

std::optional<double> number_arg(const Reason& reason, std::string_view name) {
  const ReasonValue* value = find_arg(reason, name);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* count = std::get_if<std::int64_t>(value)) return static_cast<double>(*count);
  return std::nullopt;
}

NamedFigure with_tenth(NamedFigure figure) {
  figure.low = figure.value - kTenth * std::abs(figure.value);
  figure.high = figure.value + kTenth * std::abs(figure.value);
  return figure;
}

// Source: Wilson 1927, at 80 %.
NamedFigure with_wilson(NamedFigure figure, double events, double trials) {
  const double p = events / trials;
  const double z2 = kEightyPercent * kEightyPercent;
  const double middle = (p + z2 / (2 * trials)) / (1 + z2 / trials);
  const double half = kEightyPercent / (1 + z2 / trials) *
                      std::sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials));
  figure.low = std::max(0.0, middle - half);
  figure.high = std::min(1.0, middle + half);
  return figure;
}

std::optional<NamedFigure> figure_of_kpi(NamedFigure figure, const Kpi* kpi) {
  if (kpi == nullptr || !kpi->value) return std::nullopt;
  figure.value = *kpi->value;
  const bool is_share = is_rate_name(figure.kpi) && kpi->numerator <= kpi->denominator;
  if (!is_share) return with_tenth(std::move(figure));
  return with_wilson(std::move(figure), as_double(kpi->numerator), as_double(kpi->denominator));
}

}  // namespace

std::optional<NamedFigure> named_figure(const std::vector<Reason>& evidence) {
  if (evidence.empty()) return std::nullopt;
  const Reason* met = &evidence.front();
  NamedFigure figure;
  if (const std::string* node = text_arg(*met, "node")) {
    const ReasonValue* inner = find_arg(*met, "met");
    const auto* all = inner == nullptr ? nullptr : std::get_if<std::vector<Reason>>(inner);
    if (all == nullptr || all->empty()) return std::nullopt;
    figure.node = *node;
    met = &all->front();
  }
  const std::string* kpi = text_arg(*met, "kpi");
  if (kpi == nullptr) return std::nullopt;
  figure.kpi = *kpi;
  const auto value = number_arg(*met, *kpi == "attempts" ? "attempts" : "value");
  if (!value) return std::nullopt;
  figure.value = *value;
  const auto events = number_arg(*met, "count");
  const auto trials = number_arg(*met, "total");
  const bool is_share = is_rate_name(*kpi) && events && trials && *trials > 0 && *events <= *trials;
  if (!is_share) return with_tenth(std::move(figure));
  return with_wilson(std::move(figure), *events, *trials);
}

std::optional<NamedFigure> same_figure(const NamedFigure& figure, const PopulationKpis& runs) {
  NamedFigure now{figure.node, figure.kpi, 0, 0, 0};
  if (figure.node.empty()) return figure_of_kpi(now, runs.decided().find(figure.kpi));
  const auto found = runs.nodes.find(figure.node);
  if (found == runs.nodes.end()) return std::nullopt;
  const NodeKpis& node = found->second;
  if (figure.kpi == "failure_rate") return figure_of_kpi(now, &node.failure_rate);
  if (figure.kpi == "retry_success_rate") return figure_of_kpi(now, &node.retry_success_rate);
  if (figure.kpi == "p95_latency_ms") return figure_of_kpi(now, &node.p95_latency_ms);
  if (!node.attempts) return std::nullopt;
  now.value = as_double(*node.attempts);
  return with_tenth(now);
}

bool has_left(const NamedFigure& then, const NamedFigure& now) {
  return now.low > then.high || now.high < then.low;
}

}  // namespace dagloop
