#include "source/postgres_aggregate.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace dagloop {
namespace {

// Buckets of DurationHistogram from 2^-10 ms to 2^33 ms (99 days): 128 an octave.
constexpr int kFirstOctave = -10;
constexpr int kOctaves = 43;
constexpr int kBucketsAnOctave = 128;
constexpr int kExponentBias = 1023;
constexpr int kFirstBucket = (kExponentBias + kFirstOctave) * kBucketsAnOctave;

constexpr const char* kMaxCount = "9007199254740991";  // as in a record
constexpr const char* kMaxAttempt = "4294967295";

std::string number(RejectReason reason) { return std::to_string(static_cast<int>(reason)); }

std::string literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

const std::set<std::string_view> kTexts{"text", "varchar", "uuid"};
const std::set<std::string_view> kIntegers{"int2", "int4", "int8"};
const std::set<std::string_view> kNumbers{"int2", "int4", "int8", "float8", "numeric"};
const std::set<std::string_view> kTimes{"timestamptz", "timestamp", "date"};

// The types that a field's column may have.
const std::set<std::string_view>& types_of(std::string_view field) {
  static const std::set<std::string_view> kTruths{"bool"};
  if (field == "created_at") return kTimes;
  if (field == "duration_ms") return kNumbers;
  if (field == "idempotent_reuse") return kTruths;
  if (field == "attempt" || field == "fanout_total" || field == "fanout_failed") return kIntegers;
  return kTexts;
}

// The columns of one table as expressions of the contract's words.
class Expressions {
 public:
  Expressions(const PostgresTable& table, const Mapping& mapping)
      : table_(table), mapping_(mapping) {}

  // Text; NULL where it is absent or empty.
  std::string text(const std::string& field) const {
    const std::string column = column_of(mapping_, field);
    const auto found = table_.columns.find(column);
    if (found == table_.columns.end()) return "NULL::text";
    const std::string cast = found->second == "text" ? "" : "::text";
    const std::string plain = "nullif(" + quoted_name(column) + cast + ", '')";
    const auto mapped = mapping_.fields.find(field);
    if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return plain;
    std::string words = "nullif(CASE " + plain;
    for (const auto& [foreign, word] : mapped->second.aliases) {
      words += " WHEN " + literal(foreign) + " THEN " + literal(word);
    }
    return words + " ELSE " + plain + " END, '')";
  }

  // A value of another type; NULL where it is absent.
  std::string value(const std::string& field, const std::string& type) const {
    const std::string column = column_of(mapping_, field);
    const auto found = table_.columns.find(column);
    if (found == table_.columns.end()) return "NULL::" + type;
    return quoted_name(column) + (found->second == type ? "" : "::" + type);
  }

