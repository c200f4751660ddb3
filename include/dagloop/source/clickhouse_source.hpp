// Logs in ClickHouse, over its HTTP interface: the tables of sql/clickhouse/, or any others of the
// same columns; on one server or, through Distributed tables, on the shards of a cluster.
#pragma once

#include <memory>
#include <string>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Has the runs of a window counted by the servers that hold them: what travels does not depend on
/// how many there are.
///
/// Shape:  `clickhouse://[user[:password]@]host[:port][/database]`, port 8123 (8443 with
///         `secure=1`), with the parameters `runs_table=NAME` (default command_logs) and
///         `nodes_table=NAME` (default dag_node_logs; empty: there is none). What the URI leaves
///         out comes from CLICKHOUSE_USER and CLICKHOUSE_PASSWORD. Quantiles are read from buckets.
/// Errors: Error{usage} for a URI that cannot be read. read() throws Error{source}: no connection
///         (after three tries), a shard that does not answer, a missing table or column, a column
///         of another type, a wrong password, a statement longer than the timeout.
class ClickHouseSource final : public LogSource {
 public:
  ClickHouseSource(const std::string& uri, SourceOptions options);
  ~ClickHouseSource() override;
  PartialSet read(const LogQuery& query) override;
  std::string describe() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
