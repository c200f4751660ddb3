// Records for tests: a LogRecord with its own text, and sensible values for what a test leaves out.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "dagloop/base/time.hpp"
#include "dagloop/record/record.hpp"
#include "dagloop/record/unread_line.hpp"

namespace dagloop::test {

/// A record that owns its text; view() lends it out as the reader would.
struct OwnedRecord {
  std::string run = "r1";
  std::string node;  // empty: a run record
  std::string error_code;
  std::string plan_source;
  bool is_request = false;
  Status status = Status::succeeded;
  CompensationStatus compensation = CompensationStatus::none;
  Population population = Population::dag;
  Cohort cohort = Cohort::none;
  bool verification = false;
  bool fallback = false;
  bool reuse = false;
  std::uint32_t attempt = 1;
  TimePoint at;
  std::optional<double> duration_ms;
  std::uint64_t fanout_total = 0;
  std::uint64_t fanout_failed = 0;
  std::string pipeline;
  std::string user;
  std::string request;                // beside the run's own id
  std::optional<std::uint32_t> item;  // of a fan-out
  bool undoes = false;                // a node of type compensation
  std::optional<std::uint64_t> tokens;
  std::optional<std::uint64_t> cost;
  UnreadBits lacks = 0;    // decisive fields that could not be read
  bool is_unread = false;  // a malformed line that shows run, cohort, node and time

  LogRecord view() const {
    LogRecord record;
    record.run_key = run;
    record.run_key_is_request = is_request;
    record.user_id = user;
    record.request_id = is_request ? run : request;
    record.node_id = node;
    record.error_code = error_code;
    record.plan_source = plan_source;
    record.is_node_record = !node.empty();
    record.status = status;
    record.compensation = compensation;
    record.population = population;
    record.cohort = cohort;
    record.has_verification_reason = verification;
    record.has_fallback_reason = fallback;
    record.idempotent_reuse = reuse;
    record.attempt = attempt;
    record.created_at = at;
    record.duration_ms = duration_ms;
    record.fanout_total = fanout_total;
    record.fanout_failed = fanout_failed;
    record.pipeline_id = pipeline;
    record.fanout_index = item;
    record.is_compensation = undoes && !node.empty();
    record.tokens_out = tokens;
    record.cost_micros = cost;
    record.unread = lacks;
    return record;
  }

  UnreadLine unread() const {
    UnreadLine line;
    line.reason = RejectReason::unknown_status;
    line.run_key = run;
    line.run_key_is_request = is_request;
    line.cohort = cohort;
    line.created_at = at;
    line.may_be_attempt = !node.empty();
    return line;
  }

  /// Bytes that stand for the record's line: equal exactly for equal records.
  std::string line() const {
    std::string text = run + "|" + node + "|" + error_code + "|" + plan_source + "|" + pipeline +
                       "|" + user + "|" + request;
    for (const std::int64_t part :
         {std::int64_t{is_request}, static_cast<std::int64_t>(status),
          static_cast<std::int64_t>(compensation), static_cast<std::int64_t>(population),
          static_cast<std::int64_t>(cohort), std::int64_t{verification}, std::int64_t{fallback},
          std::int64_t{reuse}, std::int64_t{attempt}, std::int64_t{at.time_since_epoch().count()},
          std::bit_cast<std::int64_t>(duration_ms.value_or(-1)),
          static_cast<std::int64_t>(fanout_total), static_cast<std::int64_t>(fanout_failed),
          item ? std::int64_t{*item} : -1, std::int64_t{undoes},
          tokens ? static_cast<std::int64_t>(*tokens) : -1,
          cost ? static_cast<std::int64_t>(*cost) : -1, std::int64_t{lacks},
          std::int64_t{is_unread}}) {
      text += "|" + std::to_string(part);
    }
    return text;
  }
};

/// 2026-02-25T00:00:00Z plus some minutes: where most tests play.
inline TimePoint at_minute(int minute) {
  return *parse_time("2026-02-25T00:00:00Z") + std::chrono::minutes(minute);
}

/// A run record that ended at a minute.
inline OwnedRecord make_record(std::string run, int minute, Status status = Status::succeeded) {
  OwnedRecord record;
  record.run = std::move(run);
  record.at = at_minute(minute);
  record.status = status;
  return record;
}

/// A node record that ended at a minute.
inline OwnedRecord make_node_record(std::string run, std::string node, int minute,
                                    Status status = Status::succeeded) {
  OwnedRecord record = make_record(std::move(run), minute, status);
  record.node = std::move(node);
  return record;
}

}  // namespace dagloop::test
