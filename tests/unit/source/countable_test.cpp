// Which tables a database may count: whatever a file's record could mean otherwise is refused, or
// read as rows.
#include <catch2/catch.hpp>
#include <set>

#include "dagloop/base/error.hpp"
#include "source/clickhouse_aggregate.hpp"
#include "source/clickhouse_rows.hpp"
#include "source/clickhouse_runs.hpp"
#include "source/partial_rows.hpp"
#include "source/postgres_aggregate.hpp"
#include "source/postgres_expressions.hpp"
#include "source/postgres_runs.hpp"
#include "source/sql_countable.hpp"

namespace dagloop {
namespace {

PostgresTable usual_table() {
  return {"logs",
          {{"created_at", "timestamptz"},
           {"status", "text"},
           {"request_id", "uuid"},
           {"duration_ms", "numeric"},
           {"idempotent_reuse", "bool"},
           {"anything", "jsonb"}},
          {}};
}

SourceOptions options_with(const FieldMapping& duration) {
  SourceOptions options;
  options.mapping.fields["duration_ms"] = duration;
  return options;
}

ClickHouseTable usual_clickhouse_table() {
  return {"logs",
          "`d`.`logs`",
          "",
          "",
          {{"created_at", "DateTime64(3, 'UTC')"},
           {"status", "LowCardinality(String)"},
           {"request_id", "Nullable(String)"},
           {"duration_ms", "Nullable(Float64)"},
           {"anything", "Array(String)"}}};
}

std::string why_not(const ClickHouseTable& table) {
  try {
    demand_countable(table, Mapping{});
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::source);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("PostgreSQL counts columns of the usual types") {
  CHECK(can_aggregate({usual_table()}, {}));
  for (const auto& [column, type] :
       std::vector<std::pair<std::string, std::string>>{{"created_at", "text"},
                                                        {"status", "status_enum"},
                                                        {"status", "int4"},
                                                        {"request_id", "bool"},
                                                        {"error_code", "numeric"},
                                                        {"duration_ms", "float4"},
                                                        {"cohort", "jsonb"}}) {
    CAPTURE(column, type);
    PostgresTable table = usual_table();
    table.columns[column] = type;
    CHECK_FALSE(can_aggregate({usual_table(), table}, {}));
  }
}

TEST_CASE("PostgreSQL counts columns of other types that it can convert") {
  PostgresTable table = usual_table();
  table.columns.insert({{"error_code", "int4"},
                        {"attempt", "text"},
                        {"fanout_total", "float8"},
                        {"user_id", "int8"},
                        {"pipeline_run_id", "int8"},
                        {"node_id", "bool"},
                        {"tokens_in", "numeric"}});
  table.columns["duration_ms"] = "varchar";
  table.columns["idempotent_reuse"] = "int4";
  table.columns["created_at"] = "timestamp";
  CHECK(can_aggregate({table}, {}));
}

TEST_CASE("PostgreSQL does not count what a mapping or an option looks into") {
  CHECK(can_aggregate({usual_table()}, options_with({FieldSource::column, "ms", {}})));
  CHECK_FALSE(can_aggregate({usual_table()}, options_with({FieldSource::detail, "ms", {}})));
  CHECK_FALSE(can_aggregate({usual_table()}, options_with({FieldSource::pointer, "/a/ms", {}})));
  CHECK_FALSE(
      can_aggregate({usual_table()}, options_with({FieldSource::column, "ms", {{"-", "0"}}})));
  SourceOptions options;
  options.dedupe = Dedupe::records;
  CHECK_FALSE(can_aggregate({usual_table()}, options));
  options = {};
  options.mapping.created_at_marks = CreatedAtMarks::start;
  CHECK_FALSE(can_aggregate({usual_table()}, options));
}

TEST_CASE("ClickHouse counts columns of the usual types, and says what it cannot") {
  CHECK(why_not(usual_clickhouse_table()).empty());
  ClickHouseTable table = usual_clickhouse_table();
  table.columns["status"] = "Enum8('ok' = 1)";
  CHECK(why_not(table).find("column status is of type Enum8") != std::string::npos);
  table = usual_clickhouse_table();
  table.columns.erase("created_at");
  CHECK(why_not(table).find("has no column created_at") != std::string::npos);
}

TEST_CASE("no database counts what a mapping or an option looks into") {
  CHECK(can_count_in_sql({}));
  CHECK(can_count_in_sql(options_with({FieldSource::column, "ms", {}})));
  CHECK_FALSE(can_count_in_sql(options_with({FieldSource::detail, "ms", {}})));
  CHECK_FALSE(can_count_in_sql(options_with({FieldSource::pointer, "/a/ms", {}})));
  CHECK_FALSE(can_count_in_sql(options_with({FieldSource::column, "ms", {{"-", "0"}}})));
  FieldMapping with_unit{FieldSource::column, "ms", {}};
  with_unit.unit = DurationUnit::s;
  CHECK_FALSE(can_count_in_sql(options_with(with_unit)));
  FieldMapping none;
  none.form = FieldForm::none;
  CHECK(can_count_in_sql(options_with(none)));
  SourceOptions options;
  options.mapping.fields["status"] = {FieldSource::column, "state", {{"done", "succeeded"}}};
  CHECK(can_count_in_sql(options));
  options.mapping.only = OnlyLines{{FieldSource::column, "kind"}, {"run"}};
  CHECK_FALSE(can_count_in_sql(options));
  options = {};
  options.dedupe = Dedupe::records;
  CHECK_FALSE(can_count_in_sql(options));
  options = {};
  options.mapping.created_at_marks = CreatedAtMarks::start;
  CHECK_FALSE(can_count_in_sql(options));
}

TEST_CASE("rows of ClickHouse come in parts by all of their ids, whichever of them are NULL") {
  ClickHouseTable table = usual_clickhouse_table();
  table.columns["pipeline_run_id"] = "Nullable(String)";
  const SourceOptions options = options_with({FieldSource::detail, "ms", {}});
  const LogQuery query{{TimePoint{}, TimePoint{} + std::chrono::hours(1)}, TimePoint{}, {}};
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  const std::string part = clickhouse_mapped_rows(table, scope, {1, 2});
  CHECK(part.find("cityHash64(ifNull(toString(`pipeline_run_id`), ''), "
                  "ifNull(toString(`request_id`), '')) % 2 = 1") != std::string::npos);
  CHECK(clickhouse_mapped_rows(table, scope, {0, 1}).find("cityHash64") == std::string::npos);
  table.columns.erase("pipeline_run_id");
  CHECK(clickhouse_mapped_rows(table, scope, {0, 2})
            .find("cityHash64(ifNull(toString(`request_id`), '')) % 2 = 0") != std::string::npos);
}

TEST_CASE("no row is left out by its time where the mapping has aliases of times") {
  const LogQuery query{{TimePoint{} + std::chrono::hours(1), TimePoint{} + std::chrono::hours(2)},
                       TimePoint{} + std::chrono::hours(2),
                       {}};
  SourceOptions options;
  FieldMapping& end = options.mapping.fields["created_at"];
  end = {FieldSource::column, "created_at", {}};
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  CHECK(time_filter(usual_table(), options.mapping, query).starts_with(" WHERE \"created_at\""));
  const std::string filtered = clickhouse_row_count(usual_clickhouse_table(), scope);
  CHECK(filtered.find("WHERE (`created_at` >= ") != std::string::npos);
  end.aliases = {{"1970-01-01T00:00:01+00:00", ""}};
  CHECK(time_filter(usual_table(), options.mapping, query).empty());
  const std::string whole = clickhouse_row_count(usual_clickhouse_table(), scope);
  CHECK(whole.find(" WHERE 1 ") != std::string::npos);
}

TEST_CASE("names of the user's tables and words cannot leave their quotes") {
  SourceOptions options;
  options.mapping.fields["status"] = {FieldSource::column, "it's\"`\\", {{"o'k\\", "ok"}}};
  PostgresTable table = usual_table();
  table.columns["it's\"`\\"] = "text";
  const LogQuery query{{TimePoint{}, TimePoint{} + std::chrono::hours(1)}, TimePoint{}, {}};
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  for (const std::string& sql :
       {packed_runs_query(table, scope), settling_query({table}, scope, {"SELECT 1", true})}) {
    CHECK(sql.find("\"it's\"\"`\\\"") != std::string::npos);
    CHECK(sql.find("'o''k\\'") != std::string::npos);
  }
  ClickHouseTable other = usual_clickhouse_table();
  other.columns["it's\"`\\"] = "String";
  const std::string question = clickhouse_query({other}, scope, "");
  CHECK(question.find("`it's\"\\`\\\\`") != std::string::npos);
  CHECK(question.find("'o\\'k\\\\'") != std::string::npos);
}

TEST_CASE("the SQL of each database has every word and every counted column of the contract") {
  const std::set<Field> uncounted{Field::user_id, Field::idempotency_key, Field::policy_version};
  PostgresTable table{"logs", {}, {}};
  ClickHouseTable other{"logs", "`d`.`logs`", "", "", {}};
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const ContractField& field = kContractFields.at(i);
    const std::string name(field.name);
    table.columns[name] = field.type == FieldType::text    ? "text"
                          : field.type == FieldType::time  ? "timestamptz"
                          : field.type == FieldType::whole ? "int8"
                          : field.type == FieldType::real  ? "float8"
                                                           : "bool";
    other.columns[name] = field.type == FieldType::text    ? "String"
                          : field.type == FieldType::time  ? "DateTime64(6, 'UTC')"
                          : field.type == FieldType::whole ? "Int64"
                          : field.type == FieldType::real  ? "Float64"
                                                           : "UInt8";
  }
  CHECK(can_aggregate({table}, {}));
  CHECK(why_not(other).empty());
  const LogQuery query{{TimePoint{}, TimePoint{} + std::chrono::hours(1)}, TimePoint{}, {}};
  const SourceOptions options;
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  for (const std::string& sql :
       {packed_runs_query(table, scope) + settling_query({table}, scope, {}),
        settling_query({table}, scope, {"SELECT 1", true}),
        clickhouse_query({other}, scope, "1")}) {
    CAPTURE(sql);
    const auto has = [&](const std::string& text) { return sql.find(text) != std::string::npos; };
    for (const auto& word : kStatusWords) CHECK(has("'" + std::string(word.text) + "'"));
    for (const auto& word : kCompensationWords) CHECK(has("'" + std::string(word.text) + "'"));
    for (const auto& word : kCohortWords) CHECK(has("'" + std::string(word.text) + "'"));
    for (const std::string_view mode : kDagModes) CHECK(has("'" + std::string(mode) + "'"));
    CHECK(has("'" + std::string(kRunNodeType) + "'"));
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      if (!uncounted.contains(field)) CHECK(has(std::string(to_string(field))));
    }
  }
  for (const Field field : uncounted) {  // unless they have to be mended
    CHECK(packed_runs_query(table, scope).find(to_string(field)) == std::string::npos);
  }
}

TEST_CASE("packed statuses have the digits of the contract's values") {
  const packed::WordDigits digits = packed::digits_of(kStatusWords);
  CHECK(digits.size() == kStatusWords.size());
  for (const auto& [word, digit] : digits) {
    const Status status = value_of(kStatusWords, word).value();
    CHECK(digit == packed::digit_of(status));
    CHECK((digit <= packed::kLastFinal) == is_final(status));
  }
  CHECK(packed::bad_statuses() == "2, 3, 4");
}

TEST_CASE("a span stands for its first slot") {
  const TimePoint start = *parse_time("2026-02-25T00:02:00Z");
  const TimePoint cut = *parse_time("2026-02-26T00:00:00Z");
  LogQuery query{{start, cut + std::chrono::hours(24)}, cut, {cut}};
  CHECK(slot_of_span(0, query) == *parse_time("2026-02-25T00:00:00Z"));
  CHECK(slot_of_span(1, query) == cut);
  query.cuts.clear();
  CHECK(slot_of_span(cut.time_since_epoch() / kSlot, query) == cut);
}

}  // namespace dagloop
