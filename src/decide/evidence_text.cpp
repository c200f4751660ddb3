#include "decide/evidence_text.hpp"

#include <fmt/format.h>

#include "decide/figures.hpp"

namespace dagloop {

std::string evidence_text(const EvidenceView& view, const std::string& subject) {
  std::string text =
      fmt::format("the evidence (e-value) is {:.3g} of {:.3g}", view.e_value, view.needed);
  if (view.difference) {
    text += fmt::format(", the difference lies between {:+.3g} and {:+.3g} points",
                        100 * view.difference->low, 100 * view.difference->high);
  }
  if (view.decides()) return text;
  if (!view.more_trials) return text + "; at the present rates it will never be enough";
  const double seen_s = std::chrono::duration<double>(view.collected_over).count();
  const double wait_s =
      seen_s * static_cast<double>(*view.more_trials) / static_cast<double>(view.subject.trials);
  return text + fmt::format("; about {} more of {} needed, at the present rate in about {}",
                            *view.more_trials, subject, waiting_text(wait_s));
}

std::string latency_text(const LatencyView& view, const std::string& subject,
                         const std::string& reference) {
  return fmt::format(
      "{} is slower than {}: {:.3g} % of its runs take over {:.0f} ms, of {} {:.3g} %; the "
      "evidence "
      "(e-value) is {:.3g} of {:.3g}",
      subject, reference, 100 * view.subject_share, view.at_ms, reference,
      100 * view.reference_share, view.e_value, view.needed);
}

}  // namespace dagloop
