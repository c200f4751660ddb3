// Private to the source layer: Apache Airflow's metadata tables as tables of the contract.
#pragma once

#include <string>
#include <vector>

#include "source/postgres_table.hpp"

namespace dagloop {

/// What Airflow's versions have, and others do not.
struct AirflowSchema {
  bool has_history = false;    // task_instance_history, from 2.10 on: the tries before the last one
  bool has_map_index = false;  // of task_instance, from 2.3 on
};

/// Returns the query whose only row has the members of AirflowSchema, in their order.
std::string airflow_schema_query();

/// Returns dag_run as run records and task_instance (with task_instance_history) as node records.
///
/// Shape:  a run's key is `dag_id/run_id`, with a slash in the dag_id escaped, so that no two runs
///         share it; its pipeline the dag_id, its plan source the run_type. A node is a task_id,
///         its fan-out index the map_index, its attempt the try_number, its type the operator.
///         What has not started yet is no record. A task that waits for its next try failed this
///         one; one whose upstream failed has the code `upstream_failed`. What waits in a run that
///         ended never ran, and is no record. A state that is not known stands as it is: it is
///         malformed.
/// Source: Airflow's models DagRun, TaskInstance and TaskInstanceHistory, from version 2.2 to 3.1.
std::vector<PostgresTable> airflow_tables(const AirflowSchema& schema);

}  // namespace dagloop
