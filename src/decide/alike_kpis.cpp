#include "decide/alike_kpis.hpp"

#include <cmath>
#include <utility>

#include "decide/figures.hpp"

namespace dagloop {
namespace {

const Kpi* find_kpi(const PopulationKpis* side, const std::string& name) {
  return side == nullptr ? nullptr : side->decided().find(name);
}

Kpi alike_kpi(KpiKind kind, double value, std::uint64_t trials) {
  Kpi kpi;
  kpi.kind = kind;
  kpi.value = value;
  kpi.denominator = trials;
  if (kind != KpiKind::quantile) {
    kpi.numerator = static_cast<std::uint64_t>(std::llround(value * as_double(trials)));
  }
  return kpi;
}

ArmCounts events_of(const Kpi* kpi, ComparedKpi::Events events) {
  if (kpi == nullptr || kpi->numerator > kpi->denominator) return {};
  return {kpi->denominator, events == ComparedKpi::Events::the_others
                                ? kpi->denominator - kpi->numerator
                                : kpi->numerator};
}

void add_alike(std::vector<ReasonArg>& args, const std::string& prefix, const Kpi& kpi) {
  args.emplace_back(prefix + "value", *kpi.value);
  args.emplace_back(prefix + "n", kpi.denominator);
}

}  // namespace

ComparedKpi::ComparedKpi(const Comparison& comparison, const std::string& kpi)
    : plain_subject_(find_kpi(comparison.subject, kpi)),
      plain_reference_(find_kpi(comparison.reference, kpi)) {
  if (comparison.alike == nullptr || plain_subject_ == nullptr) return;
  const auto found = comparison.alike->figures.find(kpi);
  // What is not told by stratum is compared as a whole.
  has_no_alike_ = comparison.alike->strata == 0;
  if (found == comparison.alike->figures.end()) return;
  const AlikeFigure& figure = found->second;
  strata_ = comparison.alike->strata;
  const KpiKind kind = plain_subject_->kind;
  alike_ = {alike_kpi(kind, figure.subject, figure.subject_trials),
            alike_kpi(kind, figure.reference, figure.reference_trials)};
}

const Kpi* ComparedKpi::reference() const {
  if (has_no_alike_) return nullptr;
  return alike_ ? &alike_->second : plain_reference_;
}

std::optional<AlikeRates> ComparedKpi::rates(Events events) const {
  const Block counts{events_of(subject(), events), events_of(reference(), events)};
  auto rates = alike_rates({counts});
  if (!rates || !alike_) return rates;
  const bool are_others = events == Events::the_others;
  const auto rate = [&](const Kpi& kpi) { return are_others ? 1 - *kpi.value : *kpi.value; };
  rates->subject = rate(alike_->first);
  rates->reference = rate(alike_->second);
  return rates;
}

void ComparedKpi::add_subject(std::vector<ReasonArg>& args) const {
  alike_ ? add_alike(args, "", *subject()) : add_kpi(args, "", *subject());
}

void ComparedKpi::add_reference(std::vector<ReasonArg>& args) const {
  alike_ ? add_alike(args, "reference_", *reference()) : add_kpi(args, "reference_", *reference());
  if (alike_) args.emplace_back("alike_strata", strata_);
}

}  // namespace dagloop
