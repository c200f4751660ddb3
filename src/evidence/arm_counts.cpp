#include "dagloop/evidence/arm_counts.hpp"

#include <algorithm>
#include <cmath>

#include "dagloop/kpi/mantel_haenszel.hpp"

namespace dagloop {
namespace {

std::uint64_t events_at(double rate, std::uint64_t trials) {
  const double events = std::round(rate * static_cast<double>(trials));
  return std::min(trials, static_cast<std::uint64_t>(std::max(0.0, events)));
}

}  // namespace

ArmCounts& ArmCounts::operator+=(const ArmCounts& other) {
  trials += other.trials;
  events += other.events;
  return *this;
}

double rate_of(const ArmCounts& counts) {
  return static_cast<double>(counts.events) / static_cast<double>(counts.trials);
}

ArmCounts without(const ArmCounts& counts, const ArmCounts& part) {
  const std::uint64_t events = counts.events - std::min(counts.events, part.events);
  const std::uint64_t trials = counts.trials - std::min(counts.trials, part.trials);
  return {std::max(trials, events), events};
}

Block& Block::operator+=(const Block& other) {
  subject += other.subject;
  reference += other.reference;
  return *this;
}

std::optional<AlikeRates> alike_rates(const std::vector<Block>& strata) {
  MantelHaenszel sums;
  AlikeRates rates;
  for (const Block& each : strata) {
    if (each.subject.trials == 0 || each.reference.trials == 0) continue;
    sums.add({each.subject.trials, each.subject.events},
             {each.reference.trials, each.reference.events});
    rates.counts += each;
  }
  if (sums.strata() == 0) return std::nullopt;
  rates.subject = sums.strata() == 1 ? rate_of(rates.counts.subject) : sums.subject_rate();
  rates.reference = sums.strata() == 1 ? rate_of(rates.counts.reference) : sums.reference_rate();
  return rates;
}

Block as_one_block(const AlikeRates& rates) {
  const std::uint64_t subjects = rates.counts.subject.trials;
  const std::uint64_t references = rates.counts.reference.trials;
  return {{subjects, events_at(rates.subject, subjects)},
          {references, events_at(rates.reference, references)}};
}

}  // namespace dagloop
