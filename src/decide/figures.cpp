#include "decide/figures.hpp"

namespace dagloop {

bool is_rate_name(const std::string& name) {
  return name.ends_with("_rate") || name.starts_with("error_rate.");
}

void add_kpi(std::vector<ReasonArg>& args, const std::string& prefix, const Kpi& kpi) {
  if (kpi.value) args.emplace_back(prefix + "value", *kpi.value);
  if (kpi.kind == KpiKind::quantile) {
    args.emplace_back(prefix + "n", kpi.denominator);
    return;
  }
  args.emplace_back(prefix + "count", kpi.numerator);
  args.emplace_back(prefix + "total", kpi.denominator);
}

}  // namespace dagloop
