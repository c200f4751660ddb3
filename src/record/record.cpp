#include "dagloop/record/record.hpp"

#include <array>
#include <utility>

namespace dagloop {
namespace {

constexpr std::array<std::pair<std::string_view, Status>, 11> kStatusWords{{
    {"succeeded", Status::succeeded},
    {"failed", Status::failed},
    {"manual_required", Status::manual_required},
    {"cancelled", Status::cancelled},
    {"skipped", Status::skipped},
    {"running", Status::running},
    {"pending", Status::pending},
    {"compensating", Status::compensating},
    {"success", Status::succeeded},
    {"ok", Status::succeeded},
    {"error", Status::failed},
}};

}  // namespace

std::string_view to_string(Status status) {
  // The contract's words stand first, so the first hit is never an alias.
  for (const auto& [word, value] : kStatusWords) {
    if (value == status) return word;
  }
  return "";
}

std::string_view to_string(CompensationStatus status) {
  switch (status) {
    case CompensationStatus::none:
      return "none";
    case CompensationStatus::not_required:
      return "not_required";
    case CompensationStatus::completed:
      return "completed";
    case CompensationStatus::failed:
      return "failed";
    case CompensationStatus::manual_required:
      return "manual_required";
  }
  return "";
}

std::string_view to_string(Population population) {
  return population == Population::dag ? "dag" : "non_dag";
}

std::string_view to_string(Cohort cohort) {
  switch (cohort) {
    case Cohort::none:
      return "none";
    case Cohort::canary:
      return "canary";
    case Cohort::control:
      return "control";
  }
  return "";
}

std::optional<Status> parse_status(std::string_view word) {
  if (word == "succeeded") return Status::succeeded;  // as most are
  for (const auto& [known, value] : kStatusWords) {
    if (known == word) return value;
  }
  return std::nullopt;
}

bool is_final(Status status) {
  return status != Status::running && status != Status::pending && status != Status::compensating;
}

}  // namespace dagloop
