#include "dagloop/record/record.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace dagloop {
namespace {

const std::string kStatuses[] = {"succeeded", "failed",  "manual_required", "cancelled",
                                 "skipped",   "running", "pending",         "compensating"};

TEST_CASE("each status of the contract is read and printed as the same word") {
  for (const std::string& word : kStatuses) {
    const auto status = parse_status(word);
    REQUIRE(status.has_value());
    CHECK(to_string(*status) == word);
  }
}

TEST_CASE("status aliases are folded into the contract's words") {
  CHECK(parse_status("success") == Status::succeeded);
  CHECK(parse_status("ok") == Status::succeeded);
  CHECK(parse_status("error") == Status::failed);
  CHECK(parse_status("Succeeded") == Status::succeeded);
  CHECK(parse_status("TIMED_OUT") == Status::failed);
  CHECK(parse_status(" ok ") == Status::succeeded);
}

TEST_CASE("a status outside the contract is not guessed") {
  for (const char* word : {"", " ", "sideways", "o k", "fail", "finished"}) {
    CHECK_FALSE(parse_status(word).has_value());
  }
}

TEST_CASE("exactly running, pending and compensating are not final") {
  const std::set<std::string> open{"running", "pending", "compensating"};
  for (const std::string& word : kStatuses) {
    CHECK(is_final(parse_status(word).value()) == !open.contains(word));
  }
}

TEST_CASE("compensation, population and cohort print the contract's words") {
  CHECK(to_string(CompensationStatus::none) == "none");
  CHECK(to_string(CompensationStatus::not_required) == "not_required");
  CHECK(to_string(CompensationStatus::completed) == "completed");
  CHECK(to_string(CompensationStatus::failed) == "failed");
  CHECK(to_string(CompensationStatus::manual_required) == "manual_required");
  CHECK(to_string(Population::dag) == "dag");
  CHECK(to_string(Population::non_dag) == "non_dag");
  CHECK(to_string(Cohort::none) == "none");
  CHECK(to_string(Cohort::canary) == "canary");
  CHECK(to_string(Cohort::control) == "control");
}

}  // namespace
}  // namespace dagloop
