#include "dagloop/source/postgres_source.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <pqxx/pqxx>
#include <thread>
#include <utility>
#include <vector>

#include "base/postgres_guard.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/uri.hpp"
#include "source/airflow_tables.hpp"
#include "source/partial_rows.hpp"
#include "source/postgres_aggregate.hpp"
#include "source/postgres_count.hpp"
#include "source/postgres_examples.hpp"
#include "source/postgres_repetition.hpp"
#include "source/postgres_rollup.hpp"
#include "source/postgres_rows.hpp"
#include "source/postgres_table.hpp"
#include "source/postgres_users.hpp"
#include "source/rollup_format.hpp"
#include "source/row_reader.hpp"

namespace dagloop {
namespace {

constexpr int kPostgresTries = 3;
constexpr std::chrono::milliseconds kFirstPostgresPause{200};
// Below that, rows are read and counted here: planning and compiling the large statement would take
// longer.
constexpr const char* kRowsAtMost = "50000";

// What a fault asks of the operator.
const char* remedy_of(PostgresFault fault) {
  switch (fault) {
    case PostgresFault::connection:
      return "check that the server runs, and host, database, user and password";
    case PostgresFault::privilege:
      return "grant this user SELECT on the table (sql/0002_reader_role.sql)";
    case PostgresFault::no_table:
      return "name the database that holds it";
    case PostgresFault::no_column:
      return "this layout is not known: make a view with the columns of the data contract";
    case PostgresFault::canceled:
      return "raise input.statement_timeout, index created_at, or take a shorter window";
    case PostgresFault::in_doubt:
    case PostgresFault::other:
      break;
  }
  return "see the server's log";
}

// Whether trying again may help: a refused password stays refused, and who has kept silent for the
// whole of a deadline is not asked again.
bool is_passing(const std::string& message) {
  // libpq gives these no code of their own, only words.
  return message.find("authentication failed") == std::string::npos &&
         message.find("does not exist") == std::string::npos &&
         message.find("no password supplied") == std::string::npos &&
         message.find("timeout expired") == std::string::npos;
}

[[noreturn]] void refuse_parameter(const std::string& name, const std::string& value,
                                   const std::string& remedy) {
  throw Error(ErrorKind::usage, "--source postgresql://...",
              name + "=" + value + " is not possible", remedy);
}

std::int64_t parse_count(const std::string& name, const std::string& digits) {
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error != std::errc{} || value < 0) {
    refuse_parameter(name, digits, "give a whole number, 0 or more");
  }
  return value;
}

PostgresTable describe_table(pqxx::transaction_base& transaction, const std::string& name) {
  PostgresTable table;
  const pqxx::row found = transaction.exec_params1("SELECT to_regclass($1)::text", name);
  if (found[0].is_null()) {
    throw Error(ErrorKind::source, "table " + name, "does not exist in this database",
                "make it (sql/0001_logs.sql), or name another: runs_table=NAME, nodes_table=NAME "
                "(empty where one table holds both)");
  }
  table.name = found[0].as<std::string>();
  const pqxx::result columns = transaction.exec_params(
      "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
      "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped",
      name);
  for (const pqxx::row& column : columns) {
    table.columns.emplace(column[0].as<std::string>(), column[1].as<std::string>());
  }
  const pqxx::result unique = transaction.exec_params(
      "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND "
      "a.attnum "
      "= i.indkey[0] WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND "
      "i.indimmediate AND i.indnkeyatts = 1 AND i.indpred IS NULL",
      name);
  for (const pqxx::row& column : unique) table.unique.insert(column[0].as<std::string>());
  const pqxx::result indexed = transaction.exec_params(
      "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND "
      "a.attnum = i.indkey[0] JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = "
      "c.relam WHERE i.indrelid = to_regclass($1) AND i.indisvalid AND m.amname = 'btree'",
      name);
  for (const pqxx::row& column : indexed) table.indexed.insert(column[0].as<std::string>());
  table.is_plain = transaction
                       .exec_params1(
                           "SELECT relkind = 'r' AND NOT relhassubclass FROM pg_class WHERE oid = "
                           "to_regclass($1)",
                           name)[0]
                       .as<bool>();
  return table;
}

AirflowSchema airflow_schema(pqxx::transaction_base& transaction) {
  const pqxx::row found = transaction.exec1(airflow_schema_query());
  return {found[0].as<bool>(), found[1].as<bool>()};
}

// Whether at most `limit` rows may matter to the query.
bool are_few(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
             const Mapping& mapping, const LogQuery& query, std::int64_t limit) {
  std::int64_t rows = 0;
  for (const PostgresTable& table : tables) {
    demand_columns(table, mapping);
    rows += transaction
                .exec1("SELECT count(*) FROM (SELECT FROM " + table.name +
                       time_filter(table, mapping, query) + " LIMIT " + std::to_string(limit + 1) +
                       ") AS few")[0]
                .as<std::int64_t>();
  }
  return rows <= limit;
}

}  // namespace

struct PostgresSource::Impl {
  std::string server;               // what libpq is given
  std::string where;                // without secrets
  std::vector<std::string> tables;  // by name; none of Airflow's
  bool is_airflow = false;
  std::int64_t rows_at_most = 0;  // of a range that are read as rows
  SourceOptions options;