 private:
  const PostgresTable& table_;
  const Mapping& mapping_;
};

// Statuses, by their place in Status: the first five are final.
std::string status_of(const std::string& word) {
  return "CASE " + word +
         " WHEN 'succeeded' THEN 0 WHEN 'success' THEN 0 WHEN 'ok' THEN 0 WHEN 'failed' THEN 1"
         " WHEN 'error' THEN 1 WHEN 'manual_required' THEN 2 WHEN 'cancelled' THEN 3"
         " WHEN 'skipped' THEN 4 WHEN 'running' THEN 5 WHEN 'pending' THEN 6"
         " WHEN 'compensating' THEN 7 END";
}

std::string reason_of(const Expressions& row, const LogQuery& query) {
  const std::string at = row.value("created_at", "timestamptz");
  const std::string duration = row.value("duration_ms", "float8");
  const std::string attempt = row.value("attempt", "int8");
  const std::string total = row.value("fanout_total", "int8");
  const std::string failed = row.value("fanout_failed", "int8");
  const auto when = [](const std::string& condition, RejectReason reason) {
    return " WHEN " + condition + " THEN " + number(reason);
  };
  const std::string negative = duration + " < 0 OR " + attempt + " < 1 OR " + attempt + " > " +
                               kMaxAttempt + " OR " + total + " < 0 OR " + total + " > " +
                               kMaxCount + " OR " + failed + " < 0 OR " + failed + " > " +
                               kMaxCount;
  // In the order of build_record(). A number that is none is text in JSON.
  return "CASE" +
         when(duration + " IN ('NaN', 'Infinity', '-Infinity')", RejectReason::wrong_type) +
         when(at + " IS NULL", RejectReason::missing_created_at) +
         when(row.text("status") + " IS NULL", RejectReason::missing_status) +
         when(row.text("pipeline_run_id") + " IS NULL AND " + row.text("request_id") + " IS NULL",
              RejectReason::missing_run_id) +
         when("(" + status_of(row.text("status")) + ") IS NULL", RejectReason::unknown_status) +
         when(row.text("compensation_status") +
                  " NOT IN ('not_required', 'completed', 'failed', 'manual_required') OR " +
                  row.text("cohort") + " NOT IN ('canary', 'control')",
              RejectReason::unknown_value) +
         when(at + " >= '10000-01-01'", RejectReason::bad_time) +
         when(negative, RejectReason::bad_number) +
         when(at + " > " + time_literal(query.latest), RejectReason::future_time) + " END";
}

// The rows of a table in the words of the contract.
std::string rows_of(const PostgresTable& table, const Mapping& mapping, const LogQuery& query) {
  const Expressions row(table, mapping);
  const std::string run_id = row.text("pipeline_run_id");
  const bool has_nodes = table.columns.contains(column_of(mapping, "node_id"));
  const std::string node = has_nodes ? "CASE WHEN " + row.text("node_type") +
                                           " IS DISTINCT FROM 'pipeline' THEN " +
                                           row.text("node_id") + " END"
                                     : "NULL::text";
  const std::string mode = row.text("execution_mode");
  return "SELECT " + row.value("created_at", "timestamptz") + " AS at, " + reason_of(row, query) +
         " AS reason, " + run_id + " IS NULL AS is_request, coalesce(" + run_id + ", " +
         row.text("request_id") + ") AS key, " + node + " AS node, coalesce(" +
         row.value("attempt", "int8") + ", 1) AS attempt, " + status_of(row.text("status")) +
         " AS status, " + row.text("error_code") + " AS code, " + row.text("plan_source") +
         " AS plan, CASE " + row.text("compensation_status") +
         " WHEN 'not_required' THEN 1 WHEN 'completed' THEN 2 WHEN 'failed' THEN 3"
         " WHEN 'manual_required' THEN 4 ELSE 0 END AS compensation, CASE WHEN " +
         mode + " IN ('dag', 'pipeline_dag') OR " + mode + " IS NULL AND " + run_id +
         " IS NOT NULL THEN 0 ELSE 1 END AS population, CASE " + row.text("cohort") +
         " WHEN 'canary' THEN 1 WHEN 'control' THEN 2 ELSE 0 END AS cohort, " +
         row.text("verification_reason") + " IS NOT NULL AS unverified, " +
         row.text("fallback_reason") + " IS NOT NULL AS fallback, coalesce(" +
         row.value("idempotent_reuse", "bool") + ", false) AS reused, " +
         row.value("duration_ms", "float8") + " AS duration, coalesce(" +
         row.value("fanout_total", "int8") + ", 0) AS fanout_total, coalesce(" +
         row.value("fanout_failed", "int8") + ", 0) AS fanout_failed FROM " + table.name +
         time_filter(table, mapping, query);
}

std::string stretch_of(const std::string& at, const LogQuery& query) {
  if (query.cuts.empty()) return "floor(extract(epoch FROM " + at + ") / 300)::int8";
  std::string stretch = "CASE";
  for (std::size_t i = query.cuts.size(); i > 0; --i) {
    stretch +=
        " WHEN " + at + " >= " + time_literal(query.cuts[i - 1]) + " THEN " + std::to_string(i);
  }
  return stretch + " ELSE 0 END";
}

// width_bucket() is exact, for the edges are. What lies outside of them takes the bits.
std::string bucket_of(const std::string& duration) {
  const std::string bits = "float8send(" + duration + ")";
  return "CASE WHEN " + duration + " >= " + "(SELECT edges[1] FROM scale) AND " + duration +
         " < (SELECT top FROM scale) THEN width_bucket(" + duration +
         ", (SELECT edges FROM scale)) + " + std::to_string(kFirstBucket - 1) + " WHEN " +
         duration + " = 0 THEN 0 ELSE get_byte(" + bits + ", 0) * 2048 + get_byte(" + bits +
         ", 1) * 8 + get_byte(" + bits + ", 2) / 32 END";
}

std::string scale() {
  const std::string count = std::to_string(kOctaves * kBucketsAnOctave - 1);
  return "scale AS MATERIALIZED (SELECT array_agg(power(2::float8, " +
         std::to_string(kFirstOctave) +
         " + g / 128) * (1 + (g % 128) / 128::float8) ORDER BY g) AS edges, power(2::float8, " +
         std::to_string(kFirstOctave + kOctaves) + ") AS top FROM generate_series(0, " + count +
         ") g)";
}

// Runs that are alike, counted.
std::string grouped(const std::string& runs, const LogQuery& query) {
  const auto runs_with = [](const std::string& condition) {
    return ", count(*) FILTER (WHERE " + condition + ")";
  };
  return "SELECT " + stretch_of("at", query) +
         " AS stretch, population, cohort, reason, status > 4 AS in_flight, plan, code, "
         "CASE WHEN status <= 4 THEN " +
         bucket_of("duration") + " END AS bucket, count(*) AS runs" + runs_with("status = 0") +
         " AS succeeded" + runs_with("unverified") + " AS unverified" + runs_with("fallback") +
         " AS fallback" + runs_with("compensation >= 3") + " AS not_compensated" +
         runs_with("compensation >= 2") + " AS compensation" +
         runs_with("manual OR status = 2 OR compensation = 4") + " AS manual" +
         runs_with("reused") +
         " AS reused, sum(fanout_failed) AS fanout_failed, sum(fanout_total) AS fanout_total,"
         " max(at) AS newest FROM (" +
         runs + ") AS runs GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";
}

// Partial rows of grouped runs; `sign` is -1 for runs that do not stand.
std::string run_rows(const std::string& groups, int sign, bool derived) {
  const std::string times = (sign < 0 ? " * -1" : "");
  const std::string zero = ", 0";
  std::string counts;
  for (const char* name :
       {"runs", "succeeded", "in_flight", "derived", "unverified", "fallback", "not_compensated",
        "compensation", "manual", "reused", "fanout_failed", "fanout_total"}) {
    const std::string_view column = name;
    if (column == "in_flight") {
      counts += ", CASE WHEN in_flight THEN runs" + times + " ELSE 0 END";
    } else if (column == "derived") {
      counts += derived ? ", CASE WHEN in_flight THEN 0 ELSE runs END" : zero;
    } else {
      counts += ", CASE WHEN in_flight THEN 0 ELSE " + std::string(column) + times + " END";
    }
  }
  return "SELECT 'run', stretch, population, cohort, plan, CASE WHEN NOT in_flight THEN code END, "
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
    "at DESC, (status <= 4) DESC, status DESC, coalesce(code, '') COLLATE \"C\" DESC, compensation "
    "DESC, population DESC, cohort DESC, unverified DESC, fallback DESC, reused DESC, "
    "coalesce(duration, -1) DESC, fanout_total DESC, fanout_failed DESC, coalesce(plan, '') "
    "COLLATE \"C\" DESC";

constexpr const char* kHash = "hashtextextended(key, is_request::int)";

// What logs with node records take besides: standing runs of nodes, derived runs, attempts.
std::string node_steps(const Mapping& mapping) {
  const std::string outcome = literal(mapping.outcome_node);
  return std::string(R"sql(,
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
  ORDER BY is_request, key, node, attempt DESC, at DESC, (status <= 4) DESC,
    (status IN (1, 2, 3)) DESC, )sql" +
         kStanding + R"sql(),
deciding AS (
  SELECT *, bool_or(status > 4) OVER run AS in_flight,
    node = )sql" +
         outcome + " OR NOT bool_or(node = " + outcome + R"sql() OVER run AS decides
  FROM last_attempts WINDOW run AS (PARTITION BY is_request, key)),
outcomes AS (
  SELECT is_request, key, bool_or(in_flight) AS in_flight,
    bool_or(decides AND status IN (1, 2, 3)) AS failed,
    (array_agg(code ORDER BY at, node COLLATE "C")
      FILTER (WHERE decides AND status IN (1, 2, 3) AND code IS NOT NULL))[1] AS code
  FROM deciding GROUP BY is_request, key),
unions AS (
  SELECT is_request, key, max(at) AS at, min(population) AS population,
    CASE WHEN bool_or(cohort = 1) THEN 1 ELSE max(cohort) END AS cohort,
    bool_or(unverified) AS unverified, bool_or(fallback) AS fallback, bool_or(reused) AS reused,
    bool_or(status = 2) AS manual, max(compensation) AS compensation,
    sum(fanout_total)::int8 AS fanout_total, sum(fanout_failed)::int8 AS fanout_failed,
    (array_agg(plan ORDER BY at DESC, plan COLLATE "C") FILTER (WHERE plan IS NOT NULL))[1] AS plan,
    CASE WHEN count(duration) > 0 THEN
      max((extract(epoch FROM run_end - at) * 1000000)::int8::float8 / 1000
          + greatest(coalesce(duration, 0), 0)) END AS duration
  FROM orphans GROUP BY is_request, key),
derived AS MATERIALIZED (
  SELECT u.is_request, u.key, u.at, NULL::int AS reason, u.population, u.cohort,
    CASE WHEN o.in_flight THEN 5 WHEN o.failed THEN 1 ELSE 0 END AS status, o.code, u.plan,
    u.compensation, u.unverified, u.fallback, u.reused, u.manual, u.duration, u.fanout_total,
    u.fanout_failed
  FROM unions u JOIN outcomes o ON o.is_request = u.is_request AND o.key = u.key),
runs_of_nodes AS (
  SELECT is_request, key, at, population, cohort FROM standing WHERE status <= 4
  UNION ALL SELECT is_request, key, at, population, cohort FROM derived WHERE status <= 4))sql";
}

