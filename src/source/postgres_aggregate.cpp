#include "source/postgres_aggregate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "source/postgres_expressions.hpp"

namespace dagloop {
namespace {

// Buckets of DurationHistogram from 2^-10 ms to 2^33 ms (99 days): 128 an octave.
constexpr int kFirstOctave = -10;
constexpr int kOctaves = 43;
constexpr int kFirstBucket = (kExponentBias + kFirstOctave) * kBucketsAnOctave;

std::string number(RejectReason reason) { return std::to_string(static_cast<int>(reason)); }

// A word's number: its place in `words` from `first`, 0 where it is absent, NULL where it is
// unknown. The usual words stand first, for they are compared one after the other.
std::string number_of(const std::string& text, const WordNumbers& words) {
  std::string found = "CASE " + text;
  for (const auto& [word, number] : words) {
    found += " WHEN '" + std::string(word) + "' THEN " + std::to_string(number);
  }
  return found + " WHEN '' THEN 0 ELSE CASE WHEN " + text + " IS NULL THEN 0 END END";
}

std::string postgres_status(const std::string& text) { return number_of(text, status_words()); }

std::string compensation_of(const std::string& text) {
  return number_of(text, compensation_words());
}

std::string cohort_of(const std::string& text) { return number_of(text, cohort_words()); }

std::string postgres_reason(const Expressions& row, const LogQuery& query) {
  const std::string at = row.value("created_at", "timestamptz");
  const std::string duration = row.value("duration_ms", "float8");
  const std::string attempt = row.value("attempt", "int8");
  const std::string total = row.value("fanout_total", "int8");
  const std::string failed = row.value("fanout_failed", "int8");
  const std::string status = postgres_status(row.text("status"));
  const auto when = [](const std::string& condition, RejectReason reason) {
    return " WHEN " + condition + " THEN " + number(reason);
  };
  const std::string out_of_range = duration + " < 0 OR " + attempt + " < 1 OR " + attempt + " > " +
                                   kMaxAttemptSql + " OR " + total + " < 0 OR " + total + " > " +
                                   kMaxCountSql + " OR " + failed + " < 0 OR " + failed + " > " +
                                   kMaxCountSql;
  // In the order of build_record(). A number that is none is text in JSON.
  return "CASE" +
         when(duration + " = 'NaN' OR " + duration + " = 'Infinity' OR " + duration +
                  " = '-Infinity'",
              RejectReason::wrong_type) +
         when(at + " IS NULL", RejectReason::missing_created_at) +
         when(status + " = 0", RejectReason::missing_status) +
         when("(" + row.text("pipeline_run_id") + " <> '') IS NOT TRUE AND (" +
                  row.text("request_id") + " <> '') IS NOT TRUE",
              RejectReason::missing_run_id) +
         when(status + " IS NULL", RejectReason::unknown_status) +
         when(compensation_of(row.text("compensation_status")) + " IS NULL OR " +
                  cohort_of(row.text("cohort")) + " IS NULL",
              RejectReason::unknown_value) +
         when(at + " >= '10000-01-01'", RejectReason::bad_time) +
         when(out_of_range, RejectReason::bad_number) +
         when(at + " > " + time_literal(query.latest), RejectReason::future_time) + " END";
}

// The rows of a table in the words of the contract.
std::string counted_record_rows(const PostgresTable& table, const Mapping& mapping,
                                const LogQuery& query) {
  const Expressions row(table, mapping);
  const std::string run_id = row.text("pipeline_run_id");
  const bool has_nodes = table.columns.contains(column_of(mapping, "node_id"));
  const std::string node = has_nodes ? "CASE WHEN " + row.text("node_type") +
                                           " IS DISTINCT FROM 'pipeline' THEN nullif(" +
                                           row.text("node_id") + ", '') END"
                                     : "NULL::text";
  const std::string mode = row.text("execution_mode");
  const bool is_unique = table.unique.contains(column_of(mapping, "pipeline_run_id"));
  const std::string alone = is_unique ? "(" + run_id + " <> '') IS TRUE" : "false";
  return "SELECT " + alone + " AS alone, CASE WHEN " + run_id + " <> '' THEN hashtextextended(" +
         run_id + ", 0) ELSE hashtextextended(" + row.text("request_id") + ", 1) END AS hash, " +
         row.value("created_at", "timestamptz") + " AS at, " + postgres_reason(row, query) +
         " AS reason, (" + run_id + " <> '') IS NOT TRUE AS is_request, coalesce(nullif(" + run_id +
         ", ''), " + row.text("request_id") + ") AS key, " + node + " AS node, coalesce(" +
         row.value("attempt", "int8") + ", 1) AS attempt, " + postgres_status(row.text("status")) +
         " AS status, nullif(" + row.text("error_code") + ", '') AS code, " +
         row.text("plan_source") + " AS plan, " + compensation_of(row.text("compensation_status")) +
         " AS compensation, CASE " + mode +
         " WHEN 'dag' THEN 0 WHEN 'pipeline_dag' THEN 0 ELSE CASE WHEN (" + mode +
         " <> '') IS NOT TRUE AND " + run_id + " <> '' THEN 0 ELSE 1 END END AS population, " +
         cohort_of(row.text("cohort")) + " AS cohort, " + row.text("verification_reason") +
         " <> '' AS unverified, " + row.text("fallback_reason") + " <> '' AS fallback, " +
         row.value("idempotent_reuse", "bool") + " AS reused, " +
         row.value("duration_ms", "float8") + " AS duration, " + row.value("fanout_total", "int8") +
         " AS fanout_total, " + row.value("fanout_failed", "int8") + " AS fanout_failed FROM " +
         table.name + time_filter(table, mapping, query);
}

std::string powers_of_two(int first, int step, int count) {
  std::string list;
  for (int i = 0; i < count; ++i) {
    list += (i == 0 ? "" : ",") + fmt::format("{}", std::ldexp(1.0, first + i * step));
  }
  return "'{" + list + "}'::float8[]";
}

// The bucket of a duration. Scaling by powers of two is exact, so the bucket is, too. Zero and what
// is far from any latency take the bits of the number.
std::string postgres_bucket(const std::string& duration) {
  const std::string octave =
      "width_bucket(" + duration + ", " + powers_of_two(kFirstOctave, 1, kOctaves + 1) + ")";
  const std::string byte = "get_byte(float8send(" + duration + "), ";
  return fmt::format(
      "CASE WHEN {0} >= {5} AND {0} < {6} THEN {1} + {2} * {3} + floor(({0} * ({4})[{2}] - 1) * "
      "{3})::int WHEN {0} <= 0 THEN 0 ELSE {7}0) * 2048 + {7}1) * 8 + {7}2) / 32 END",
      duration, kFirstBucket - kBucketsAnOctave, octave, kBucketsAnOctave,
      powers_of_two(-kFirstOctave, -1, kOctaves), std::ldexp(1.0, kFirstOctave),
      std::ldexp(1.0, kFirstOctave + kOctaves), byte);
}

// Runs that are alike, counted. What is alike is packed into one number and one text: a group costs
// by the column, and the planner multiplies its guesses, so that it would not group by hashing.
std::string grouped(const std::string& kinds) {
  const auto runs_with = [](const std::string& condition, const std::string& name) {
    return ", count(*) FILTER (WHERE " + condition + ") AS " + name;
  };
  const std::string alike =
      "SELECT packed, names, count(*) AS runs" + runs_with("status = 1", "succeeded") +
      runs_with("unverified", "unverified") + runs_with("fallback", "fallback") +
      runs_with("compensation >= 3", "not_compensated") +
      runs_with("compensation >= 2", "compensated") +
      runs_with("manual OR compensation = 4", "manual") + runs_with("reused", "reused") +
      ", coalesce(sum(fanout_failed), 0) AS fanout_failed, coalesce(sum(fanout_total), 0) AS "
      "fanout_total, max(at) AS newest"
      " FROM (" +
      kinds + ") AS kinds GROUP BY packed, names";
  const std::string unpacked =
      "SELECT *, nullif(packed % 262144, 0) - 1 AS bucket, packed / 262144 AS kind, CASE WHEN "
      "packed "
      "/ 262144 % 2 = 1 THEN split_part(names, ':', 1)::int END AS plan_length FROM (" +
      alike + ") AS alike";
  return "SELECT kind / 384 AS span, kind / 192 % 2 AS population, kind / 64 % 3 AS cohort, "
         "nullif(kind / 4 % 16, 15) AS reason, kind / 2 % 2 = 1 AS in_flight, CASE WHEN "
         "plan_length IS NULL THEN names ELSE substr(names, position(':' IN names) + 1, "
         "plan_length) "
         "END AS plan, CASE WHEN plan_length IS NOT NULL THEN substr(names, position(':' IN names) "
         "+ 1 + plan_length) END AS code, bucket, runs, succeeded, unverified, fallback, "
         "not_compensated, compensated, manual, reused, fanout_failed, fanout_total, newest FROM "
         "(" +
         unpacked + ") AS unpacked";
}

// What runs are grouped by, and what is counted of them.
std::string kinds_of(const std::string& runs, const LogQuery& query) {
  return "SELECT ((((((" + span_sql("at", query) +
         ")::int8 * 2 + population) * 3 + coalesce(cohort, 0)) * 16 + coalesce(reason, 15)) * 2 + "
         "coalesce((status > 5)::int, 0)) * 2 + (code IS NOT NULL)::int) * 262144 + CASE WHEN "
         "status "
         "<= 5 AND duration IS NOT NULL THEN 1 + " +
         postgres_bucket("duration") +
         " ELSE 0 END AS packed, CASE WHEN code IS NULL THEN plan ELSE char_length(coalesce(plan, "
         "'')) || ':' || coalesce(plan, '') || code END AS names, status, unverified, fallback, "
         "compensation, manual OR status = 3 AS manual, reused, fanout_failed, fanout_total, at "
         "FROM "
         "(" +
         runs + ") AS runs";
}

// Partial rows of grouped runs; `sign` is -1 for runs that do not stand.
std::string run_rows(const std::string& groups, int sign, bool derived) {
  const std::string times = (sign < 0 ? " * -1" : "");
  const std::string zero = ", 0";
  std::string counts;
  for (const char* name :
       {"runs", "succeeded", "in_flight", "derived", "unverified", "fallback", "not_compensated",
        "compensated", "manual", "reused", "fanout_failed", "fanout_total"}) {
    const std::string_view column = name;
    if (column == "in_flight") {
      counts += ", CASE WHEN in_flight THEN runs" + times + " ELSE 0 END";
    } else if (column == "derived") {
      counts += derived ? ", CASE WHEN in_flight THEN 0 ELSE runs END" : zero;
    } else {
      counts += ", CASE WHEN in_flight THEN 0 ELSE " + std::string(column) + times + " END";
    }
  }
  return "SELECT 'run', span, population, cohort, plan, CASE WHEN NOT in_flight THEN code END, "
         "bucket" +
         counts + " FROM " + groups + " WHERE reason IS NULL";
}

const std::string kNoName = ", 0, 0, 0, NULL, NULL, NULL";

std::string padded(int from) {
  std::string zeros;
  for (int i = from; i < 12; ++i) zeros += ", 0";
  return zeros;
}

// The order in which records of one run stand, as RunTable has it.
constexpr const char* kStanding =
    "at DESC, (status <= 5) DESC, status DESC, coalesce(code, '') COLLATE \"C\" DESC, compensation "
    "DESC, population DESC, cohort DESC, coalesce(unverified, false) DESC, coalesce(fallback, "
    "false) "
    "DESC, coalesce(reused, false) DESC, coalesce(duration, -1) DESC, coalesce(fanout_total, 0) "
    "DESC, coalesce(fanout_failed, 0) DESC, coalesce(plan, '') COLLATE \"C\" DESC";

// The keys of some run records.
std::string hashes(const std::string& condition) {
  return "SELECT hash FROM records WHERE node IS NULL AND " + condition;
}

// What logs with node records take besides: standing runs of nodes, derived runs, attempts.
std::string node_steps(const Mapping& mapping) {
  const std::string outcome = sql_literal(mapping.outcome_node);
  return std::string(R"sql(,
attempts AS NOT MATERIALIZED (SELECT * FROM records WHERE node IS NOT NULL AND reason IS NULL),
standing AS MATERIALIZED (
  SELECT DISTINCT ON (is_request, key) is_request, key, at, population, cohort, status
  FROM records WHERE node IS NULL AND reason IS NULL
    AND (is_request, key) IN (SELECT is_request, key FROM attempts)
  ORDER BY is_request, key, )sql") +
         kStanding + R"sql(),
orphans AS MATERIALIZED (
  SELECT a.*, max(a.at) OVER (PARTITION BY a.is_request, a.key) AS run_end
  FROM attempts a LEFT JOIN standing s ON s.is_request = a.is_request AND s.key = a.key
  WHERE s.key IS NULL),
last_attempts AS (
  SELECT DISTINCT ON (is_request, key, node) is_request, key, node, at, status, code
  FROM orphans
  ORDER BY is_request, key, node, attempt DESC, at DESC, (status <= 5) DESC,
    (status IN (2, 3, 4)) DESC, )sql" +
         kStanding + R"sql(),
deciding AS (
  SELECT *, bool_or(status > 5) OVER run AS in_flight,
    node = )sql" +
         outcome + " OR NOT bool_or(node = " + outcome + R"sql() OVER run AS decides
  FROM last_attempts WINDOW run AS (PARTITION BY is_request, key)),
outcomes AS (
  SELECT is_request, key, bool_or(in_flight) AS in_flight,
    bool_or(decides AND status IN (2, 3, 4)) AS failed,
    (array_agg(code ORDER BY at, node COLLATE "C")
      FILTER (WHERE decides AND status IN (2, 3, 4) AND code IS NOT NULL))[1] AS code
  FROM deciding GROUP BY is_request, key),
unions AS (
  SELECT is_request, key, max(at) AS at, min(population) AS population,
    CASE WHEN bool_or(cohort = 1) THEN 1 ELSE max(cohort) END AS cohort,
    bool_or(unverified) AS unverified, bool_or(fallback) AS fallback, bool_or(reused) AS reused,
    bool_or(status = 3) AS manual, max(compensation) AS compensation,
    sum(fanout_total)::int8 AS fanout_total, sum(fanout_failed)::int8 AS fanout_failed,
    (array_agg(plan ORDER BY at DESC, plan COLLATE "C") FILTER (WHERE plan <> ''))[1] AS plan,
    CASE WHEN count(duration) > 0 THEN
      max((extract(epoch FROM run_end - at) * 1000000)::int8::float8 / 1000
          + greatest(coalesce(duration, 0), 0)) END AS duration
  FROM orphans GROUP BY is_request, key),
derived AS MATERIALIZED (
  SELECT u.is_request, u.key, u.at, NULL::int AS reason, u.population, u.cohort,
    CASE WHEN o.in_flight THEN 6 WHEN o.failed THEN 2 ELSE 1 END AS status, o.code, u.plan,
    u.compensation, u.unverified, u.fallback, u.reused, u.manual, u.duration, u.fanout_total,
    u.fanout_failed
  FROM unions u JOIN outcomes o ON o.is_request = u.is_request AND o.key = u.key),
runs_of_nodes AS (
  SELECT is_request, key, at, population, cohort FROM standing WHERE status <= 5
  UNION ALL SELECT is_request, key, at, population, cohort FROM derived WHERE status <= 5))sql";
}

std::string node_rows(const LogQuery& query) {
  const std::string span = span_sql("r.at", query);
  const std::string join =
      " JOIN runs_of_nodes r ON r.is_request = a.is_request AND r.key = a.key GROUP BY ";
  return "\nUNION ALL SELECT 'node', " + span +
         ", r.population, r.cohort, a.node, NULL, bucket, sum(count), sum(failed), sum(retries), "
         "sum(retries_succeeded), 0" +
         padded(5) + " FROM (SELECT is_request, key, node, " + postgres_bucket("duration") +
         " AS bucket, count(*) AS count, count(*) FILTER (WHERE status = 2) AS failed, count(*) "
         "FILTER (WHERE attempt > 1) AS retries, count(*) FILTER (WHERE attempt > 1 AND status = "
         "1) AS retries_succeeded FROM attempts GROUP BY 1, 2, 3, 4) a" +
         join + "2, 3, 4, 5, 7" + "\nUNION ALL SELECT 'node', " + span +
         ", r.population, r.cohort, a.node, NULL, NULL, 0, 0, 0, 0, count(*)" + padded(5) +
         " FROM (SELECT DISTINCT is_request, key, node FROM attempts) a" + join + "2, 3, 4, 5";
}

std::string records_of(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                       const LogQuery& query) {
  std::string records;
  for (const PostgresTable& table : tables) {
    records +=
        (records.empty() ? "" : "\n  UNION ALL ") + counted_record_rows(table, mapping, query);
  }
  return records;
}

}  // namespace

