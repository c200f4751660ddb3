// Which tables a database may count: whatever a file's record could mean otherwise is refused, or
// read as rows.
#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "source/clickhouse_aggregate.hpp"
#include "source/partial_rows.hpp"
#include "source/postgres_aggregate.hpp"
#include "source/postgres_runs.hpp"

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
          {{"created_at", "DateTime64(3, 'UTC')"},
           {"status", "LowCardinality(String)"},
           {"request_id", "Nullable(String)"},
           {"duration_ms", "Nullable(Float64)"},
           {"anything", "Array(String)"}}};
}

std::string why_not(const ClickHouseTable& table, const SourceOptions& options) {
  try {
    demand_countable(table, options);
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
                                                        {"duration_ms", "text"},
                                                        {"duration_ms", "float4"},
                                                        {"idempotent_reuse", "int4"},
                                                        {"attempt", "float8"},
                                                        {"user_id", "int8"}}) {
    CAPTURE(column, type);
    PostgresTable table = usual_table();
    table.columns[column] = type;
    CHECK_FALSE(can_aggregate({usual_table(), table}, {}));
  }
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
  CHECK(why_not(usual_clickhouse_table(), {}).empty());
  ClickHouseTable table = usual_clickhouse_table();
  table.columns["status"] = "Enum8('ok' = 1)";
  CHECK(why_not(table, {}).find("column status is of type Enum8") != std::string::npos);
  table = usual_clickhouse_table();
  table.columns.erase("created_at");
  CHECK(why_not(table, {}).find("has no column created_at") != std::string::npos);
  CHECK(why_not(usual_clickhouse_table(), options_with({FieldSource::detail, "ms", {}}))
            .find("mapping of duration_ms") != std::string::npos);
  SourceOptions options;
  options.dedupe = Dedupe::records;
  CHECK(why_not(usual_clickhouse_table(), options).find("dedupe") != std::string::npos);
}

TEST_CASE("names of the user's tables and words cannot leave their quotes") {
  SourceOptions options;
  options.mapping.fields["status"] = {FieldSource::column, "it's\"`\\", {{"o'k\\", "ok"}}};
  PostgresTable table = usual_table();
  table.columns["it's\"`\\"] = "text";
  const LogQuery query{{TimePoint{}, TimePoint{} + std::chrono::hours(1)}, TimePoint{}, {}};
  for (const std::string& sql : {packed_runs_query(table, options.mapping, query),
                                 settling_query({table}, options.mapping, query, "SELECT 1")}) {
    CHECK(sql.find("\"it's\"\"`\\\"") != std::string::npos);
    CHECK(sql.find("'o''k\\'") != std::string::npos);
  }
  ClickHouseTable other = usual_clickhouse_table();
  other.columns["it's\"`\\"] = "String";
  const std::string question = clickhouse_query({other}, options.mapping, query, "");
  CHECK(question.find("`it's\"\\`\\\\`") != std::string::npos);
  CHECK(question.find("'o\\'k\\\\'") != std::string::npos);
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