std::string node_rows(const LogQuery& query) {
  const std::string stretch = stretch_of("r.at", query);
  const std::string join =
      " JOIN runs_of_nodes r ON r.is_request = a.is_request AND r.key = a.key GROUP BY ";
  return "\nUNION ALL SELECT 'node', " + stretch +
         ", r.population, r.cohort, a.node, NULL, bucket, sum(count), sum(failed), sum(retries), "
         "sum(retries_succeeded), 0" +
         padded(5) + " FROM (SELECT is_request, key, node, " + bucket_of("duration") +
         " AS bucket, count(*) AS count, count(*) FILTER (WHERE status = 1) AS failed, count(*) "
         "FILTER (WHERE attempt > 1) AS retries, count(*) FILTER (WHERE attempt > 1 AND status = "
         "0) AS retries_succeeded FROM attempts GROUP BY 1, 2, 3, 4) a" +
         join + "2, 3, 4, 5, 7" + "\nUNION ALL SELECT 'node', " + stretch +
         ", r.population, r.cohort, a.node, NULL, NULL, 0, 0, 0, 0, count(*)" + padded(5) +
         " FROM (SELECT DISTINCT is_request, key, node FROM attempts) a" + join + "2, 3, 4, 5" +
         "\nUNION ALL SELECT 'input'" + kNoName +
         ", count(*), 0, count(*), 0, coalesce((extract(epoch FROM max(at)) * 1000000)::int8, -1)" +
         padded(5) + " FROM attempts";
}

}  // namespace

