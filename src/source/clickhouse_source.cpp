#include "dagloop/source/clickhouse_source.hpp"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/http_client.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/uri.hpp"
#include "source/clickhouse_aggregate.hpp"
#include "source/clickhouse_answers.hpp"
#include "source/clickhouse_examples.hpp"
#include "source/clickhouse_expressions.hpp"
#include "source/clickhouse_rows.hpp"
#include "source/clickhouse_users.hpp"
#include "source/packed_runs.hpp"
#include "source/partial_rows.hpp"
#include "source/row_examples.hpp"
#include "source/row_reader.hpp"
#include "source/sql_countable.hpp"
#include "source/user_rows.hpp"

namespace dagloop {
namespace {

// Pauses of 0.2 and 0.8 s: a restart of a proxy, not of a server, which takes longer than a tick
// should wait.
constexpr int kTries = 3;
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::seconds kGrace{5};  // for the server to say itself that it took too long
// Hashes of up to 20 digits: 210 KB of text, below the 256 KiB that the server takes of a statement
// (max_query_size) unless it is set otherwise.
constexpr std::size_t kManyKeys = 10'000;
constexpr std::size_t kUsualStatement = 200'000;  // servers take 262144 bytes by themselves
constexpr std::int64_t kAskedAtOnce = 100'000;
constexpr int kPort = 8123;
constexpr int kSecurePort = 8443;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

struct ClickHouseSource::Impl {
  HttpServer server;
  std::string where;  // without secrets
  std::vector<std::string> names;
  SourceOptions options;

  [[noreturn]] void refuse(const std::string& what, const std::string& remedy) const {
    throw Error(ErrorKind::source, where, redact_text(what.substr(0, what.find('\n')), 300),
                remedy);
  }

  [[noreturn]] void refuse_cut() const {
    refuse("the answer is cut short", "try again; check what stands between here and the server");
  }

  // Every format that is asked for ends each row: what does not end so, or might, is a part.
  std::string whole_body(const HttpAnswer& answer) const {
    const bool is_open = !answer.body.empty() && answer.body.back() != '\n';
    if (is_open || !answer.tells_its_end) refuse_cut();
    return answer.body;
  }

  [[noreturn]] void refuse_status(const HttpAnswer& answer) const {
    const std::string status = "HTTP status " + std::to_string(answer.status);
    if (!answer.redirect.empty()) {
      refuse("the server sends the question on to " + redact_uri(answer.redirect) + " (" + status +
                 "), which is not followed",
             "name the server that answers, with its port and secure=1 where it speaks TLS");
    }
    const bool has_words = answer.body.find_first_not_of(" \t\r\n") != std::string::npos;
    if (!has_words)
      refuse("the server answers with " + status + " and no word", clickhouse_remedy(""));
    refuse(answer.body, clickhouse_remedy(answer.body));
  }

  // The one value of an answer of one row.
  std::int64_t number_in(const std::vector<std::vector<std::string>>& rows) const {
    if (rows.size() != 1 || rows.front().size() != 1) refuse_cut();
    return clickhouse_integer(rows.front().front());
  }

  std::string ask(const std::string& statement) const {
    // A shard that is down has to end the query. Otherwise its runs would be missing without a
    // word, and the rates of the others would stand for all.
    std::map<std::string, std::string> parameters{
        {"wait_end_of_query", "1"},  // an error in the middle is an error, not a short answer
        {"skip_unavailable_shards", "0"},
        {"output_format_json_quote_64bit_integers", "0"},
        {"max_execution_time",
         std::to_string(std::max<std::int64_t>(
             1, std::chrono::ceil<std::chrono::seconds>(options.statement_timeout).count()))}};
    if (!server.path.empty()) parameters["database"] = server.path;
    // Many columns, long names and many repeated keys make a statement longer than servers take.
    if (statement.size() > kUsualStatement) {
      parameters["max_query_size"] = std::to_string(2 * statement.size());
    }
    std::chrono::milliseconds pause = kFirstPause;
    for (int tries = 1;; ++tries) {
      const HttpAnswer answer =
          http_post(server, parameters, statement, options.statement_timeout + kGrace);
      if (answer.status == 200) return whole_body(answer);
      // The server has answered: asking again would give the same.
      if (answer.status != 0) refuse_status(answer);
      if (answer.is_too_long) {
        refuse(answer.failure, "take a shorter window, or check what answers there");
      }
      if (!answer.is_passing || tries == kTries) {
        refuse(answer.failure, "check that the server runs, and host, port and secure=1");
      }
      std::this_thread::sleep_for(pause);
      pause *= 4;
    }
  }

