#include "source/clickhouse_aggregate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/base/error.hpp"
#include "source/clickhouse_expressions.hpp"
#include "source/clickhouse_runs.hpp"

namespace dagloop {

namespace {

std::string number_of_word(const std::string& text, const std::string& words,
                           const std::string& numbers, const char* unknown) {
  return fmt::format("transform({}, [{}, ''], [{}, 0], {})", text, words, numbers, unknown);
}

constexpr const char* kUnknown = "99";
constexpr int kParts = 1024;  // of the hashes of keys

// Statuses, by their place in Status from 1: up to 5 they are final.
std::string clickhouse_status(const std::string& text) {
  return number_of_word(
      text,
      "'succeeded', 'success', 'ok', 'failed', 'error', 'manual_required', 'cancelled', "
      "'skipped', 'running', 'pending', 'compensating'",
      "1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8", kUnknown);
}

std::string clickhouse_reason(RejectReason reason) {
  return std::to_string(static_cast<int>(reason));
}

// 0 is not_json_object, which no row is: so it stands for no reason.
static_assert(static_cast<int>(RejectReason::not_json_object) == 0);

std::string clickhouse_reason(const LogQuery& query) {
  const auto when = [](const std::string& condition, RejectReason reason) {
    return condition + ", " + clickhouse_reason(reason) + ", ";
  };
  // In the order of build_record(). A number that is none is text in JSON.
  return "multiIf(" + when("isNaN(duration) OR isInfinite(duration)", RejectReason::wrong_type) +
         when("at = 0", RejectReason::missing_created_at) +
         when("status = 0", RejectReason::missing_status) +
         when("key = ''", RejectReason::missing_run_id) +
         when(std::string("status = ") + kUnknown, RejectReason::unknown_status) +
         when(fmt::format("compensation = {0} OR cohort = {0}", kUnknown),
              RejectReason::unknown_value) +
         when(fmt::format("duration < 0 AND has_duration OR attempt < 1 OR attempt > {} OR "
                          "fanout_total < 0 OR fanout_total > {} OR fanout_failed < 0 OR "
                          "fanout_failed > {}",
                          kMaxAttemptText, kMaxCountText, kMaxCountText),
              RejectReason::bad_number) +
         when("at > " + clickhouse_micros(query.latest), RejectReason::future_time) + "0)";
}

// The rows of a table in the words of the contract.
std::string counted_rows(const ClickHouseTable& table, const Mapping& mapping,
                         const LogQuery& query) {
  const ClickHouseExpressions row(table, mapping);
  const std::string run_id = row.text("pipeline_run_id");
  const std::string mode = row.text("execution_mode");
  std::string has_duration = row.has("duration_ms") ? "1" : "0";
  if (row.can_be_null("duration_ms")) {
    has_duration =
        "isNotNull(" + clickhouse_name(clickhouse_column_of(mapping, "duration_ms")) + ")";
  }
  const std::string words = fmt::format(
      "SELECT {hash} AS h, {at} AS at, {run} = '' AS is_request, if({run} = '', {request}, {run}) "
      "AS key, "
      "if({type} = 'pipeline', '', {node}) AS node, {attempt} AS attempt, toUInt8({status}) AS "
      "status, {code} AS code, {plan} AS plan, toUInt8({compensation}) AS compensation, "
      "toUInt8(if({mode} = '', {run} = '', {mode} NOT IN ('dag', 'pipeline_dag'))) AS population, "
      "toUInt8({cohort}) AS cohort, {verification} != '' AS unverified, {fallback} != '' AS "
      "fallback, {reused} AS reused, {has_duration} AS has_duration, {duration} AS duration, "
      "{total} AS fanout_total, {failed} AS fanout_failed FROM {table}{filter}",
      fmt::arg("hash", row.hash()), fmt::arg("at", row.at()), fmt::arg("run", run_id),
      fmt::arg("request", row.text("request_id")), fmt::arg("type", row.text("node_type")),
      fmt::arg("node", row.text("node_id")),
      fmt::arg("attempt", row.number("attempt", "Int64", "1")),
      fmt::arg("status", clickhouse_status(row.text("status"))),
      fmt::arg("code", row.text("error_code")), fmt::arg("plan", row.text("plan_source")),
      fmt::arg("compensation",
               number_of_word(row.text("compensation_status"),
                              "'not_required', 'completed', 'failed', 'manual_required'",
                              "1, 2, 3, 4", kUnknown)),
      fmt::arg("mode", mode),
      fmt::arg("cohort",
               number_of_word(row.text("cohort"), "'canary', 'control'", "1, 2", kUnknown)),
      fmt::arg("verification", row.text("verification_reason")),
      fmt::arg("fallback", row.text("fallback_reason")),
      fmt::arg("reused", row.number("idempotent_reuse", "UInt8", "0")),
      fmt::arg("has_duration", has_duration),
      fmt::arg("duration", row.number("duration_ms", "Float64", "-1")),
      fmt::arg("total", row.number("fanout_total", "Int64", "0")),
      fmt::arg("failed", row.number("fanout_failed", "Int64", "0")), fmt::arg("table", table.local),
      fmt::arg("filter", clickhouse_time_filter(table, mapping, query)));
  return "SELECT *, " + clickhouse_reason(query) + " AS reason FROM (" + words + ")";
}

// A column of runs or attempts, by name and in the order in which equal ones stand (RunTable).
constexpr const char* kContent =
    "(at, status <= 5, status, code, compensation, population, cohort, unverified, fallback, "
    "reused, "
    "duration, fanout_total, fanout_failed, plan)";

// The columns that are counted, out of such a tuple.
constexpr const char* kUnpacked =
    "t.1 AS at, t.3 AS status, t.4 AS code, t.5 AS compensation, t.6 AS population, t.7 AS cohort, "
    "t.8 AS unverified, t.9 AS fallback, t.10 AS reused, t.11 AS duration, t.12 AS fanout_total, "
    "t.13 AS fanout_failed, t.14 AS plan, t.3 = 3 AS manual, 0 AS reason";

// The bits of DurationHistogram::bucket_of.
std::string clickhouse_bucket(const std::string& duration) {
  return "if(" + duration +
         " < 0, -1, toInt64(bitShiftRight(reinterpretAsUInt64(reinterpretAsString(" + duration +
         " + 0.)), 45)))";
}

// Runs that are alike, counted.
std::string grouped_counts(const std::string& runs, const LogQuery& query) {
  return "SELECT " + clickhouse_span("at", query) +
         " AS span, population, cohort, reason, status > 5 AS in_flight, plan, code, "
         "if(status <= 5 AND reason = 0, " +
         clickhouse_bucket("duration") +
         ", -1) AS bucket, toInt64(count()) AS runs, toInt64(countIf(status = 1)) AS succeeded, "
         "toInt64(sum(unverified)) AS unverified_runs, toInt64(sum(fallback)) AS fallback_runs, "
         "toInt64(countIf(compensation >= 3)) AS not_compensated, toInt64(countIf(compensation >= "
         "2)) "
         "AS compensated, toInt64(countIf(manual OR compensation = 4)) AS manual_runs, "
         "toInt64(countIf(reused != 0)) AS reused_runs, sum(fanout_failed) AS fanout_failed_items, "
         "sum(fanout_total) AS fanout_items, max(at) AS newest FROM (" +
         runs + ") GROUP BY span, population, cohort, reason, in_flight, plan, code, bucket";
}

std::string counted_run_rows(const std::string& runs, const LogQuery& query, int sign,
                             bool derived) {
  std::vector<std::string> counts;
  for (const char* name : {"runs", "succeeded", "in_flight", "derived", "unverified_runs",
                           "fallback_runs", "not_compensated", "compensated", "manual_runs",
                           "reused_runs", "fanout_failed_items", "fanout_items"}) {
    std::string count = fmt::format("if(in_flight, 0, {})", name);
    if (std::string_view(name) == "in_flight") count = "if(in_flight, runs, 0)";
    if (std::string_view(name) == "derived") count = derived ? "if(in_flight, 0, runs)" : "0";
    counts.push_back(sign < 0 ? "-1 * " + count : count);
  }
  return clickhouse_answer(
             "run", {"span", "population", "cohort", "plan", "if(in_flight, '', code)", "bucket"},
             counts) +
         " FROM (" + grouped_counts(runs, query) + ") WHERE reason = 0";
}

bool clickhouse_have_nodes(const std::vector<ClickHouseTable>& tables, const Mapping& mapping) {
  return std::ranges::any_of(tables, [&](const ClickHouseTable& table) {
    return table.columns.contains(clickhouse_column_of(mapping, "node_id"));
  });
}

struct Steps {
  std::string records;   // all rows
  std::string runs;      // valid run records
  std::string attempts;  // valid node records
  std::string losers;    // run records that do not stand
  std::string standing;  // standing runs of nodes
  std::string derived;   // runs without a run record
};

// A statement with the column `dummy`, answered by every shard for itself.
std::string on_shards(const std::string& statement, const std::string& cluster) {
  if (cluster.empty()) return "(" + statement + ")";
  return "cluster(" + clickhouse_name(cluster) + ", system, one) ALL INNER JOIN (SELECT * FROM (" +
         statement + ")) USING dummy";
}

std::string pruned(const std::string& from, const std::string& condition) {
  return "SELECT * FROM (" + from + ") WHERE " + condition;
}

std::string derived_of(const Steps& steps, const std::string& outcome_node) {
  const std::string orphans = "SELECT * FROM (" + steps.attempts +
                              ") WHERE (is_request, key) NOT IN (SELECT is_request, key FROM (" +
                              steps.runs + "))";
  // x: node, attempt, at, final, ended badly, code, then the rest of the content
  const std::string united = fmt::format(
      "SELECT is_request, key, max(at) AS run_end, min(population) AS p, if(max(cohort = 1), 1, "
      "max(cohort)) AS c, max(unverified) AS u, max(fallback) AS f, max(reused) AS r, max(status = "
      "3) AS m, max(compensation) AS comp, sum(fanout_total) AS total, sum(fanout_failed) AS "
      "failed, "
      "arraySort(groupArray((plan = '', -at, plan))) AS plans, max(has_duration) AS any_duration, "
      "groupArray((at, if(duration < 0, 0., duration))) AS spans, "
      "arrayReverseSort(groupArray((node, attempt, at, status <= 5, status IN (2, 3, 4), code, "
      "status, {}))) AS tries FROM ({}) GROUP BY is_request, key",
      kContent, orphans);
  const std::string last = fmt::format(
      "SELECT *, arrayMap(x -> x.1, tries) AS names, arrayFilter((x, n, before) -> n != before, "
      "tries, "
      "names, arrayPushFront(arrayPopBack(names), '')) AS last FROM ({})",
      united);
  const std::string deciding = fmt::format(
      "SELECT *, if(arrayExists(x -> x.1 = {0} AND x.1 != '', last), arrayFilter(x -> x.1 = {0}, "
      "last), last) AS decide FROM ({1})",
      clickhouse_literal(outcome_node), last);
  const std::string outcome = fmt::format(
      "SELECT *, if(arrayExists(x -> x.7 > 5, last), 6, if(arrayExists(x -> x.5 != 0, decide), 2, "
      "1)) AS s, arraySort(arrayPushBack(arrayMap(x -> (x.3, x.1, x.6), arrayFilter(x -> x.5 != 0 "
      "AND x.6 != '', decide)), (toInt64(9223372036854775807), '', ''))) AS codes FROM ({})",
      deciding);
  return fmt::format(
      "SELECT is_request, key, run_end AS at, toUInt8(s) AS status, codes[1].3 AS code, comp AS "
      "compensation, p AS population, toUInt8(c) AS cohort, u AS unverified, f AS fallback, r AS "
      "reused, if(any_duration != 0, arrayReduce('max', arrayMap(x -> toFloat64(run_end - x.1) / "
      "1000 + x.2, spans)), -1.) AS duration, total AS fanout_total, failed AS fanout_failed, "
      "plans[1].3 AS plan, m AS manual, 0 AS reason FROM ({})",
      outcome);
}

std::string counted_node_rows(const Steps& steps, const LogQuery& query) {
  const std::string runs =
      "SELECT is_request, key, at AS run_at, toUInt8(population) AS run_population, "
      "toUInt8(cohort) "
      "AS run_cohort FROM (SELECT is_request, key, at, status, population, cohort FROM (" +
      steps.standing + ") UNION ALL SELECT is_request, key, at, status, population, cohort FROM (" +
      steps.derived + ")) WHERE status <= 5";
  // Each attempt, and behind those of a node one that counts the pair of run and node.
  const std::string tries = fmt::format(
      "SELECT is_request, key, node, arrayPushBack(groupArray(({}, toInt64(1), toInt64(status = "
      "2), "
      "toInt64(attempt > 1), toInt64(attempt > 1 AND status = 1), toInt64(0))), (toInt64(-1), "
      "toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(1))) AS tries FROM ({}) GROUP BY "
      "is_request, key, node",
      clickhouse_bucket("duration"), steps.attempts);
  const std::string counted = fmt::format(
      "SELECT {} AS span, run_population, run_cohort, node, t.1 AS bucket, sum(t.2) AS s0, "
      "sum(t.3) AS s1, sum(t.4) AS s2, sum(t.5) AS s3, sum(t.6) AS s4 FROM (SELECT run_at, "
      "run_population, run_cohort, node, tries FROM ({}) ALL INNER JOIN ({}) USING (is_request, "
      "key)) "
      "ARRAY JOIN tries AS t GROUP BY span, run_population, run_cohort, node, bucket",
      clickhouse_span("run_at", query), tries, runs);
  return " UNION ALL " +
         clickhouse_answer("node", {"span", "run_population", "run_cohort", "node", "''", "bucket"},
                           {"s0", "s1", "s2", "s3", "s4"}) +
         " FROM (" + counted + ")";
}

}  // namespace

void demand_countable(const ClickHouseTable& table, const SourceOptions& options) {
  const Mapping& mapping = options.mapping;
  const std::string where = "table " + table.name;
  if (options.dedupe != Dedupe::runs || mapping.created_at_marks != CreatedAtMarks::end) {
    throw Error(ErrorKind::source, where,
                "input.dedupe records and created_at_marks start cannot be counted by ClickHouse",
                "use dedupe runs; make a view with the end as created_at");
  }
  for (const auto& [field, place] : mapping.fields) {
    const bool is_text = clickhouse_type_fits(field, "String");
    if (place.source != FieldSource::column || (!place.aliases.empty() && !is_text)) {
      throw Error(ErrorKind::source, where,
                  "the mapping of " + field + " cannot be counted by ClickHouse",
                  "make a view that has it as a column of its own");
    }
  }
  for (const char* field : {"created_at", "status"}) {
    if (!table.columns.contains(clickhouse_column_of(mapping, field))) {
      throw Error(ErrorKind::source, where, "has no column " + clickhouse_column_of(mapping, field),
                  "name another table (runs_table=, nodes_table=), or give a mapping (--mapping)");
    }
  }
  for (const std::string_view field : contract_fields()) {
    const auto column = table.columns.find(clickhouse_column_of(mapping, field));
    if (column == table.columns.end() || clickhouse_type_fits(field, column->second)) continue;
    throw Error(ErrorKind::source, where,
                "column " + column->first + " is of type " + column->second +
                    ", which cannot hold " + std::string(field),
                "make a view with the types of sql/clickhouse/0001_logs.sql");
  }
}

std::string clickhouse_repeated_query(const std::vector<ClickHouseTable>& tables,
                                      const Mapping& mapping, const LogQuery& query) {
  std::string hashes;
  for (const ClickHouseTable& table : tables) {
    const ClickHouseExpressions row(table, mapping);
    std::string filter = clickhouse_time_filter(table, mapping, query);
    if (row.has("node_id")) {
      filter += fmt::format(" AND ({} = '' OR {} = 'pipeline')", row.text("node_id"),
                            row.text("node_type"));
    }
    hashes += fmt::format("{}SELECT {} AS h FROM {}{}", hashes.empty() ? "" : " UNION ALL ",
                          row.hash(), table.local, filter);
  }
  // Parts of the hashes fit into a cache, and so do their sets: a third of the time of GROUP BY h.
  const std::string parts =
      fmt::format("SELECT bitAnd(h, {}) AS part, groupArray(h) AS hs FROM ({}) GROUP BY part",
                  kParts - 1, hashes);
  const std::string repeated =
      "SELECT arrayJoin(arrayFilter((x, n) -> n = 2, hs, arrayEnumerateUniq(hs))) AS h FROM (" +
      parts + ")";
  return "SELECT h FROM " +
         on_shards("SELECT toUInt8(0) AS dummy, h FROM (" + repeated + ")", tables.front().cluster);
}

std::string clickhouse_query(const std::vector<ClickHouseTable>& tables, const Mapping& mapping,
                             const LogQuery& query, const std::string& repeated) {
  Steps steps;
  std::string with_nodes;
  for (const ClickHouseTable& table : tables) {
    const std::string rows = counted_rows(table, mapping, query);
    steps.records += (steps.records.empty() ? "" : " UNION ALL ") + rows;
    if (!clickhouse_have_nodes({table}, mapping)) continue;
    with_nodes += (with_nodes.empty() ? "" : " UNION ALL ") + rows;
  }
  steps.runs = pruned(steps.records, "node = '' AND reason = 0");
  steps.attempts = pruned(with_nodes, "node != '' AND reason = 0");
  const std::string losers = fmt::format(
      "SELECT t FROM (SELECT arrayReverseSort(groupArray({})) AS ts FROM ({}) WHERE {} IN ({}) "
      "GROUP "
      "BY is_request, key HAVING length(ts) > 1) ARRAY JOIN arraySlice(ts, 2) AS t",
      kContent, steps.runs, "h", repeated);
  steps.losers = fmt::format("SELECT {} FROM ({})", kUnpacked, losers);
  const std::string stands = fmt::format(
      "SELECT is_request, key, arrayReverseSort(groupArray({}))[1] AS t FROM ({}) WHERE "
      "(is_request, "
      "key) IN (SELECT is_request, key FROM ({})) GROUP BY is_request, key",
      kContent, steps.runs, steps.attempts);
  steps.standing = fmt::format("SELECT is_request, key, {} FROM ({})", kUnpacked, stands);
  steps.derived = derived_of(steps, mapping.outcome_node);

  std::string answers = clickhouse_answer("shard", {}, {});
  for (const ClickHouseTable& table : tables) {
    answers += " UNION ALL " + clickhouse_packed_runs(table, mapping, query);
  }
  if (!repeated.empty()) {
    answers += " UNION ALL " + counted_run_rows(steps.losers, query, -1, false) + " UNION ALL " +
               clickhouse_answer("input", {}, {"0", "0", "lost", "-1"}) +
               " FROM (SELECT toInt64(count()) AS lost FROM (" + losers + "))";
  }
  if (clickhouse_have_nodes(tables, mapping)) {
    answers += " UNION ALL " + counted_run_rows(steps.derived, query, 1, true) +
               counted_node_rows(steps, query);
  }
  std::string columns = "kind, c1, c2, c3, c4, c5, c6";
  for (int i = 0; i < 12; ++i) columns += fmt::format(", n{}", i);
  return "SELECT " + columns + " FROM " + on_shards(answers, tables.front().cluster) +
         " FORMAT TabSeparated";
}

}  // namespace dagloop