bool can_aggregate(const std::vector<PostgresTable>& tables, const SourceOptions& options) {
  const Mapping& mapping = options.mapping;
  if (options.dedupe != Dedupe::runs || mapping.created_at_marks != CreatedAtMarks::end) {
    return false;
  }
  for (const auto& [field, place] : mapping.fields) {
    if (place.source != FieldSource::column) return false;
    if (!place.aliases.empty() && &types_of(field) != &kTexts) return false;
  }
  for (const PostgresTable& table : tables) {
    for (const std::string_view field : contract_fields()) {
      const auto column = table.columns.find(column_of(mapping, std::string(field)));
      if (column != table.columns.end() && !types_of(field).contains(column->second)) return false;
    }
  }
  return true;
}

std::string aggregate_query(const std::vector<PostgresTable>& tables, const Mapping& mapping,
                            const LogQuery& query) {
  std::string records;
  bool has_nodes = false;
  for (const PostgresTable& table : tables) {
    demand_columns(table, mapping);
    records += (records.empty() ? "" : "\n  UNION ALL ") + rows_of(table, mapping, query);
    has_nodes = has_nodes || table.columns.contains(column_of(mapping, "node_id"));
  }
  const std::string run_records = "SELECT *, false AS manual FROM records WHERE node IS NULL";
  std::string text =
      "WITH " + scale() + ",\nrecords AS NOT MATERIALIZED (" + records +
      "),\ngroups AS MATERIALIZED (" + grouped(run_records + " OR reason IS NOT NULL", query) +
      "),\nrepeated AS MATERIALIZED (SELECT hash FROM (SELECT " + kHash +
      " AS hash FROM records WHERE node IS NULL) h GROUP BY hash HAVING count(*) > 1),\n"
      "losers AS MATERIALIZED (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY "
      "is_request, key ORDER BY " +
      kStanding + ") AS place FROM (" + run_records + " AND reason IS NULL AND " + kHash +
      " IN (SELECT hash FROM repeated)) r) p WHERE place > 1)";
  if (has_nodes) {
    text +=
        ",\nattempts AS NOT MATERIALIZED (SELECT * FROM records WHERE node IS NOT NULL AND "
        "reason IS NULL)" +
        node_steps(mapping);
  }
  text += "\n" + run_rows("groups", 1, false) + "\nUNION ALL " +
          run_rows("(" + grouped("SELECT * FROM losers", query) + ") AS lost", -1, false) +
          "\nUNION ALL SELECT 'input'" + kNoName +
          ", coalesce(sum(runs), 0), coalesce(sum(runs) FILTER (WHERE reason IS NULL), 0), 0, "
          "(SELECT count(*) FROM losers), coalesce((extract(epoch FROM max(newest) FILTER (WHERE "
          "reason IS NULL)) * 1000000)::int8, -1)" +
          padded(5) + " FROM groups\nUNION ALL SELECT 'reject'" + kNoName + ", sum(runs), reason" +
          padded(2) + " FROM groups WHERE reason IS NOT NULL GROUP BY reason";
  if (has_nodes) {
    text +=
        "\nUNION ALL " +
        run_rows("(" + grouped("SELECT * FROM derived", query) + ") AS derived_groups", 1, true) +
        node_rows(query);
  }
  return text;
}

TimePoint slot_of_stretch(std::int64_t stretch, const LogQuery& query) {
  if (query.cuts.empty()) return TimePoint(stretch * kSlot);
  if (stretch == 0) return floor_to_slot(query.range.start);
  return query.cuts.at(static_cast<std::size_t>(stretch - 1));
}

}  // namespace dagloop
