// A KPI of both sides as it is compared: among runs that are alike, where those are told apart.
// Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/evidence/arm_counts.hpp"

namespace dagloop {

/// One KPI of both sides.
class ComparedKpi {
 public:
  /// Shape: among runs that are alike numerators are rounded, and denominators count those runs.
  ComparedKpi(const Comparison& comparison, const std::string& kpi);

  /// Returns the figures; null: that side has none. Refers to this, or to the comparison.
  const Kpi* subject() const { return alike_ ? &alike_->first : plain_subject_; }
  const Kpi* reference() const;
  /// Returns the subject's figure of all its runs.
  const Kpi* plain_subject() const { return plain_subject_; }
  /// Returns the rates of events; nullopt where a side has none. Where `counts_the_others` the KPI
  /// is of runs without the event.
  enum class Events { counted, the_others };
  std::optional<AlikeRates> rates(Events events) const;
  /// Adds both figures to a reason, and among which runs they are compared.
  void add_subject(std::vector<ReasonArg>& args) const;
  void add_reference(std::vector<ReasonArg>& args) const;

 private:
  const Kpi* plain_subject_ = nullptr;
  const Kpi* plain_reference_ = nullptr;
  bool has_no_alike_ = false;  // of no stratum both sides have runs
  std::optional<std::pair<Kpi, Kpi>> alike_;
  std::uint64_t strata_ = 0;
};

}  // namespace dagloop
