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

// A word's digit. Each word is compared once, and the usual ones first.
std::string word_digit(const std::string& text, const WordNumbers& words, std::int64_t unknown,
                       int place) {
  std::string found = "CASE " + text;
  for (const auto& [word, number] : words) {
    found += fmt::format(" WHEN '{}' THEN {}", word, shifted(number, place));
  }
  return fmt::format("{} WHEN '' THEN 0 ELSE CASE WHEN {} IS NULL THEN 0 ELSE {} END END", found,
                     text, shifted(unknown, place));
}

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

std::string duration_digit(const std::string& duration) {
  const std::string byte = "get_byte(float8send(" + duration + "), ";
  const std::string bits = fmt::format("1 + {0}0) * 2048 + {0}1) * 8 + {0}2) / 32", byte);
  return fmt::format(
      "CASE WHEN {0} >= {1:.1f} AND {0} < {2:.1f} THEN {3} ELSE CASE WHEN {0} IS NULL THEN 0 WHEN "
      "{0} = 0 THEN 1 WHEN {0} < 0 THEN CASE WHEN {0} = '-Infinity' THEN {4} ELSE {5} END WHEN {0} "
      ">= 'Infinity' THEN {4} ELSE {6} END END",
      duration, std::ldexp(1.0, kFirstRunOctave), std::ldexp(1.0, kEndOctave),
      octaves(duration, kFirstRunOctave, kEndOctave), packed::kNotFinite, packed::kNegative, bits);
}