  ClickHouseTable describe(const std::string& name) const {
    const std::size_t dot = name.find('.');
    const std::string database =
        dot == std::string::npos ? "currentDatabase()" : clickhouse_literal(name.substr(0, dot));
    const std::string table = dot == std::string::npos ? name : name.substr(dot + 1);
    const std::string is_it = " = " + clickhouse_literal(table) + " AND database = " + database;
    const auto found =
        clickhouse_rows(ask("SELECT database, engine, engine_full FROM system.tables WHERE name" +
                            is_it + " FORMAT TabSeparated"));
    if (found.empty() || found.front().size() != 3) {
      throw Error(ErrorKind::source, where + ": table " + name,
                  "does not exist, or may not be read",
                  "make it (sql/clickhouse/0001_logs.sql), or name another: runs_table=NAME, "
                  "nodes_table=NAME (empty where one table holds both)");
    }
    ClickHouseTable out;
    out.name = name;
    out.here = clickhouse_name(found.front()[0]) + "." + clickhouse_name(table);
    out.local = out.here;
    if (found.front()[1] == "Distributed") distribute(found.front()[2], out);
    for (const auto& column :
         clickhouse_rows(ask("SELECT name, type FROM system.columns WHERE table" + is_it +
                             " FORMAT TabSeparated"))) {
      if (column.size() != 2) refuse_cut();
      out.columns.emplace(column[0], column[1]);
    }
    return out;
  }

  // Reads Distributed(cluster, database, table, sharding key).
  void distribute(const std::string& engine, ClickHouseTable& table) const {
    std::vector<std::string> arguments{""};
    int depth = 0;
    for (const char c : engine.substr(engine.find('(') + 1)) {
      if (c == ')' && depth == 0) break;
      depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
      if (c == ',' && depth == 0) {
        arguments.emplace_back();
      } else if (c != '\'' && c != '`' && (c != ' ' || !arguments.back().empty())) {
        arguments.back() += c;
      }
    }
    const std::string key = clickhouse_column_of(options.mapping, Field::pipeline_run_id);
    // Each shard settles its runs by itself. With half of a run on another shard both halves would
    // be counted as runs.
    if (arguments.size() < 4 || arguments[3].find(key) == std::string::npos) {
      throw Error(ErrorKind::source, where + ": table " + table.name,
                  "is not sharded by " + key + ", so a run's rows may lie on several shards",
                  "shard it by the run's key (sql/clickhouse/0002_cluster.sql)");
    }
    table.cluster = arguments[0];
    table.local = clickhouse_name(arguments[1]) + "." + clickhouse_name(arguments[2]);
  }

  // The hashes of keys that stand more than once, mostly few; the query for them where they are
  // many.
  std::string repeated_keys(const std::vector<ClickHouseTable>& tables,
                            const CountScope& scope) const {
    const std::string asked = clickhouse_repeated_query(tables, scope);
    const auto found = clickhouse_rows(
        ask(asked + " LIMIT " + std::to_string(kManyKeys + 1) + " FORMAT TabSeparated"));
    if (found.size() > kManyKeys) {
      std::vector<ClickHouseTable> local = tables;
      for (ClickHouseTable& table : local) table.cluster.clear();
      return clickhouse_repeated_query(local, scope);
    }
    std::string keys;
    for (const auto& row : found) keys += (keys.empty() ? "" : ",") + row.front();
    return keys;
  }

  // What was counted, and whether there are texts that are no words as they stand.
  struct Counted {
    PartialSet set;
    bool has_odd_words = false;
  };
  Counted count(const std::vector<ClickHouseTable>& tables, const LogQuery& query) const;
  void show_examples(const std::vector<ClickHouseTable>& tables, const LogQuery& query,
                     InputCounts& input) const;
  PartialSet read_rows(const std::vector<ClickHouseTable>& tables, const LogQuery& query) const;
  void add_users(const std::vector<ClickHouseTable>& tables, const LogQuery& query,
                 PartialSet& set) const;

