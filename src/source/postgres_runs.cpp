#include "source/postgres_runs.hpp"

#include <fmt/format.h>

#include <cmath>

#include "source/postgres_expressions.hpp"

namespace dagloop {
namespace {

// Durations that are looked up: from 1 ms to 17 minutes. Others take the bits of the number.
constexpr int kFirstRunOctave = 0;
constexpr int kEndOctave = 20;

constexpr const char* kDurationColumn = "dagloop_duration";
constexpr const char* kTimeColumn = "dagloop_at";

std::string shifted(std::int64_t value, int place) { return std::to_string(value << place); }

// The buckets of the octaves from `first` up to `end`, by halving. Scaling by powers of two is
// exact, and so is the difference of two numbers of one octave: so the bucket is, too.
std::string octaves(const std::string& duration, int first, int end) {
  if (end - first == 1) {
    const int before = (kExponentBias + first) * kBucketsAnOctave;  // width_bucket counts from 1
    return fmt::format("{} + width_bucket({}, {:.1f}, {:.1f}, {})", before, duration,
                       std::ldexp(1.0, first), std::ldexp(1.0, end), kBucketsAnOctave);
  }
  const int middle = (first + end) / 2;
  return fmt::format("CASE WHEN {} < {:.1f} THEN {} ELSE {} END", duration, std::ldexp(1.0, middle),
                     octaves(duration, first, middle), octaves(duration, middle, end));
}

// The population, and whether the row has a key at all.
std::string key_digit(const Expressions& row) {
  // As in build_record(): a run's record without a mode is of the DAG path, a request's is not.
  const std::string mode = row.text(Field::execution_mode);
  const std::int64_t other = std::int64_t{1} << packed::kPopulation;
  return fmt::format("CASE WHEN {} <> '' THEN {} WHEN {} <> '' THEN {} ELSE {} END",
                     row.text(Field::pipeline_run_id), mode_digit(mode, other, "0"),
                     row.text(Field::request_id), mode_digit(mode, other, std::to_string(other)),
                     shifted(1, packed::kNoKey));
}

std::string time_digit(const std::string& at, const LogQuery& query) {
  const std::string future = fmt::format("CASE WHEN {0} >= '10000-01-01' THEN {1} ELSE {2} END", at,
                                         shifted(packed::kBadTime, packed::kTime),
                                         shifted(packed::kFutureTime, packed::kTime));
  std::string digit =
      fmt::format("CASE WHEN {} > {} THEN {}", at, time_literal(query.latest), future);
  if (query.cuts.empty()) {
    return fmt::format("{} WHEN {} IS NULL THEN 0 ELSE ({} + {}) * {}::int8 END", digit, at,
                       span_sql(at, query), packed::kFirstSpan, shifted(1, packed::kTime));
  }
  for (std::size_t i = query.cuts.size(); i > 0; --i) {
    digit += fmt::format(" WHEN {} >= {} THEN {}", at, time_literal(query.cuts[i - 1]),
                         shifted(static_cast<std::int64_t>(i) + packed::kFirstSpan, packed::kTime));
  }
  const std::string before = shifted(packed::kFirstSpan, packed::kTime);
  return fmt::format("{} ELSE CASE WHEN {} IS NULL THEN 0 ELSE {} END END", digit, at, before);
}

std::string number_digit(const Expressions& row) {
  const std::string bad = row.out_of_range();
  if (bad.empty()) return "";
  return fmt::format(" + CASE WHEN {} THEN {} ELSE 0 END", bad, shifted(1, packed::kBadNumber));
}

std::string node_digit(const Expressions& row) {
  if (!row.has(Field::node_id)) return "";
  return fmt::format(" + CASE WHEN {} <> '' AND {} IS DISTINCT FROM '{}' THEN {} ELSE 0 END",
                     row.text(Field::node_id), row.text(Field::node_type), kRunNodeType,
                     shifted(1, packed::kNode));
}

// What a group is named by, in one text: a group costs by the column, and the planner multiplies
// its guesses, so that it would not group by hashing.
std::string names_of(const std::string& plan, const std::string& code) {
  return fmt::format(
      "CASE WHEN {1} <> '' THEN char_length(coalesce({0}, '')) || ':' || coalesce({0}, '') || {1} "
      "ELSE {0} END",
      plan, code);
}

std::string code_digit(const std::string& code) {
  return fmt::format("CASE WHEN {} <> '' THEN {} ELSE 0 END", code, shifted(1, packed::kHasCode));
}

// One row of the table, in what it is grouped by and what is counted of it.
std::string packed_record_rows(const PostgresTable& table, const Mapping& mapping,
                               const LogQuery& query) {
  const Expressions row(table, mapping);
  std::string from = table.name + time_filter(table, mapping, query);
  std::string at = row.value(Field::created_at, "timestamptz");
  std::string duration = row.value(Field::duration_ms, "float8");
  // What has to be turned into another type is turned once. OFFSET 0 keeps it apart.
  const bool is_foreign = row.type(Field::created_at) != "timestamptz" ||
                          (row.has(Field::duration_ms) && row.type(Field::duration_ms) != "float8");
  if (is_foreign) {
    from = fmt::format("(SELECT *, {} AS {}, {} AS {} FROM {} OFFSET 0) AS rows", at, kTimeColumn,
                       duration, kDurationColumn, from);
    at = kTimeColumn;
    duration = kDurationColumn;
  }
  const std::string plan = row.text(Field::plan_source);
  const std::string code = row.text(Field::error_code);
  return fmt::format(
      "SELECT {status} + {cohort} + {compensation} + {key}{number}{node} + {time} + {duration} + "
      "{code} AS kind, {names} AS names, {verification} <> '' AS unverified, {fallback} <> '' AS "
      "fallback, {reused} AS "
      "reused, {failed} AS failed, {total} AS total, {at} AS at FROM {from} OFFSET 0",
      fmt::arg("status", word_digit(row.text(Field::status), packed::digits_of(kStatusWords),
                                    packed::kUnknownStatus, packed::kStatus)),
      fmt::arg("cohort", word_digit(row.text(Field::cohort), packed::digits_of(kCohortWords),
                                    packed::kUnknownCohort, packed::kCohort)),
      fmt::arg("compensation", word_digit(row.text(Field::compensation_status),
                                          packed::digits_of(kCompensationWords),
                                          packed::kUnknownCompensation, packed::kCompensation)),
      fmt::arg("key", key_digit(row)), fmt::arg("number", number_digit(row)),
      fmt::arg("node", node_digit(row)), fmt::arg("time", time_digit(at, query)),
      fmt::arg("duration",
               row.has(Field::duration_ms) ? duration_digit(duration) : std::string("0")),
      fmt::arg("code", code_digit(code)), fmt::arg("names", names_of(plan, code)),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.value(Field::idempotent_reuse, "bool")),
      fmt::arg("failed", row.value(Field::fanout_failed, "int8")),
      fmt::arg("total", row.value(Field::fanout_total, "int8")), fmt::arg("at", at),
      fmt::arg("from", from));
}

// The answer's rows of packed ones.
std::string packed_groups(PackedUse use, const std::string& rows) {
  // The two names were joined into one text, with the length of the first in front: any character
  // may stand in either.
  const std::string has_code = fmt::format("kind / {} % 2 = 1", shifted(1, packed::kHasCode));
  const std::string is_counted = fmt::format("kind / {} % 2 = 0", shifted(1, packed::kBadNumber));
  const std::string has_time =
      fmt::format("kind >= {}", shifted(packed::kFirstSpan, packed::kTime));
  const std::string length = "split_part(names, ':', 1)::int";
  return fmt::format(
      "SELECT '{word}', kind, 0, 0, CASE WHEN {has_code} THEN substr(names, position(':' IN names) "
      "+ 1, {length}) ELSE names END, CASE WHEN {has_code} THEN substr(names, position(':' IN "
      "names) + 1 + {length}) END, -1, runs, unverified, fallback, reused, CASE WHEN {is_counted} "
      "THEN coalesce(failed, 0) ELSE 0 END, CASE WHEN {is_counted} THEN coalesce(total, 0) ELSE 0 "
      "END, CASE WHEN {has_time} THEN (extract(epoch FROM newest) * 1000000)::int8 ELSE -1 END "
      "FROM "
      "(SELECT kind, names, count(*) AS runs, count(*) FILTER (WHERE unverified) AS unverified, "
      "count(*) FILTER (WHERE fallback) AS fallback, count(*) FILTER (WHERE reused) AS reused, "
      "sum(failed) AS failed, sum(total) AS total, max(at) AS newest FROM ({rows}) AS rows GROUP "
      "BY kind, names) AS groups",
      fmt::arg("word", word_of(kPackedWords, use)), fmt::arg("has_code", has_code),
      fmt::arg("length", length), fmt::arg("is_counted", is_counted),
      fmt::arg("has_time", has_time), fmt::arg("rows", rows));
}

}  // namespace

