#include "source/clickhouse_aggregate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/base/error.hpp"
#include "source/clickhouse_runs.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

namespace {

constexpr int kParts = 1024;  // of the hashes of keys

// Whether a row is a record.
std::string is_valid(const LogQuery& query) {
  return fmt::format(
      "NOT (isNaN(duration) OR isInfinite(duration) OR at = 0 OR status IN (0, {}) OR key = '' OR "
      "compensation = {} OR cohort = {} OR duration < 0 AND has_duration OR attempt < 1 OR attempt "
      "> {} OR fanout_total < 0 OR fanout_total > {} OR fanout_failed < 0 OR fanout_failed > {} OR "
      "at > {})",
      packed::kUnknownStatus, packed::kUnknownCompensation, packed::kUnknownCohort, kMaxAttempt,
      kMaxCount, kMaxCount, clickhouse_micros(query.latest));
}

// The rows of a table in the words of the contract.
std::string counted_rows(const ClickHouseTable& table, const Mapping& mapping,
                         const LogQuery& query) {
  const ClickHouseExpressions row(table, mapping);
  const std::string run_id = row.text(Field::pipeline_run_id);
  const std::string mode = row.text(Field::execution_mode);
  std::string has_duration = row.has(Field::duration_ms) ? "1" : "0";
  if (row.can_be_null(Field::duration_ms)) {
    has_duration =
        "isNotNull(" + clickhouse_name(clickhouse_column_of(mapping, Field::duration_ms)) + ")";
  }
  const std::string words = fmt::format(
      "SELECT {hash} AS h, {at} AS at, {run} = '' AS is_request, if({run} = '', {request}, {run}) "
      "AS key, "
      "if({type} = '{run_type}', '', {node}) AS node, {attempt} AS attempt, toUInt8({status}) AS "
      "status, {code} AS code, {plan} AS plan, toUInt8({compensation}) AS compensation, "
      "toUInt8(if({mode} = '', {run} = '', {mode} NOT IN ({dag_modes}))) AS population, "
      "toUInt8({cohort}) AS cohort, {verification} != '' AS unverified, {fallback} != '' AS "
      "fallback, {reused} AS reused, {has_duration} AS has_duration, {duration} AS duration, "
      "{total} AS fanout_total, {failed} AS fanout_failed FROM {table}{filter}",
      fmt::arg("hash", row.hash()), fmt::arg("at", row.at()), fmt::arg("run", run_id),
      fmt::arg("request", row.text(Field::request_id)),
      fmt::arg("type", row.text(Field::node_type)), fmt::arg("node", row.text(Field::node_id)),
      fmt::arg("attempt", row.number(Field::attempt, "Int64", "1")),
      fmt::arg("status", clickhouse_word(row.text(Field::status), packed::digits_of(kStatusWords),
                                         packed::kUnknownStatus, 0)),
      fmt::arg("code", row.text(Field::error_code)), fmt::arg("plan", row.text(Field::plan_source)),
      fmt::arg("compensation", clickhouse_word(row.text(Field::compensation_status),
                                               packed::digits_of(kCompensationWords),
                                               packed::kUnknownCompensation, 0)),
      fmt::arg("mode", mode), fmt::arg("dag_modes", clickhouse_dag_modes()),
      fmt::arg("run_type", kRunNodeType),
      fmt::arg("cohort", clickhouse_word(row.text(Field::cohort), packed::digits_of(kCohortWords),
                                         packed::kUnknownCohort, 0)),
      fmt::arg("verification", row.text(Field::verification_reason)),
      fmt::arg("fallback", row.text(Field::fallback_reason)),
      fmt::arg("reused", row.number(Field::idempotent_reuse, "UInt8", "0")),
      fmt::arg("has_duration", has_duration),
      fmt::arg("duration", row.number(Field::duration_ms, "Float64", "-1")),
      fmt::arg("total", row.number(Field::fanout_total, "Int64", "0")),
      fmt::arg("failed", row.number(Field::fanout_failed, "Int64", "0")),
      fmt::arg("table", table.local),
      fmt::arg("filter", clickhouse_time_filter(table, mapping, query)));
  return "SELECT *, " + is_valid(query) + " AS valid FROM (" + words + ")";
}

// The columns of runs or attempts, in the order in which equal ones stand (RunTable).
std::string content() {
  return fmt::format(
      "(at, status <= {}, status, code, compensation, population, cohort, unverified, fallback, "
      "reused, duration, fanout_total, fanout_failed, plan)",
      packed::kLastFinal);
}

// The columns that are counted, out of such a tuple.
std::string unpacked() {
  return fmt::format(
      "t.1 AS at, t.3 AS status, t.4 AS code, t.5 AS compensation, t.6 AS population, t.7 AS "
      "cohort, t.8 AS unverified, t.9 AS fallback, t.10 AS reused, t.11 AS duration, t.12 AS "
      "fanout_total, t.13 AS fanout_failed, t.14 AS plan, t.3 = {} AS manual",
      packed::digit_of(Status::manual_required));
}

bool clickhouse_have_nodes(const std::vector<ClickHouseTable>& tables, const Mapping& mapping) {
  return std::ranges::any_of(tables, [&](const ClickHouseTable& table) {
    return table.columns.contains(clickhouse_column_of(mapping, Field::node_id));
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
  // ClickHouse sends a query to the shards only where its left side is a distributed table.
  // system.one has one row on each server, and the subquery beside it runs there, on local tables.
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
      "SELECT is_request, key, max(at) AS run_end, min(population) AS p, if(max(cohort = "
      "{canary}), "
      "{canary}, max(cohort)) AS c, max(unverified) AS u, max(fallback) AS f, max(reused) AS r, "
      "max(status = {manual}) AS m, max(compensation) AS comp, sum(fanout_total) AS total, "
      "sum(fanout_failed) AS "
      "failed, "
      "arraySort(groupArray((plan = '', -at, plan))) AS plans, max(has_duration) AS any_duration, "
      "groupArray((at, if(duration < 0, 0., duration))) AS spans, "
      "arrayReverseSort(groupArray((node, attempt, at, status <= {final}, status IN ({bad}), code, "
      "status, {content}))) AS tries FROM ({orphans}) GROUP BY is_request, key",
      fmt::arg("canary", packed::digit_of(Cohort::canary)),
      fmt::arg("manual", packed::digit_of(Status::manual_required)),
      fmt::arg("final", packed::kLastFinal), fmt::arg("bad", packed::bad_statuses()),
      fmt::arg("content", content()), fmt::arg("orphans", orphans));
  // Sorted downwards by node and attempt, so the first of each node is its last attempt: the one
  // whose name differs from the name before.
  const std::string last = fmt::format(
      "SELECT *, arrayMap(x -> x.1, tries) AS names, arrayFilter((x, n, before) -> n != before, "
      "tries, "
      "names, arrayPushFront(arrayPopBack(names), '')) AS last FROM ({})",
      united);
  // The outcome node decides alone where the run has it; without it all nodes do.
  const std::string deciding = fmt::format(
      "SELECT *, if(arrayExists(x -> x.1 = {0} AND x.1 != '', last), arrayFilter(x -> x.1 = {0}, "
      "last), last) AS decide FROM ({1})",
      clickhouse_literal(outcome_node), last);
  const std::string outcome = fmt::format(
      "SELECT *, if(arrayExists(x -> x.7 > {}, last), {}, if(arrayExists(x -> x.5 != 0, decide), "
      "{}, "
      "{})) AS s, arraySort(arrayPushBack(arrayMap(x -> (x.3, x.1, x.6), arrayFilter(x -> x.5 != 0 "
      "AND x.6 != '', decide)), (toInt64(9223372036854775807), '', ''))) AS codes FROM ({})",
      packed::kLastFinal, packed::digit_of(Status::running), packed::digit_of(Status::failed),
      packed::digit_of(Status::succeeded), deciding);
  return fmt::format(
      "SELECT is_request, key, run_end AS at, toUInt8(s) AS status, codes[1].3 AS code, comp AS "
      "compensation, p AS population, toUInt8(c) AS cohort, u AS unverified, f AS fallback, r AS "
      "reused, if(any_duration != 0, arrayReduce('max', arrayMap(x -> toFloat64(run_end - x.1) / "
      "1000 + x.2, spans)), -1.) AS duration, total AS fanout_total, failed AS fanout_failed, "
      "plans[1].3 AS plan, m AS manual FROM ({})",
      outcome);
}

std::string counted_node_rows(const Steps& steps, const LogQuery& query) {
  const std::string runs =
      "SELECT is_request, key, at AS run_at, toUInt8(population) AS run_population, "
      "toUInt8(cohort) "
      "AS run_cohort FROM (SELECT is_request, key, at, status, population, cohort FROM (" +
      steps.standing + ") UNION ALL SELECT is_request, key, at, status, population, cohort FROM (" +
      steps.derived + ")) WHERE status <= " + std::to_string(packed::kLastFinal);
  // Each attempt, and behind those of a node one that counts the pair of run and node.
  const std::string tries = fmt::format(
      "SELECT is_request, key, node, arrayPushBack(groupArray(({}, toInt64(1), toInt64(status = "
      "{}), toInt64(attempt > 1), toInt64(attempt > 1 AND status = {}), toInt64(0))), "
      "(toInt64(-1), "
      "toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(1))) AS tries FROM ({}) GROUP BY "
      "is_request, key, node",
      "if(duration < 0, toInt64(0), " + clickhouse_duration("duration") + ") - 1",
      packed::digit_of(Status::failed), packed::digit_of(Status::succeeded), steps.attempts);
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
    const auto known = field_named(field);
    const bool is_text = known && type_of(*known) == FieldType::text;
    if (place.source != FieldSource::column || (!place.aliases.empty() && !is_text)) {
      throw Error(ErrorKind::source, where,
                  "the mapping of " + field + " cannot be counted by ClickHouse",
                  "make a view that has it as a column of its own");
    }
  }
  // The others may be absent in any record; without these two no row is one.
  for (const Field field : {Field::created_at, Field::status}) {
    if (!table.columns.contains(clickhouse_column_of(mapping, field))) {
      throw Error(ErrorKind::source, where, "has no column " + clickhouse_column_of(mapping, field),
                  "name another table (runs_table=, nodes_table=), or give a mapping (--mapping)");
    }
  }
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const auto column = table.columns.find(clickhouse_column_of(mapping, field));
    if (column == table.columns.end()) continue;
    if (clickhouse_type_fits(type_of(field), column->second)) continue;
    throw Error(ErrorKind::source, where,
                "column " + column->first + " is of type " + column->second +
                    ", which cannot hold " + std::string(to_string(field)),
                "make a view with the types of sql/clickhouse/0001_logs.sql");
  }
}