  std::size_t count_shards(const std::string& cluster) const {
    if (cluster.empty()) return 1;
    return static_cast<std::size_t>(number_in(
        clickhouse_rows(ask("SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = " +
                            clickhouse_literal(cluster) + " FORMAT TabSeparated"))));
  }
};

namespace {

AnswerRow answer_row_of(const std::vector<std::string>& fields) {
  AnswerRow row;
  constexpr std::size_t kNames = 1 + kClickHouseKeys;
  if (fields.size() != kNames + row.n.size()) {
    throw Error(ErrorKind::source, "ClickHouse's answer",
                "a row has " + std::to_string(fields.size()) + " columns",
                "report it with the version of the server");
  }
  row.word = fields[0];
  row.number = clickhouse_integer(fields[1]);
  row.population = clickhouse_integer(fields[2]);
  row.cohort = clickhouse_integer(fields[3]);
  row.name = fields[4];
  row.error_code = fields[5];
  row.pipeline = fields[6];
  row.bucket = clickhouse_integer(fields[7]);
  row.mended = clickhouse_integer(fields[8]);
  row.open_us = clickhouse_integer(fields[9]);
  for (std::size_t i = 0; i < row.n.size(); ++i) row.n[i] = clickhouse_integer(fields[kNames + i]);
  return row;
}

// Whether a row tells of a text that is none of the words of its field.
bool is_of_odd_word(const PartialRow& row) {
  const bool is_status = row.kind == RowKind::reject &&
                         row.n[1] == static_cast<std::int64_t>(RejectReason::unknown_status);
  return is_status || (row.kind == RowKind::mended &&
                       (row.n[1] == static_cast<std::int64_t>(Field::cohort) ||
                        row.n[1] == static_cast<std::int64_t>(Field::compensation_status)));
}

}  // namespace

ClickHouseSource::Impl::Counted ClickHouseSource::Impl::count(
    const std::vector<ClickHouseTable>& tables, const LogQuery& query) const {
  RowSums sums;
  Counted counted;
  std::size_t shards = 0;
  bool has_unread = false;
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  const auto add = [&](const std::string& asked) {
    // Row by row: an answer of many is not held twice.
    const std::string body = ask(asked);
    for_each_clickhouse_row(body, [&](std::string_view line) {
      add_answer(answer_row_of(clickhouse_fields(line)), scope, [&](const PartialRow& row) {
        shards += row.kind == RowKind::shard ? 1 : 0;
        has_unread = has_unread || row.kind == RowKind::reject;
        counted.has_odd_words = counted.has_odd_words || is_of_odd_word(row);
        sums.add(row, query);
      });
    });
  };
  add(clickhouse_query(tables, scope, repeated_keys(tables, scope)));
  // Every shard says what it has read, or the answer is a part.
  if (shards != count_shards(tables.front().cluster)) {
    refuse("not every shard has answered", "start all shards, and try again");
  }
  if (has_unread) add(clickhouse_unread_query(tables, scope));
  counted.set = sums.partials(query);
  return counted;
}

// Looks for the first malformed and mended rows, where there are any.
void ClickHouseSource::Impl::show_examples(const std::vector<ClickHouseTable>& tables,
                                           const LogQuery& query, InputCounts& input) const {
  RowExamples examples;
  RecordReader reader(options.mapping, query.latest);
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  const auto show = [&](const ClickHouseTable& table, ShownRows shown) {
    // The reader of lines says what is wrong: in the words that it has for a file.
    for_each_clickhouse_row(ask(clickhouse_examples_query(table, scope, shown)),
                            [&](std::string_view row) {
                              examples.add({table.name, {}}, reader.read_copy(row), reader);
                            });
  };
  for (const ClickHouseTable& table : tables) {
    if (input.malformed > 0) show(table, ShownRows::malformed);
    if (!input.mended_by_field.empty()) show(table, ShownRows::mended);
  }
  examples.show(input);
}

// An answer is held as a whole, so that many rows are asked for in parts.
void ClickHouseSource::Impl::add_users(const std::vector<ClickHouseTable>& tables,
                                       const LogQuery& query, PartialSet& set) const {
  if (user_windows(query).empty()) return;
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  RowReader rows(options, query);
  for (const ClickHouseTable& table : tables) {
    const std::int64_t found =
        number_in(clickhouse_rows(ask(clickhouse_user_count(tables, table, scope))));
    const std::int64_t parts = 1 + found / kAskedAtOnce;
    for (std::int64_t part = 0; part < parts; ++part) {
      for_each_clickhouse_row(ask(clickhouse_user_rows(tables, table, scope, {part, parts})),
                              [&](std::string_view row) { rows.add(row); });
    }
  }
  put_users(rows.finish(), query, set);
}

// What the server does not count by is mapped and counted here.
PartialSet ClickHouseSource::Impl::read_rows(const std::vector<ClickHouseTable>& tables,
                                             const LogQuery& query) const {
  const CountScope scope{options.mapping, options.rules, query, options.classes};
  RowReader rows(options, query);
  for (const ClickHouseTable& table : tables) {
    const std::int64_t found = number_in(clickhouse_rows(ask(clickhouse_row_count(table, scope))));
    const std::int64_t parts = 1 + found / kAskedAtOnce;
    for (std::int64_t part = 0; part < parts; ++part) {
      for_each_clickhouse_row(ask(clickhouse_mapped_rows(table, scope, {part, parts})),
                              [&](std::string_view row) {
                                rows.add({table.name, {}}, row);
                              });
    }
  }
  return rows.finish();
}

ClickHouseSource::ClickHouseSource(const std::string& uri, SourceOptions options)
    : impl_(std::make_unique<Impl>()) {
  std::string plain = uri;
  impl_->names = {take_parameter(plain, "runs_table").value_or("command_logs")};
  const std::string nodes = take_parameter(plain, "nodes_table").value_or("dag_node_logs");
  if (!nodes.empty()) impl_->names.push_back(nodes);
  const bool secure = take_parameter(plain, "secure").value_or("0") == "1";
  impl_->where = redact_uri(plain);
  if (plain.find('?') != std::string::npos) {
    throw Error(ErrorKind::usage, impl_->where, "has a parameter that is not known",
                "known are runs_table, nodes_table and secure");
  }
  impl_->server = parse_http_server(
      plain, {secure ? Transport::tls : Transport::plain, secure ? kSecurePort : kPort,
              "clickhouse://user@host:8123/database"});
  if (impl_->server.user.empty()) impl_->server.user = variable("CLICKHOUSE_USER");
  if (impl_->server.user.empty()) impl_->server.user = "default";
  if (impl_->server.password.empty()) impl_->server.password = variable("CLICKHOUSE_PASSWORD");
  impl_->options = std::move(options);
}

ClickHouseSource::~ClickHouseSource() = default;

PartialSet ClickHouseSource::read(const LogQuery& query) {
  std::vector<ClickHouseTable> tables;
  const bool counts = can_count_in_sql(impl_->options);
  for (const std::string& name : impl_->names) {
    tables.push_back(impl_->describe(name));
    if (counts) demand_countable(tables.back(), impl_->options.mapping);
    // One statement is answered by the shards of one cluster.
    if (tables.back().cluster != tables.front().cluster) {
      throw Error(ErrorKind::source, impl_->where + ": table " + name,
                  "is not on the cluster of " + tables.front().name,
                  "name two local tables, or two Distributed ones of one cluster");
    }
  }
  if (!counts) return impl_->read_rows(tables, query);
  auto counted = impl_->count(tables, query);
  if (counted.has_odd_words) {
    for (ClickHouseTable& table : tables) table.spaces = WordSpaces::trimmed;
    counted = impl_->count(tables, query);
  }
  impl_->show_examples(tables, query, counted.set.input);
  impl_->add_users(tables, query, counted.set);
  return std::move(counted.set);
}

std::string ClickHouseSource::describe() const { return impl_->where; }

}  // namespace dagloop
