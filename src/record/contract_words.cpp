#include "dagloop/record/contract_words.hpp"

namespace dagloop {

std::string_view to_string(Status status) { return word_of(kStatusWords, status); }

std::string_view to_string(CompensationStatus status) {
  return status == CompensationStatus::none ? "none" : word_of(kCompensationWords, status);
}

std::string_view to_string(Population population) {
  return population == Population::dag ? "dag" : "non_dag";
}

std::string_view to_string(Cohort cohort) {
  return cohort == Cohort::none ? "none" : word_of(kCohortWords, cohort);
}

std::optional<Status> parse_status(std::string_view word) {
  return value_in_any_case(kStatusWords, word);
}

}  // namespace dagloop
