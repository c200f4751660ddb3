#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "source/packed_runs.hpp"

namespace dagloop {
namespace {

// The digits of some statuses.
std::string list_of(const std::vector<Status>& statuses) {
  std::string list;
  for (const Status status : statuses) {
    list += (list.empty() ? "" : ", ") + std::to_string(packed::digit_of(status));
  }
  return list.empty() ? "-1" : list;
}

}  // namespace

packed::WordDigits packed::status_digits() {
  WordDigits digits = digits_of(kStatusWords);
  for (auto& [word, digit] : digits) {
    if (std::ranges::find(kTimeoutWords, word) != kTimeoutWords.end()) digit = kTimedOut;
  }
  return digits;
}

packed::WordForm packed::status_form(int place) {
  static constexpr std::size_t kUsual = 11;  // the first of kStatusWords
  WordForm form{status_digits(), {}, kUnknownStatus, 0, place};
  const auto is_usual = [](const auto& word) {
    return std::ranges::find(kStatusWords, word.first, &Word<Status>::text) <
           kStatusWords.begin() + kUsual;
  };
  std::ranges::copy_if(form.words, std::back_inserter(form.usual), is_usual);
  return form;
}

packed::WordForm packed::compensation_form(int place) {
  const WordDigits words = digits_of(kCompensationWords);
  return {words, words, kMendedCompensation, kMendedCompensation, place};
}

packed::WordForm packed::cohort_form(int place) {
  const WordDigits words = digits_of(kCohortWords);
  return {words, words, kMendedCohort, kMendedCohort, place};
}

std::string packed::bad_statuses() {
  std::vector<Status> bad;
  for (int i = 0; i < kLastStatus; ++i) {
    if (ended_badly(static_cast<Status>(i))) bad.push_back(static_cast<Status>(i));
  }
  return list_of(bad);
}

std::string packed::open_statuses(const CountingRules& rules) {
  std::vector<Status> open;
  for (const Status status : rules.overdue_statuses) {
    if (!is_final(status)) open.push_back(status);
  }
  return list_of(open);
}

std::string packed::rated_statuses(const CountingRules& rules) {
  std::vector<Status> rated;
  for (int i = 0; i < kLastFinal; ++i) {
    const auto status = static_cast<Status>(i);
    const bool is_out = status == Status::skipped ||
                        (status == Status::cancelled && rules.cancelled == Cancelled::excluded);
    if (!is_out) rated.push_back(status);
  }
  return list_of(rated);
}

}  // namespace dagloop