bool have_nodes(const std::vector<PostgresTable>& tables, const Mapping& mapping) {
  return std::ranges::any_of(tables, [&](const PostgresTable& table) {
    return table.columns.contains(column_of(mapping, "node_id"));
  });
}

bool can_aggregate(const std::vector<PostgresTable>& tables, const SourceOptions& options) {
  const Mapping& mapping = options.mapping;
  if (options.dedupe != Dedupe::runs || mapping.created_at_marks != CreatedAtMarks::end) {
    return false;
  }
  for (const auto& [field, place] : mapping.fields) {
    if (place.source != FieldSource::column) return false;
    if (!place.aliases.empty() && !is_text_field(field)) return false;
  }
  for (const PostgresTable& table : tables) {
    for (const std::string_view field : contract_fields()) {
      const auto column = table.columns.find(column_of(mapping, std::string(field)));
      if (column != table.columns.end() && !column_types_of(field).contains(column->second))
        return false;
    }
  }
  return true;
}

std::string repetition_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                             const LogQuery& query) {
  return "WITH records AS NOT MATERIALIZED (" + records_of(tables, mapping, query) +
         ") SELECT count(hash) > count(DISTINCT hash) FROM (" + hashes("true") + ") AS keys";
}

std::string repeated_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                           const LogQuery& query) {
  return "WITH records AS NOT MATERIALIZED (" + records_of(tables, mapping, query) +
         ") SELECT hash FROM (" + hashes("NOT alone") +
         ") AS others GROUP BY hash HAVING count(*) > 1 UNION ALL SELECT hash FROM (" +
         hashes("alone") + ") AS most WHERE hash IN (" + hashes("NOT alone AND NOT is_request") +
         ")";
}

