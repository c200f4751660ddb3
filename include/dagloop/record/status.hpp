// How a run ended, and which runs it is counted with. Values; their words stand in
// record/contract_words.hpp.
#pragma once

#include <array>
#include <cstdint>

namespace dagloop {

/// How a run or an attempt ended, or that it has not.
enum class Status : std::uint8_t {
  succeeded,
  failed,
  manual_required,
  cancelled,
  skipped,
  running,
  pending,
  compensating,
};

/// Outcome of a saga's compensation, by severity: of several the greatest counts. `none` where the
/// record says nothing.
enum class CompensationStatus : std::uint8_t {
  none,
  not_required,
  completed,
  failed,
  manual_required
};

/// DAG runs and all other paths are never mixed.
enum class Population : std::uint8_t { dag, non_dag };

/// Which arm of a gradual rollout a run belongs to.
enum class Cohort : std::uint8_t { none, canary, control };

/// Returns whether a run with `status` is over (it counts in denominators). Final statuses stand
/// first in Status: databases compare their numbers.
constexpr bool is_final(Status status) { return status <= Status::skipped; }

/// Returns whether an attempt with `status` is over and makes its run fail.
constexpr bool ended_badly(Status status) {
  return is_final(status) && status != Status::succeeded && status != Status::skipped;
}

/// The classes of the contract.
enum class ErrorClass : std::uint8_t {
  auth,
  server,
  timeout,
  rate_limit,
  validation,
  llm,
  verification,
  compensation,
  other,
};

/// What of an error code counts beside its label.
struct CodeClass {
  ErrorClass error_class = ErrorClass::other;
  bool is_named = false;  // as LabelledCode
};

/// All classes, in the contract's order.
inline constexpr std::array kErrorClasses{
    ErrorClass::auth,         ErrorClass::server,       ErrorClass::timeout,
    ErrorClass::rate_limit,   ErrorClass::validation,   ErrorClass::llm,
    ErrorClass::verification, ErrorClass::compensation, ErrorClass::other};

}  // namespace dagloop