// The population, and whether the row has a key at all.
std::string key_digit(const Expressions& row) {
  const std::string mode = row.text("execution_mode");
  const std::string other = shifted(1, packed::kPopulation);
  const std::string by_mode = "CASE " + mode + " WHEN 'dag' THEN 0 WHEN 'pipeline_dag' THEN 0";
  return fmt::format(
      "CASE WHEN {0} <> '' THEN {1} WHEN '' THEN 0 ELSE CASE WHEN {2} IS NULL THEN 0 ELSE {3} END "
      "END WHEN {4} <> '' THEN {1} ELSE {3} END ELSE {5} END",
      row.text("pipeline_run_id"), by_mode, mode, other, row.text("request_id"),
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

// Whether a count is out of its range: that of any of them is that of their bits together.
std::string number_digit(const Expressions& row) {
  std::string bits;
  for (const char* field : {"fanout_total", "fanout_failed"}) {
    if (!row.has(field)) continue;
    bits += (bits.empty() ? "" : " | ") + fmt::format("coalesce({}, 0)", row.value(field, "int8"));
  }
  std::string bad;
  if (!bits.empty()) bad = fmt::format("({}) NOT BETWEEN 0 AND {}", bits, kMaxCountSql);
  if (row.has("attempt")) {
    bad += (bad.empty() ? "" : " OR ") +
           fmt::format("{} NOT BETWEEN 1 AND {}", row.value("attempt", "int8"), kMaxAttemptSql);
  }
  if (bad.empty()) return "";
  return fmt::format(" + CASE WHEN {} THEN {} ELSE 0 END", bad, shifted(1, packed::kBadNumber));
}

std::string node_digit(const Expressions& row) {
  if (!row.has("node_id")) return "";
  return fmt::format(" + CASE WHEN {} <> '' AND {} IS DISTINCT FROM 'pipeline' THEN {} ELSE 0 END",
                     row.text("node_id"), row.text("node_type"), shifted(1, packed::kNode));
}

// One row of the table, in what it is grouped by and what is counted of it.
std::string packed_record_rows(const PostgresTable& table, const Mapping& mapping,
                               const LogQuery& query) {
  const Expressions row(table, mapping);
  std::string from = table.name + time_filter(table, mapping, query);
  std::string at = row.value("created_at", "timestamptz");
  std::string duration = row.value("duration_ms", "float8");
  // What has to be turned into another type is turned once. OFFSET 0 keeps it apart.
  const bool is_foreign = row.type("created_at") != "timestamptz" ||
                          (row.has("duration_ms") && row.type("duration_ms") != "float8");
  if (is_foreign) {
    from = fmt::format("(SELECT *, {} AS {}, {} AS {} FROM {} OFFSET 0) AS rows", at, kTimeColumn,
                       duration, kDurationColumn, from);
    at = kTimeColumn;
    duration = kDurationColumn;
  }
  const std::string plan = row.text("plan_source");
  const std::string code = row.text("error_code");
  return fmt::format(
      "SELECT {status} + {cohort} + {compensation} + {key}{number}{node} + {time} + {duration} + "
      "CASE WHEN {code} <> '' THEN {has_code} ELSE 0 END AS kind, CASE WHEN {code} <> '' THEN "
      "char_length(coalesce({plan}, '')) || ':' || coalesce({plan}, '') || {code} ELSE {plan} END "
      "AS names, {verification} <> '' AS unverified, {fallback} <> '' AS fallback, {reused} AS "
      "reused, {failed} AS failed, {total} AS total, {at} AS at FROM {from} OFFSET 0",
      fmt::arg("status", word_digit(row.text("status"), status_words(), packed::kUnknownStatus,
                                    packed::kStatus)),
      fmt::arg("cohort", word_digit(row.text("cohort"), cohort_words(), packed::kUnknownCohort,
                                    packed::kCohort)),
      fmt::arg("compensation", word_digit(row.text("compensation_status"), compensation_words(),
                                          packed::kUnknownCompensation, packed::kCompensation)),
      fmt::arg("key", key_digit(row)), fmt::arg("number", number_digit(row)),
      fmt::arg("node", node_digit(row)), fmt::arg("time", time_digit(at, query)),
      fmt::arg("duration", row.has("duration_ms") ? duration_digit(duration) : std::string("0")),
      fmt::arg("code", code), fmt::arg("has_code", shifted(1, packed::kHasCode)),
      fmt::arg("plan", plan), fmt::arg("verification", row.text("verification_reason")),
      fmt::arg("fallback", row.text("fallback_reason")),
      fmt::arg("reused", row.value("idempotent_reuse", "bool")),
      fmt::arg("failed", row.value("fanout_failed", "int8")),
      fmt::arg("total", row.value("fanout_total", "int8")), fmt::arg("at", at),
      fmt::arg("from", from));
}

}  // namespace

std::string packed_runs_query(const PostgresTable& table, const Mapping& mapping,
                              const LogQuery& query) {
  const std::string has_code = fmt::format("kind / {} % 2 = 1", shifted(1, packed::kHasCode));
  const std::string is_counted = fmt::format("kind / {} % 2 = 0", shifted(1, packed::kBadNumber));
  const std::string has_time =
      fmt::format("kind >= {}", shifted(packed::kFirstSpan, packed::kTime));
  const std::string length = "split_part(names, ':', 1)::int";
  return fmt::format(
      "SELECT kind, CASE WHEN {has_code} THEN substr(names, position(':' IN names) + 1, {length}) "
      "ELSE names END, CASE WHEN {has_code} THEN substr(names, position(':' IN names) + 1 + "
      "{length}) END, runs, unverified, fallback, reused, CASE WHEN {is_counted} THEN "
      "coalesce(failed, 0) ELSE 0 END, CASE WHEN {is_counted} THEN coalesce(total, 0) ELSE 0 END, "
      "CASE WHEN {has_time} THEN (extract(epoch FROM newest) * 1000000)::int8 ELSE -1 END FROM "
      "(SELECT kind, names, count(*) AS runs, count(*) FILTER (WHERE unverified) AS unverified, "
      "count(*) FILTER (WHERE fallback) AS fallback, count(*) FILTER (WHERE reused) AS reused, "
      "sum(failed) AS failed, sum(total) AS total, max(at) AS newest FROM ({rows}) AS rows GROUP "
      "BY kind, names) AS groups",
      fmt::arg("has_code", has_code), fmt::arg("length", length),
      fmt::arg("is_counted", is_counted), fmt::arg("has_time", has_time),
      fmt::arg("rows", packed_record_rows(table, mapping, query)));
}

}  // namespace dagloop
