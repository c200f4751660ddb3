#include "source/postgres_runs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "source/postgres_expressions.hpp"
#include "source/told_ages.hpp"

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

// The digit of a time in the range.
std::string span_at(const std::string& at, const LogQuery& query) {
  return fmt::format("({} + {}) * {}::int8", span_sql(at, query), packed::kFirstSpan,
                     shifted(1, packed::kTime));
}

std::string time_digit(const std::string& at, const LogQuery& query) {
  const std::string at_end =
      query.range.end > query.latest ? span_at(at, query) : shifted(packed::kAside, packed::kTime);
  const std::string future = fmt::format("CASE WHEN {0} >= '10000-01-01' THEN {1} ELSE {2} END", at,
                                         shifted(packed::kBadTime, packed::kTime),
                                         shifted(packed::kFutureTime, packed::kTime));
  std::string digit =
      fmt::format("CASE WHEN {0} >= {1} THEN CASE WHEN {0} > {2} THEN {3} ELSE {4} END", at,
                  time_literal(std::min(query.range.end, query.latest)), time_literal(query.latest),
                  future, at_end);
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

std::string age_digit(const std::string& at, const std::string& duration, const LogQuery& query) {
  if (!told_ages(query)) return "";
  return fmt::format(" + {} * {}::int8", age_class_sql(at, duration, query),
                     shifted(1, packed::kAge));
}

std::string node_digit(const Expressions& row) {
  if (!row.has(Field::node_id)) return "";
  return fmt::format(" + CASE WHEN {} <> '' AND {} IS DISTINCT FROM '{}' THEN {} ELSE 0 END",
                     row.text(Field::node_id), row.text(Field::node_type), kRunNodeType,
                     shifted(1, packed::kNode));
}

// What a group is named by, in one text: a group costs by the column, and the planner multiplies
// its guesses, so that it would not group by hashing. Mostly that is the plan source alone.
struct PackedNames {
  std::string code;
  std::string plan;
  std::string pipeline = "NULL::text";
  std::string has_mended;  // may be empty
  std::string mended = "0";

  // Whether there is more than a plan source, or one that could be taken for more.
  std::string has_parts() const {
    std::string any = code + " <> ''";
    if (pipeline != "NULL::text") any += " OR " + pipeline + " <> ''";
    if (!has_mended.empty()) any += " OR " + has_mended;
    return any + " OR (" + plan + ") COLLATE \"C\" < ';'";
  }

  // A colon, lengths, mended fields, and the texts. No plan source that stands alone begins with
  // a colon, so that nothing has to be looked at twice to tell the two apart.
  std::string names() const {
    const std::string shown_mended =
        has_mended.empty() ? "0"
                           : fmt::format("CASE WHEN {} THEN {} ELSE 0 END", has_mended, mended);
    return fmt::format(
        "CASE WHEN {0} THEN ':' || char_length(coalesce({1}, '')) || ':' || "
        "char_length(coalesce({2}, '')) || ':' || {3} || ':' || coalesce({1}, '') || coalesce({2}, "
        "'') || coalesce({4}, '') ELSE {4} END",
        has_parts(), code, pipeline, shown_mended, plan);
  }
};

// What tokens and cost come to; NULL where there are none.
std::string packed_sum(const char* column) { return fmt::format("coalesce(sum({}), 0)", column); }

// One row of the table, in what it is grouped by and what is counted of it.
std::string packed_record_rows(const PostgresTable& table, const CountScope& scope) {
  const Expressions row(table, scope.mapping);
  std::string from = table.name + time_filter(table, scope.mapping, scope.query);
  std::string at = row.time();
  std::string duration = row.duration();
  // What has to be turned into another type is turned once. OFFSET 0 keeps it apart.
  const bool is_foreign = row.type(Field::created_at) != "timestamptz" ||
                          (row.has(Field::duration_ms) && row.type(Field::duration_ms) != "float8");
  if (is_foreign) {
    from = fmt::format("(SELECT *, {} AS {}, {} AS {} FROM {} OFFSET 0) AS rows", at, kTimeColumn,
                       duration, kDurationColumn, from);
    at = kTimeColumn;
    duration = kDurationColumn;
  }
  const PackedNames names{row.text(Field::error_code), row.text(Field::plan_source),
                          row.text(Field::pipeline_id), row.has_mended(), row.mended()};
  return fmt::format(
      "SELECT {status} + {cohort} + {compensation} + {key}{node} + {time} + {duration}{age} AS "
      "kind, {names} AS names, {verification} <> '' AS unverified, {fallback} <> '' AS "
      "fallback, {reused} AS reused, {failed} AS failed, {total} AS total{tokens}{cost}, {at} AS "
      "at "
      "FROM {from} OFFSET 0",
      fmt::arg("status", word_digit(row.text(Field::status), packed::status_form(packed::kStatus))),
      fmt::arg("cohort", word_digit(row.text(Field::cohort), packed::cohort_form(packed::kCohort))),
      fmt::arg("compensation", word_digit(row.text(Field::compensation_status),
                                          packed::compensation_form(packed::kCompensation))),
      fmt::arg("key", key_digit(row)), fmt::arg("node", node_digit(row)),
      fmt::arg("time", time_digit(at, scope.query)),
      fmt::arg("duration",
               row.has(Field::duration_ms) ? duration_digit(duration) : std::string("0")),
      fmt::arg("age", row.has(Field::duration_ms) ? age_digit(at, duration, scope.query) : ""),
      fmt::arg("names", names.names()),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.truth(Field::idempotent_reuse)),
      fmt::arg("failed", row.count(Field::fanout_failed)),
      fmt::arg("total", row.count(Field::fanout_total)),
      fmt::arg("tokens", has_tokens(row) ? ", " + tokens_sql(row) + " AS tokens" : ""),
      fmt::arg("cost", row.has(Field::cost_micros)
                           ? ", " + row.count(Field::cost_micros) + " AS cost"
                           : ""),
      fmt::arg("at", at), fmt::arg("from", from));
}

