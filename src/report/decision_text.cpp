#include "dagloop/base/redaction.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {

std::string decision_text(const Decision& decision, std::string_view digest) {
  std::string text = "decision " + std::string(digest) + "\n";
  text +=
      std::string(to_string(decision.action)) + " at " + std::to_string(decision.current_percent) +
      " %, verdict " + std::string(to_string(decision.verdict)) + ", figures as of " +
      format_time(decision.as_of) + ", proposed by " + escape_controls(decision.proposed_by) + "\n";
  for (const Reason& reason : decision.reasons) {
    text += "  because: " + escape_controls(reason_text(reason)) + "\n";
  }
  for (const auto& [key, change] : decision.patch) {
    text +=
        "  change: " + escape_controls(key + ": " + change.before + " -> " + change.after) + "\n";
  }
  for (const Recommendation& advice : decision.recommendations) {
    const auto change = decision.patch.find(advice.env_key);
    if (!advice.prediction || change == decision.patch.end()) continue;
    // The patch may be of another rule: a prediction is shown only for exactly the change that is
    // signed.
    if (change->second != Change{advice.current, advice.suggested}) continue;
    text += "  predicted: " + escape_controls(prediction_text(*advice.prediction)) +
            (advice.trust == Trust::badly_calibrated ? " (the model was often wrong)" : "") + "\n";
  }
  return text + "  expires: " + format_time(decision.expires_at) + "\n";
}

}  // namespace dagloop
