// Logs in PostgreSQL: the tables of sql/0001_logs.sql, or any others through a mapping. Every table
// is read in one read-only, repeatable-read transaction, so that all rows are of one instant. The
// server counts; rows travel where they are few, or where a mapping looks into them.
#pragma once

#include <memory>
#include <string>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Reads the runs of a window.
///
/// Shape:  `uri` as libpq has it, and among its parameters `runs_table=NAME` (default
///         command_logs), `nodes_table=NAME` (default dag_node_logs; empty: there is none),
///         `layout=airflow` instead of both (Airflow's metadata tables), and
///         `rows_at_most=N` (default 50000: so many rows or fewer are read as rows, and quantiles
///         are exact; more are counted by the server, in the buckets of DurationHistogram). A URI
///         with nothing else behind `postgresql://` means DATABASE_URL, or else what libpq's own
///         variables say (PGHOST, PGPASSFILE, ...). A column of the contract that a table does not
///         have is absent from its records.
/// Errors: Error{usage} for a wrong parameter. read() throws Error{source}: no connection (after
///         three tries), a missing table or column, a missing permission, a statement longer than
///         the timeout.
class PostgresSource final : public LogSource {
 public:
  PostgresSource(const std::string& uri, SourceOptions options);
  ~PostgresSource() override;
  PartialSet read(const LogQuery& query) override;
  std::string describe() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