std::string settling_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                           const LogQuery& query, const std::string& repeated) {
  const bool has_nodes = have_nodes(tables, mapping);
  // Hashes are compared before anything else is looked at. OFFSET 0 keeps that apart.
  const std::string again = repeated.empty()
                                ? "SELECT * FROM records WHERE false"
                                : "SELECT * FROM records WHERE hash IN (" + repeated + ") OFFSET 0";
  std::string text = "WITH records AS NOT MATERIALIZED (" + records_of(tables, mapping, query) +
                     "),\nlosers AS MATERIALIZED (SELECT * FROM (SELECT *, false AS manual, "
                     "row_number() OVER (PARTITION BY is_request, key ORDER BY " +
                     kStanding + ") AS place FROM (" + again +
                     ") AS again WHERE node IS NULL AND reason IS NULL) p WHERE place > 1)";
  if (has_nodes) text += node_steps(mapping);
  text +=
      "\n" +
      run_rows("(" + grouped(kinds_of("SELECT * FROM losers", query)) + ") AS lost", -1, false) +
      "\nUNION ALL SELECT 'input'" + kNoName + ", 0, 0, count(*), -1" + padded(4) + " FROM losers";
  if (has_nodes) {
    const std::string derived = grouped(kinds_of("SELECT * FROM derived", query));
    text += "\nUNION ALL " + run_rows("(" + derived + ") AS derived_groups", 1, true) +
            node_rows(query);
  }
  return text;
}

}  // namespace dagloop
