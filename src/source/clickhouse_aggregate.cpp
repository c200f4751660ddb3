#include "source/clickhouse_aggregate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "source/clickhouse_expressions.hpp"
#include "source/clickhouse_runs.hpp"
#include "source/packed_runs.hpp"

namespace dagloop {

namespace {

constexpr int kParts = 1024;  // of the hashes of keys

// The columns of runs or attempts, in the order in which equal ones stand (RunTable).
std::string content() {
  return fmt::format(
      "(at, status <= {}, status, code, compensation, population, cohort, unverified, fallback, "
      "reused, duration, undoes, fanout_total, fanout_failed, tokens, cost, has_tokens, has_cost, "
      "plan, pipeline, unread)",
      packed::kLastFinal);
}

// The columns that are counted, out of such a tuple.
std::string unpacked() {
  return fmt::format(
      "t.1 AS at, t.3 AS status, t.4 AS code, t.5 AS compensation, t.6 AS population, t.7 AS "
      "cohort, t.8 AS unverified, t.9 AS fallback, t.10 AS reused, t.11 AS duration, t.13 AS "
      "fanout_total, t.14 AS fanout_failed, t.15 AS tokens, t.16 AS cost, t.17 AS has_tokens, t.18 "
      "AS has_cost, t.19 AS plan, t.20 AS pipeline, t.21 AS unread, t.3 = {} AS manual, t.1 AS "
      "newest_at",
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
  std::string poorer;    // those of which their nodes say more...
  std::string richer;    // ...and with that
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

// The latest of some texts; of equally late ones the smallest.
std::string latest_text(const std::string& text) {
  return fmt::format("arraySort(groupArray(({0} = '', -at, {0})))[1].3", text);
}

std::string derived_of(const Steps& steps, const std::string& outcome_node) {
  const std::string orphans = "SELECT * FROM (" + steps.attempts +
                              ") WHERE (is_request, key) NOT IN (SELECT is_request, key FROM (" +
                              steps.runs + "))";
  // x: node, item, attempt, at, final, ended badly, the content, code, status, undoes, upstream
  const std::string united = fmt::format(
      "SELECT is_request, key, max(at) AS run_end, min(population) AS p, if(max(cohort = "
      "{canary}), {canary}, max(cohort)) AS c, max(unverified) AS u, max(fallback) AS f, "
      "max(reused) AS r, max(status = {manual}) AS m, max(compensation) AS comp, "
      "sum(fanout_total) AS total, sum(fanout_failed) AS failed, sum(tokens) AS token_sum, "
      "max(has_tokens) AS any_tokens, sum(cost) AS cost_sum, max(has_cost) AS any_cost, "
      "groupBitOr(unread) AS un, {plan} AS last_plan, {pipeline} AS last_pipeline, "
      "max(duration >= 0) AS any_duration, groupArray((at, if(duration < 0, 0., duration))) AS "
      "spans, arrayReverseSort(groupArray((node, item, attempt, at, status <= {final}, status "
      "IN ({bad}), {content}, code, status, undoes, is_upstream))) AS tries FROM ({orphans}) "
      "GROUP BY is_request, key",
      fmt::arg("canary", packed::digit_of(Cohort::canary)),
      fmt::arg("manual", packed::digit_of(Status::manual_required)),
      fmt::arg("plan", latest_text("plan")), fmt::arg("pipeline", latest_text("pipeline")),
      fmt::arg("final", packed::kLastFinal), fmt::arg("bad", packed::bad_statuses()),
      fmt::arg("content", content()), fmt::arg("orphans", orphans));
  // What undoes the others says nothing, unless there is nothing else.
  const std::string last = fmt::format(
      "SELECT *, arrayMap(x -> concat(toString(x.2), ' ', x.1), tries) AS names, arrayFilter((x, "
      "n, before) -> n != before, tries, names, arrayPushFront(arrayPopBack(names), '')) AS "
      "all_last, if(arrayExists(x -> x.10 = 0, all_last), arrayFilter(x -> x.10 = 0, all_last), "
      "all_last) AS last FROM ({})",
      united);
  // The outcome node decides alone where the run has it; without it all nodes do.
  const std::string deciding = fmt::format(
      "SELECT *, if(arrayExists(x -> x.1 = {0} AND x.1 != '', last), arrayFilter(x -> x.1 = {0}, "
      "last), last) AS decide FROM ({1})",
      clickhouse_literal(outcome_node), last);
  const std::string is_bad = "(x.6 != 0 OR x.11 != 0 AND x.5 != 0)";
  const std::string outcome = fmt::format(
      "SELECT *, multiIf(arrayExists(x -> x.9 = {running}, last), {running}, arrayExists(x -> "
      "x.9 = {compensating}, last), {compensating}, arrayExists(x -> x.9 = {pending}, last), "
      "{pending}, NOT arrayExists(x -> x.9 != {skipped} OR x.11 != 0, last), {skipped}, "
      "arrayExists(x -> {bad}, decide), {failed}, {succeeded}) AS s, "
      "arraySort(arrayPushBack(arrayMap(x -> (x.4, x.1, x.2, x.8), arrayFilter(x -> {bad} AND "
      "x.8 != '', decide)), (toInt64(9223372036854775807), '', toInt64(0), ''))) AS codes FROM "
      "({from})",
      fmt::arg("running", packed::digit_of(Status::running)),
      fmt::arg("compensating", packed::digit_of(Status::compensating)),
      fmt::arg("pending", packed::digit_of(Status::pending)),
      fmt::arg("skipped", packed::digit_of(Status::skipped)),
      fmt::arg("failed", packed::digit_of(Status::failed)),
      fmt::arg("succeeded", packed::digit_of(Status::succeeded)), fmt::arg("bad", is_bad),
      fmt::arg("from", deciding));
  return fmt::format(
      "SELECT is_request, key, run_end AS at, toUInt8(s) AS status, codes[1].4 AS code, comp AS "
      "compensation, p AS population, toUInt8(c) AS cohort, u AS unverified, f AS fallback, r AS "
      "reused, if(any_duration != 0, arrayReduce('max', arrayMap(x -> toFloat64(run_end - x.1) / "
      "1000 + x.2, spans)), -1.) AS duration, total AS fanout_total, failed AS fanout_failed, "
      "token_sum AS tokens, any_tokens AS has_tokens, cost_sum AS cost, any_cost AS has_cost, "
      "last_plan AS plan, last_pipeline AS pipeline, un AS unread, m AS manual, run_end AS "
      "newest_at FROM ({})",
      outcome);
}

// Standing run records of which their node records say more: a later time of a run that may be
// overdue, a pipeline, tokens or cost.
std::string told_of(const Steps& steps, const CountScope& scope) {
  const std::string nodes = fmt::format(
      "SELECT is_request, key, max(at) AS node_at, sum(tokens) AS node_tokens, max(has_tokens) AS "
      "node_has_tokens, sum(cost) AS node_cost, max(has_cost) AS node_has_cost, {} AS "
      "node_pipeline "
      "FROM ({}) GROUP BY is_request, key",
      latest_text("pipeline"), steps.attempts);
  return fmt::format(
      "SELECT * FROM (SELECT * FROM ({}) ALL INNER JOIN ({}) USING (is_request, key)) WHERE status "
      "IN ({}) AND node_at > at OR NOT has_tokens AND node_has_tokens OR NOT has_cost AND "
      "node_has_cost OR pipeline = '' AND node_pipeline != ''",
      steps.standing, nodes, packed::open_statuses(scope.rules));
}

constexpr const char* kSameColumns =
    "at, status, code, compensation, population, cohort, unverified, fallback, reused, duration, "
    "fanout_total, fanout_failed, plan, unread, manual";

std::string poorer_of(const std::string& told) {
  return fmt::format("SELECT {}, tokens, has_tokens, cost, has_cost, pipeline, newest_at FROM ({})",
                     kSameColumns, told);
}

std::string richer_of(const std::string& told) {
  return fmt::format(
      "SELECT {0}, if(h, t, node_tokens) AS tokens, h OR node_has_tokens AS has_tokens, if(hc, c, "
      "node_cost) AS cost, hc OR node_has_cost AS has_cost, if(l = '', node_pipeline, l) AS "
      "pipeline, if(node_at > at, node_at, at) AS newest_at FROM (SELECT {0}, tokens AS t, "
      "has_tokens "
      "AS h, cost AS c, has_cost AS hc, pipeline AS l, node_at, node_tokens, node_has_tokens, "
      "node_cost, node_has_cost, node_pipeline FROM ({1}))",
      kSameColumns, told);
}

// Runs that show a pipeline which `condition` holds for: of their own records, else of their nodes.
std::string runs_showing(const std::string& records, const std::string& condition) {
  return fmt::format(
      "SELECT is_request, key FROM (SELECT is_request, key, arraySort(groupArray((pipeline = '', "
      "node != '', -at, pipeline)))[1].4 AS shown FROM ({}) WHERE valid GROUP BY is_request, key) "
      "WHERE shown {}",
      records, condition);
}

// Names with commas; none where all are selected.
std::string clickhouse_pipelines(const CountingRules& rules) {
  std::string list;
  for (const std::string& name : rules.pipelines) {
    list += (list.empty() ? "" : ", ") + clickhouse_literal(name);
  }
  return list;
}

std::string counted_node_rows(const Steps& steps, const CountScope& scope) {
  const std::string pipelines = clickhouse_pipelines(scope.rules);
  std::string runs = fmt::format(
      "SELECT is_request, key, at AS run_at, toUInt8(population) AS run_population, "
      "toUInt8(cohort) "
      "AS run_cohort, {} AS run_age, plan AS run_plan, if(pipeline = '', node_pipeline, pipeline) "
      "AS run_pipeline FROM (SELECT is_request, key, at, status, population, cohort, duration, "
      "plan, pipeline FROM ({}) UNION ALL SELECT is_request, key, at, status, population, cohort, "
      "duration, plan, pipeline FROM ({})) ALL LEFT JOIN (SELECT is_request, key, {} AS "
      "node_pipeline FROM ({}) GROUP BY is_request, key) USING (is_request, key) WHERE status IN "
      "({})",
      clickhouse_age_class("at", "duration", scope.query), steps.standing, steps.derived,
      latest_text("pipeline"), steps.attempts, packed::rated_statuses(scope.rules));
  if (!pipelines.empty()) {
    runs +=
        " AND (is_request, key) IN (" + runs_showing(steps.records, "IN (" + pipelines + ")") + ")";
  }
  // Each attempt, and behind those of an item one that counts the pair of run and item.
  const std::string tries = fmt::format(
      "SELECT is_request, key, node, item, arrayPushBack(groupArray(({}, toInt64(1), "
      "toInt64(status "
      "= {}), toInt64(attempt > 1), toInt64(attempt > 1 AND status = {}), toInt64(0))), "
      "(toInt64(-1), toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(1))) AS tries FROM "
      "({}) "
      "WHERE status != {} AND NOT is_upstream AND NOT undoes GROUP BY is_request, key, node, item",
      "if(duration < 0, toInt64(0), " + clickhouse_duration("duration") + ") - 1",
      packed::digit_of(Status::failed), packed::digit_of(Status::succeeded), steps.attempts,
      packed::digit_of(Status::skipped));
  const std::string counted = fmt::format(
      "SELECT {} AS span, run_population, run_cohort, run_age, run_plan, run_pipeline, node, t.1 "
      "AS bucket, sum(t.2) AS "
      "s0, sum(t.3) AS s1, sum(t.4) AS s2, sum(t.5) AS s3, sum(t.6) AS s4 FROM (SELECT run_at, "
      "run_population, run_cohort, run_age, run_plan, run_pipeline, node, tries FROM ({}) ALL "
      "INNER JOIN ({}) USING (is_request, key)) ARRAY JOIN tries AS t GROUP BY span, "
      "run_population, run_cohort, run_age, run_plan, run_pipeline, node, bucket",
      clickhouse_span("run_at", scope.query), tries, runs);
  return " UNION ALL " +
         clickhouse_answer("node",
                           {"span", "run_population", "run_cohort", "node", "run_plan",
                            "run_pipeline", "bucket", "run_age"},
                           {"s0", "s1", "s2", "s3", "s4"}) +
         " FROM (" + counted + ")";
}

// Rows of `unread` that may be attempts of a run that is over: they are placed where that is.
std::string unread_tries(const std::string& records, const std::string& unread,
                         const CountScope& scope) {
  const std::string pipelines = clickhouse_pipelines(scope.rules);
  const std::string ends = fmt::format(
      "SELECT is_request, key AS name, arrayReverseSort(groupArray({})) AS ts FROM ({}) WHERE "
      "valid AND node = '' GROUP BY is_request, name",
      content(), records);
  const std::string selected =
      pipelines.empty()
          ? ""
          : " AND (is_request, name) IN (" + runs_showing(records, "IN (" + pipelines + ")") + ")";
  return fmt::format(
      "SELECT ts[1].1 AS run_at, toUInt8(ts[1].6) AS run_population, toUInt8(if(ts[1].7 = 0, "
      "toUInt8(shown_cohort), toUInt8(ts[1].7))) AS run_cohort, tries FROM (SELECT * FROM ({}) "
      "WHERE NOT keyless AND tries > 0) ALL INNER JOIN ({}) USING (is_request, name) WHERE "
      "ts[1].3 IN ({}){}",
      unread, ends, packed::rated_statuses(scope.rules), selected);
}

// A statement whose rows are those of AnswerRow, answered by every shard for itself.
std::string answered(const std::string& answers, const std::string& cluster) {
  std::string columns = "kind";
  for (std::size_t i = 0; i < kClickHouseKeys; ++i) columns += fmt::format(", c{}", i + 1);
  for (std::size_t i = 0; i < kPackedCounts.size(); ++i) columns += fmt::format(", n{}", i);
  return "SELECT " + columns + " FROM " + on_shards(answers, cluster) + " FORMAT TabSeparated";
}

}  // namespace

std::string clickhouse_repeated_query(const std::vector<ClickHouseTable>& tables,
                                      const CountScope& scope) {
  std::string hashes;
  for (const ClickHouseTable& table : tables) {
    const ClickHouseExpressions row(table, scope.mapping);
    std::string filter = clickhouse_run_filter(table, scope.mapping, scope.query);
    if (row.has(Field::node_id)) {
      filter += fmt::format(" AND ({} = '' OR {} = '{}')", row.text(Field::node_id),
                            row.text(Field::node_type), kRunNodeType);
    }
    hashes += (hashes.empty() ? "" : " UNION ALL ") +
              clickhouse_values(table, {{"h", row.hash()}}, table.local + filter);
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

std::string clickhouse_query(const std::vector<ClickHouseTable>& tables, const CountScope& scope,
                             const std::string& repeated) {
  Steps steps;
  steps.records = clickhouse_records(tables, scope);
  std::vector<ClickHouseTable> with_nodes;
  std::ranges::copy_if(tables, std::back_inserter(with_nodes), [&](const ClickHouseTable& table) {
    return clickhouse_have_nodes({table}, scope.mapping);
  });
  steps.runs = pruned(steps.records, "node = '' AND valid");
  steps.attempts = pruned(clickhouse_records(with_nodes, scope), "node != '' AND valid");
  const std::string losers = fmt::format(
      "SELECT t FROM (SELECT arrayReverseSort(groupArray({})) AS ts FROM ({}) WHERE h IN ({}) "
      "GROUP "
      "BY is_request, key HAVING length(ts) > 1) ARRAY JOIN arraySlice(ts, 2) AS t",
      content(), steps.runs, repeated);
  steps.losers = fmt::format("SELECT {} FROM ({})", unpacked(), losers);
  // Only of runs that have nodes: those of all others are counted without being sorted.
  const std::string stands = fmt::format(
      "SELECT is_request, key, arrayReverseSort(groupArray({}))[1] AS t FROM ({}) WHERE "
      "(is_request, key) IN (SELECT is_request, key FROM ({})) GROUP BY is_request, key",
      content(), steps.runs, steps.attempts);
  steps.standing = fmt::format("SELECT is_request, key, {} FROM ({})", unpacked(), stands);
  steps.derived = derived_of(steps, scope.mapping.outcome_node);
  const std::string told = told_of(steps, scope);
  steps.poorer = poorer_of(told);
  steps.richer = richer_of(told);

  std::string answers = clickhouse_answer("shard", {}, {});
  const auto add = [&](PackedUse use, const std::string& runs) {
    answers += " UNION ALL " + clickhouse_packed_settled(use, runs, scope);
  };
  for (const ClickHouseTable& table : tables) {
    answers += " UNION ALL " + clickhouse_packed_runs(table, scope);
  }
  if (!repeated.empty()) add(PackedUse::lost, steps.losers);
  if (!with_nodes.empty()) {
    add(PackedUse::derived, steps.derived);
    add(PackedUse::poorer, steps.poorer);
    add(PackedUse::richer, steps.richer);
    answers += counted_node_rows(steps, scope);
  }
  return answered(answers, tables.front().cluster);
}

std::string clickhouse_unread_query(const std::vector<ClickHouseTable>& tables,
                                    const CountScope& scope) {
  const std::string records = clickhouse_records(tables, scope);
  const Window& range = scope.query.range;
  // Rows that show no run may hide one each, also where they read alike.
  const std::string faults = fmt::format(
      "SELECT is_request, toUInt8(key = '') AS keyless, key AS name, if(at >= {} AND at < {}, at, "
      "toInt64({})) AS fault_at, cohort AS fault_cohort, node != '' AS is_try FROM ({}) WHERE NOT "
      "valid",
      clickhouse_micros(range.start), clickhouse_micros(range.end),
      clickhouse_micros(range.end - Microseconds{1}), records);
  const std::string unread = fmt::format(
      "SELECT is_request, keyless, name, max(fault_at) AS newest_at, toUInt8(if(max(fault_cohort = "
      "{0}), {0}, max(fault_cohort))) AS shown_cohort, countIf(is_try) AS tries FROM ({1}) WHERE "
      "NOT keyless GROUP BY is_request, keyless, name UNION ALL SELECT is_request, keyless, name, "
      "fault_at AS newest_at, fault_cohort AS shown_cohort, toUInt64(is_try) AS tries FROM ({1}) "
      "WHERE keyless",
      packed::digit_of(Cohort::canary), faults);
  const std::string ended = fmt::format(
      "SELECT is_request, toUInt8(0) AS keyless, key FROM (SELECT is_request, key, "
      "arrayReverseSort(groupArray((at, status <= {0}, status)))[1].2 AS is_over FROM ({1}) WHERE "
      "valid AND node = '' GROUP BY is_request, key) WHERE is_over != 0",
      packed::kLastFinal, records);
  const std::string pipelines = clickhouse_pipelines(scope.rules);
  std::string runs = fmt::format("SELECT * FROM ({}) WHERE (is_request, keyless, name) NOT IN ({})",
                                 unread, ended);
  if (!pipelines.empty()) {
    runs += " AND (keyless OR (is_request, name) NOT IN (" +
            runs_showing(records, "!= '' AND shown NOT IN (" + pipelines + ")") + "))";
  }
  const std::string counted = fmt::format(
      "SELECT {} AS span, toUInt8(0) AS run_population, toUInt8(shown_cohort) AS run_cohort, "
      "toInt64(1) AS one, toInt64(if(tries = 0, 0, tries - 1)) AS more FROM ({}) UNION ALL SELECT "
      "{} AS span, run_population, run_cohort, toInt64(0) AS one, toInt64(tries) AS more FROM ({})",
      clickhouse_span("newest_at", scope.query), runs, clickhouse_span("run_at", scope.query),
      unread_tries(records, unread, scope));
  return answered(
      clickhouse_answer(std::string(kUnreadWord), {"span", "run_population", "run_cohort"},
                        {"runs", "attempts"}) +
          fmt::format(" FROM (SELECT span, run_population, run_cohort, sum(one) AS runs, sum(more) "
                      "AS attempts FROM ({}) GROUP BY span, run_population, run_cohort)",
                      counted),
      tables.front().cluster);
}

}  // namespace dagloop
