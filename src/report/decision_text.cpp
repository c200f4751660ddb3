#include "dagloop/base/redaction.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/words.hpp"

namespace dagloop {
namespace {

// What a line of a reason (empty: its code) and of a change begins with.
struct Labels {
  std::string_view reason;
  std::string_view change;
};

std::string reasons_and_changes(const Decision& decision, const Labels& labels) {
  std::string text;
  for (const Reason& reason : decision.reasons) {
    const std::string_view label = labels.reason.empty() ? reason.code : labels.reason;
    text += "  " + escape_controls(label) + ": " + escape_controls(reason_text(reason)) + "\n";
  }
  for (const auto& [key, change] : decision.patch) {
    text.append("  ").append(labels.change);
    text += escape_controls(key + ": " + change.before + " -> " + change.after) + "\n";
  }
  return text;
}

}  // namespace

std::string decision_lines(const Decision& decision) {
  return reasons_and_changes(decision, {"", "patch "});
}

std::string decision_text(const Decision& decision, std::string_view digest) {
  std::string text = "decision " + std::string(digest) + "\n";
  text +=
      std::string(to_string(decision.action)) + " at " + std::to_string(decision.current_percent) +
      " %, verdict " + std::string(to_string(decision.verdict)) + ", figures as of " +
      format_time(decision.as_of) + ", proposed by " + escape_controls(decision.proposed_by) + "\n";
  text += reasons_and_changes(decision, {"because", "change: "});
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