// What is counted of packed rows besides: an aggregate costs by the row, also where all is NULL.
struct PackedExtras {
  bool has_tokens = true;
  bool has_cost = true;
};

// The answer's rows of packed ones.
std::string packed_groups(PackedUse use, const std::string& rows, const PackedExtras& extras,
                          const CountScope& scope) {
  const std::string status = fmt::format("(kind >> {} & 15)", packed::kStatus);
  // Of what may be overdue the time is kept, in front of the names.
  const std::string named = fmt::format(
      "CASE WHEN {} IN ({}) THEN (extract(epoch FROM {}) * 1000000)::int8 || ';' || "
      "coalesce(names, "
      "'') ELSE names END",
      status, packed::open_statuses(scope.rules), use == PackedUse::rows ? "at" : "newest_at");
  const std::string tokens = extras.has_tokens ? packed_sum("tokens") + " AS tokens, count(tokens)"
                                               : std::string("0 AS tokens, 0");
  const std::string cost =
      extras.has_cost ? packed_sum("cost") + " AS cost, count(cost)" : std::string("0 AS cost, 0");
  // An expression is grouped by as a column: of those of one query the planner multiplies its
  // guesses, and sorts.
  const std::string rows_named = fmt::format(
      "SELECT kind, {} AS names, unverified, fallback, reused, failed, total{}{}, at FROM ({}) AS "
      "rows OFFSET 0",
      named, extras.has_tokens ? ", tokens" : "", extras.has_cost ? ", cost" : "", rows);
  const std::string groups = fmt::format(
      "SELECT kind, names, count(*) AS runs, count(*) FILTER (WHERE unverified) AS unverified, "
      "count(*) FILTER (WHERE fallback) AS fallback, count(*) FILTER (WHERE reused) AS reused, "
      "sum(failed) AS failed, sum(total) AS total, {tokens} AS with_tokens, {cost} AS with_cost, "
      "max(at) AS newest FROM ({rows}) AS named GROUP BY kind, names",
      fmt::arg("tokens", tokens), fmt::arg("cost", cost), fmt::arg("rows", rows_named));
  const std::string parted = fmt::format(
      "SELECT *, {status} IN ({open}) AS is_open, CASE WHEN {status} IN ({open}) THEN "
      "substr(names, "
      "position(';' IN names) + 1) ELSE names END AS texts FROM ({groups}) AS groups",
      fmt::arg("status", status), fmt::arg("open", packed::open_statuses(scope.rules)),
      fmt::arg("groups", groups));
  const std::string measured = fmt::format(
      "SELECT *, left(texts, 1) = ':' AS has_parts, split_part(texts, ':', 2) AS code_length, "
      "split_part(texts, ':', 3) AS pipeline_length, split_part(texts, ':', 4) AS mended FROM ({}) "
      "AS parted",
      parted);
  const std::string start =
      "char_length(code_length) + char_length(pipeline_length) + char_length(mended) + 5";
  return fmt::format(
      "SELECT '{word}', kind, 0, 0, CASE WHEN has_parts THEN substr(texts, {start} + "
      "code_length::int + pipeline_length::int) ELSE texts END, CASE WHEN has_parts THEN "
      "substr(texts, {start}, code_length::int) END, CASE WHEN has_parts THEN substr(texts, "
      "{start} "
      "+ code_length::int, pipeline_length::int) END, -1, CASE WHEN has_parts THEN mended::int "
      "ELSE "
      "0 END, CASE WHEN is_open THEN split_part(names, ';', 1)::int8 ELSE -1 END, runs, "
      "unverified, "
      "fallback, reused, coalesce(failed, 0), coalesce(total, 0), tokens, with_tokens, cost, "
      "with_cost, CASE WHEN kind >= {has_time} THEN (extract(epoch FROM newest) * 1000000)::int8 "
      "ELSE -1 END FROM ({measured}) AS measured",
      fmt::arg("word", word_of(kPackedWords, use)), fmt::arg("start", start),
      fmt::arg("has_time", shifted(packed::kAside, packed::kTime)), fmt::arg("measured", measured));
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

std::string age_class_sql(const std::string& at, const std::string& duration,
                          const LogQuery& query) {
  const auto told = told_ages(query);
  if (!told) return "0";
  // Microseconds of an interval are whole numbers, and so are those of a time.
  const std::string slots = fmt::format(
      "floor(extract(epoch FROM {0}) / 300)::int8 - floor(extract(epoch FROM {0} - floor({1} * "
      "1000 + 0.5) * interval '1 microsecond') / 300)::int8",
      at, duration);
  return fmt::format(
      "CASE WHEN {at} >= {first} AND {d} > 0 AND {d} < 'Infinity' AND ({at} < {without_short} OR "
      "{d} >= {short_ms}) THEN CASE WHEN {d} >= {long_ms} THEN {last} ELSE width_bucket({slots}, "
      "'{{{limits}}}'::int8[]) END ELSE 0 END",
      fmt::arg("at", at), fmt::arg("d", duration), fmt::arg("first", time_literal(told->first)),
      fmt::arg("without_short", time_literal(told->without_short)),
      fmt::arg("short_ms", ToldAges::kShort_ms), fmt::arg("long_ms", ToldAges::kLong_ms),
      fmt::arg("last", AgeClass::kLast), fmt::arg("slots", slots),
      fmt::arg("limits", fmt::join(age_limits(), ",")));
}

bool has_tokens(const Expressions& row) {
  return row.has(Field::tokens_in) || row.has(Field::tokens_out);
}

std::string tokens_sql(const Expressions& row) {
  if (!has_tokens(row)) return "NULL::int8";
  std::string in = row.count(Field::tokens_in);
  std::string out = row.count(Field::tokens_out);
  if (!row.has(Field::tokens_in)) return out;
  if (!row.has(Field::tokens_out)) return in;
  // Mostly a row has neither.
  return fmt::format(
      "CASE WHEN {2} IS NOT NULL OR {3} IS NOT NULL THEN coalesce({0} + {1}, {0}, {1}) END", in,
      out, row.own_column(Field::tokens_in), row.own_column(Field::tokens_out));
}

std::string packed_runs_query(const PostgresTable& table, const CountScope& scope) {
  const Expressions row(table, scope.mapping);
  return packed_groups(PackedUse::rows, packed_record_rows(table, scope),
                       {has_tokens(row), row.has(Field::cost_micros)}, scope);
}

std::string packed_settled_query(PackedUse use, const std::string& runs, const CountScope& scope) {
  const auto digit = [](const char* column, int place) {
    return fmt::format("{} * {}::int8", column, shifted(1, place));
  };
  const PackedNames names{"code", "plan", "pipeline", "unread <> 0", "unread"};
  return packed_groups(
      use,
      fmt::format("SELECT {} + {} + {} + {} + {} + {}{} + CASE WHEN manual THEN {} ELSE 0 END AS "
                  "kind, {} AS names, unverified, fallback, reused, fanout_failed AS failed, "
                  "fanout_total AS total, tokens, cost, at, newest_at FROM {} OFFSET 0",
                  digit("status", packed::kStatus), digit("cohort", packed::kCohort),
                  digit("compensation", packed::kCompensation),
                  digit("population", packed::kPopulation), time_digit("at", scope.query),
                  duration_digit("duration"), age_digit("at", "duration", scope.query),
                  shifted(1, packed::kManual), names.names(), runs),
      {}, scope);
}

}  // namespace dagloop
