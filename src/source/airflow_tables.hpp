// Private to the source layer: Apache Airflow's metadata tables as tables of the contract.
#pragma once

#include <vector>

#include "source/postgres_table.hpp"

namespace dagloop {

/// Returns dag_run as run records and task_instance as node records.
///
/// Shape:  a run's key is `dag_id/run_id`, its plan source the run_type; a node is a task_id, its
///         attempt the try_number (Airflow keeps the last try alone), its type the operator. What
///         has not started yet is no record. A task that waits for its next try failed this one.
/// Source: Airflow's models DagRun and TaskInstance, from version 2.2 on.
std::vector<PostgresTable> airflow_tables();

}  // namespace dagloop