  PartialSet read_once(const LogQuery& query) {
    pqxx::connection connection(server);
    PostgresSnapshot transaction(connection);
    prepare_statements(transaction, options.statement_timeout);
    if (is_airflow) {
      const AirflowSchema schema = airflow_schema(transaction);
      PartialSet set = read_tables(transaction, airflow_tables(schema), query);
      if (!schema.has_history) set.forget_tries();
      return set;
    }
    std::vector<PostgresTable> described;
    for (const std::string& name : tables) described.push_back(describe_table(transaction, name));
    return read_tables(transaction, described, query);
  }

  PartialSet read_tables(PostgresSnapshot& transaction, const std::vector<PostgresTable>& described,
                         const LogQuery& query) {
    // What SQL cannot count in the same way (pointers into JSON, records as duplicates) is read row
    // by row: slower, never different.
    const bool aggregates = can_aggregate(described, options) &&
                            !are_few(transaction, described, options.mapping, query, rows_at_most);
    if (!aggregates) return read_rows(transaction, described, query);
    PartialSet set = read_counts(transaction, described, query);
    add_postgres_users(transaction, described, options, query, set);
    return set;
  }

  PartialSet read_counts(PostgresSnapshot& transaction, const std::vector<PostgresTable>& described,
                         const LogQuery& query) {
    if (options.rollup && can_keep(described, options.mapping)) {
      if (auto kept = read_with_rollup(transaction, described, query, options, log())) {
        // All rows of a range would take longer than the tick.
        show_examples(transaction, described,
                      {options.mapping, options.rules, query, options.classes},
                      SearchedRows::newest, kept->input);
        return *kept;
      }
    }
    return read_partials(transaction, described, query);
  }

  // The name under which counts are kept.
  std::string log() const {
    std::string name = where;
    for (const std::string& table : tables) name += '\n' + table;
    return log_name(name, options);
  }

  PartialSet read_partials(pqxx::transaction_base& transaction,
                           const std::vector<PostgresTable>& described, const LogQuery& query) {
    for (const PostgresTable& table : described) demand_columns(table, options.mapping);
    RowSums sums;
    // Exported before the first count, so that the search beside it looks at the same rows.
    const std::string snapshot =
        transaction.exec1("SELECT pg_export_snapshot()")[0].as<std::string>();
    const CountScope scope{options.mapping, options.rules, query, options.classes};
    RepetitionSearch search(server, snapshot, {described, scope, options.statement_timeout});
    const RowSink sink = [&](const PartialRow& row) { sums.add(row, query); };
    const bool has_unread = count_runs(transaction, described, scope, sink);
    const std::string repeated = search.finish(transaction);
    settle_runs(transaction, described, scope, {repeated, has_unread}, sink);
    PartialSet set = sums.partials(query);
    show_examples(transaction, described, scope, SearchedRows::all, set.input);
    return set;
  }

  PartialSet read_rows(pqxx::transaction_base& transaction,
                       const std::vector<PostgresTable>& described, const LogQuery& query) {
    RowReader rows(options, query);
    for (const PostgresTable& table : described) {
      fetch_rows(transaction, rows_query(table, options.mapping, query),
                 [&](const pqxx::row& row) { rows.add(row_name(table, row, 0), text_in(row, 0)); });
    }
    return rows.finish();
  }

  // None where trying again may help.
  std::optional<PartialSet> try_read(const LogQuery& query, int tries) {
    const auto refuse = [&](const PostgresFailure& failure) -> std::optional<PartialSet> {
      const bool is_lost = failure.fault == PostgresFault::connection;
      const bool is_last = tries == kPostgresTries || !is_passing(failure.whole);
      if (is_lost && !is_last) return std::nullopt;
      throw Error(ErrorKind::source, where, failure.text, remedy_of(failure.fault));
    };
    return guard_postgres([&] { return std::optional(read_once(query)); }, refuse);
  }
};

PostgresSource::PostgresSource(const std::string& uri, SourceOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->server = uri;
  const std::string runs = take_parameter(impl_->server, "runs_table").value_or("command_logs");
  const std::string nodes = take_parameter(impl_->server, "nodes_table").value_or("dag_node_logs");
  if (const auto layout = take_parameter(impl_->server, "layout")) {
    impl_->is_airflow = *layout == "airflow";
    if (!impl_->is_airflow) refuse_parameter("layout", *layout, "the only one known is airflow");
  } else {
    impl_->tables.push_back(runs);
    if (!nodes.empty()) impl_->tables.push_back(nodes);
  }
  impl_->rows_at_most = parse_count(
      "rows_at_most", take_parameter(impl_->server, "rows_at_most").value_or(kRowsAtMost));
  impl_->server = postgres_server(impl_->server);
  impl_->where = redact_uri(impl_->server);
  impl_->server = with_deadlines(impl_->server);
  impl_->options = std::move(options);
}

PostgresSource::~PostgresSource() = default;

PartialSet PostgresSource::read(const LogQuery& query) {
  std::chrono::milliseconds pause = kFirstPostgresPause;
  for (int tries = 1;; ++tries) {
    if (auto set = impl_->try_read(query, tries)) return *std::move(set);
    std::this_thread::sleep_for(pause);
    pause *= 4;
  }
}

std::string PostgresSource::describe() const { return impl_->where; }

}  // namespace dagloop