std::string clickhouse_repeated_query(const std::vector<ClickHouseTable>& tables,
                                      const Mapping& mapping, const LogQuery& query) {
  std::string hashes;
  for (const ClickHouseTable& table : tables) {
    const ClickHouseExpressions row(table, mapping);
    std::string filter = clickhouse_time_filter(table, mapping, query);
    if (row.has(Field::node_id)) {
      filter += fmt::format(" AND ({} = '' OR {} = '{}')", row.text(Field::node_id),
                            row.text(Field::node_type), kRunNodeType);
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
  steps.runs = pruned(steps.records, "node = '' AND valid");
  steps.attempts = pruned(with_nodes, "node != '' AND valid");
  const std::string losers = fmt::format(
      "SELECT t FROM (SELECT arrayReverseSort(groupArray({})) AS ts FROM ({}) WHERE {} IN ({}) "
      "GROUP "
      "BY is_request, key HAVING length(ts) > 1) ARRAY JOIN arraySlice(ts, 2) AS t",
      content(), steps.runs, "h", repeated);
  steps.losers = fmt::format("SELECT {} FROM ({})", unpacked(), losers);
  // Only of runs that have nodes: those of all others are counted without being sorted.
  const std::string stands = fmt::format(
      "SELECT is_request, key, arrayReverseSort(groupArray({}))[1] AS t FROM ({}) WHERE "
      "(is_request, "
      "key) IN (SELECT is_request, key FROM ({})) GROUP BY is_request, key",
      content(), steps.runs, steps.attempts);
  steps.standing = fmt::format("SELECT is_request, key, {} FROM ({})", unpacked(), stands);
  steps.derived = derived_of(steps, mapping.outcome_node);

  std::string answers = clickhouse_answer("shard", {}, {});
  for (const ClickHouseTable& table : tables) {
    answers += " UNION ALL " + clickhouse_packed_runs(table, mapping, query);
  }
  if (!repeated.empty()) {
    answers += " UNION ALL " + clickhouse_packed_settled(PackedUse::lost, steps.losers, query);
  }
  if (clickhouse_have_nodes(tables, mapping)) {
    answers += " UNION ALL " + clickhouse_packed_settled(PackedUse::derived, steps.derived, query) +
               counted_node_rows(steps, query);
  }
  std::string columns = "kind, c1, c2, c3, c4, c5, c6";
  for (std::size_t i = 0; i < kPackedCounts.size(); ++i) columns += fmt::format(", n{}", i);
  return "SELECT " + columns + " FROM " + on_shards(answers, tables.front().cluster) +
         " FORMAT TabSeparated";
}

}  // namespace dagloop
