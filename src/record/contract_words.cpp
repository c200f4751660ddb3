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

bool takes_numbers(Field field) {
  switch (field) {
    case Field::request_id:
    case Field::user_id:
    case Field::pipeline_run_id:
    case Field::node_id:
    case Field::node_type:
    case Field::plan_source:
    case Field::idempotency_key:
    case Field::policy_version:
    case Field::pipeline_id:
      return true;
    default:
      return false;
  }
}

std::optional<Status> parse_status(std::string_view word) {
  return value_in_any_case(kStatusWords, word);
}

}  // namespace dagloop