std::string duration_digit(const std::string& duration) {
  // Usual durations are looked up among octaves, which is faster; these are the bits of the others.
  const std::string byte = "get_byte(float8send(" + duration + "), ";
  const std::string bits = fmt::format("1 + {0}0) * 2048 + {0}1) * 8 + {0}2) / 32", byte);
  return fmt::format(
      "CASE WHEN {0} >= {1:.1f} AND {0} < {2:.1f} THEN {3} ELSE CASE WHEN {0} IS NULL THEN 0 WHEN "
      "{0} = 0 THEN 1 WHEN {0} < 0 THEN CASE WHEN {0} = '-Infinity' THEN {4} ELSE {5} END WHEN {0} "
      ">= 'Infinity' THEN {4} ELSE {6} END END",
      duration, std::ldexp(1.0, kFirstRunOctave), std::ldexp(1.0, kEndOctave),
      octaves(duration, kFirstRunOctave, kEndOctave), packed::kNotFinite, packed::kNegative, bits);
}

std::string packed_runs_query(const PostgresTable& table, const Mapping& mapping,
                              const LogQuery& query) {
  return packed_groups(PackedUse::rows, packed_record_rows(table, mapping, query));
}

std::string packed_settled_query(PackedUse use, const std::string& runs, const LogQuery& query) {
  const auto digit = [](const char* column, int place) {
    return fmt::format("{} * {}::int8", column, shifted(1, place));
  };
  return packed_groups(
      use, fmt::format("SELECT {} + {} + {} + {} + {} + {} + {} + CASE WHEN manual THEN {} ELSE 0 "
                       "END AS kind, {} AS names, unverified, fallback, reused, fanout_failed AS "
                       "failed, fanout_total AS total, at FROM {} OFFSET 0",
                       digit("status", packed::kStatus), digit("cohort", packed::kCohort),
                       digit("compensation", packed::kCompensation),
                       digit("population", packed::kPopulation), time_digit("at", query),
                       duration_digit("duration"), code_digit("code"), shifted(1, packed::kManual),
                       names_of("plan", "code"), runs));
}

}  // namespace dagloop
