"""The tables of Apache Airflow's metadata that hold runs, as each of three versions creates them in
PostgreSQL: columns, keys and references among them, without indexes and other references."""

DAG_RUN = {
    "2.7": """
        id serial PRIMARY KEY, dag_id varchar(250) NOT NULL, queued_at timestamptz,
        execution_date timestamptz NOT NULL, start_date timestamptz, end_date timestamptz,
        state varchar(50), run_id varchar(250) NOT NULL, creating_job_id integer,
        external_trigger boolean, run_type varchar(50) NOT NULL, conf bytea,
        data_interval_start timestamptz, data_interval_end timestamptz,
        last_scheduling_decision timestamptz, dag_hash varchar(32), log_template_id integer,
        updated_at timestamptz, CONSTRAINT dag_run_dag_id_execution_date_key UNIQUE (dag_id,
        execution_date), CONSTRAINT dag_run_dag_id_run_id_key UNIQUE (dag_id, run_id)""",
    "2.10": """
        id serial PRIMARY KEY, dag_id varchar(250) NOT NULL, queued_at timestamptz,
        execution_date timestamptz NOT NULL, start_date timestamptz, end_date timestamptz,
        state varchar(50), run_id varchar(250) NOT NULL, creating_job_id integer,
        external_trigger boolean, run_type varchar(50) NOT NULL, conf bytea,
        data_interval_start timestamptz, data_interval_end timestamptz,
        last_scheduling_decision timestamptz, dag_hash varchar(32), log_template_id integer,
        updated_at timestamptz, clear_number integer DEFAULT 0 NOT NULL,
        CONSTRAINT dag_run_dag_id_execution_date_key UNIQUE (dag_id, execution_date),
        CONSTRAINT dag_run_dag_id_run_id_key UNIQUE (dag_id, run_id)""",
    "3.0": """
        id serial PRIMARY KEY, dag_id varchar(250) NOT NULL, queued_at timestamptz,
        logical_date timestamptz, start_date timestamptz, end_date timestamptz, state varchar(50),
        run_id varchar(250) NOT NULL, creating_job_id integer, run_type varchar(50) NOT NULL,
        triggered_by varchar(50), conf jsonb, data_interval_start timestamptz,
        data_interval_end timestamptz, run_after timestamptz NOT NULL,
        last_scheduling_decision timestamptz, log_template_id integer, updated_at timestamptz,
        clear_number integer DEFAULT 0 NOT NULL, backfill_id integer, bundle_version varchar(250),
        scheduled_by_job_id integer, context_carrier jsonb,
        span_status varchar(250) DEFAULT 'not_started' NOT NULL, created_dag_version_id uuid,
        CONSTRAINT dag_run_dag_id_logical_date_key UNIQUE (dag_id, logical_date),
        CONSTRAINT dag_run_dag_id_run_id_key UNIQUE (dag_id, run_id)""",
}

# What a try has in every version, but for its keys.
TRY = """
        start_date timestamptz, end_date timestamptz, duration float8, state varchar(20),
        max_tries integer DEFAULT -1, hostname varchar(1000), unixname varchar(1000),
        pool varchar(256) NOT NULL, pool_slots integer NOT NULL, queue varchar(256),
        priority_weight integer, operator varchar(1000), custom_operator_name varchar(1000),
        queued_dttm timestamptz, queued_by_job_id integer, pid integer, executor_config bytea,
        updated_at timestamptz, external_executor_id varchar(250), trigger_id integer,
        trigger_timeout timestamp, next_method varchar(1000)"""
NEWER = """,
        executor varchar(1000), rendered_map_index varchar(250), task_display_name varchar(2000)"""
NEWEST = NEWER + """,
        scheduled_dttm timestamptz, next_kwargs jsonb, context_carrier jsonb,
        span_status varchar(250) DEFAULT 'not_started' NOT NULL, dag_version_id uuid"""
NAMES = """
        task_id varchar(250) NOT NULL, dag_id varchar(250) NOT NULL, run_id varchar(250) NOT NULL,
        map_index integer DEFAULT -1 NOT NULL,"""
OF_RUN = """, CONSTRAINT task_instance_dag_run_fkey FOREIGN KEY (dag_id, run_id)
        REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE"""
OF_TASK = """, CONSTRAINT task_instance_history_ti_fkey
        FOREIGN KEY (dag_id, task_id, run_id, map_index)
        REFERENCES task_instance (dag_id, task_id, run_id, map_index)
        ON UPDATE CASCADE ON DELETE CASCADE,
        CONSTRAINT task_instance_history_dtrt_uq
        UNIQUE (dag_id, task_id, run_id, map_index, try_number)"""
PRIMARY = ", CONSTRAINT task_instance_pkey PRIMARY KEY (dag_id, task_id, run_id, map_index)"

TASK_INSTANCE = {
    "2.7": NAMES + " try_number integer," + TRY + ", job_id integer, next_kwargs json" + PRIMARY
           + OF_RUN,
    "2.10": NAMES + " try_number integer," + TRY + NEWER + ", job_id integer, next_kwargs json"
            + PRIMARY + OF_RUN,
    "3.0": "id uuid PRIMARY KEY DEFAULT gen_random_uuid()," + NAMES + " try_number integer," + TRY
           + NEWEST + """, last_heartbeat_at timestamptz, CONSTRAINT task_instance_composite_key
        UNIQUE (dag_id, task_id, run_id, map_index)""" + OF_RUN,
}

TASK_INSTANCE_HISTORY = {
    "2.10": "id serial PRIMARY KEY," + NAMES + " try_number integer NOT NULL," + TRY + NEWER
            + ", job_id integer, next_kwargs json" + OF_TASK,
    "3.0": "task_instance_id uuid PRIMARY KEY DEFAULT gen_random_uuid()," + NAMES
           + " try_number integer NOT NULL," + TRY + NEWEST + OF_TASK,
}

VERSIONS = sorted(DAG_RUN, key=lambda version: [int(part) for part in version.split(".")])
RUN_STATES = ["queued", "running", "success", "failed"]
# What a try may be in, None where the scheduler has not looked at it.
TASK_STATES = ["removed", "scheduled", "queued", "running", "success", "restarting", "failed",
               "up_for_retry", "up_for_reschedule", "upstream_failed", "skipped", "deferred", None]


def task_states(version):
    """All states of a version; that of a task that somebody stopped is an older one."""
    return TASK_STATES + (["shutdown"] if version == "2.7" else [])


def has_history(version):
    return version in TASK_INSTANCE_HISTORY


def create(version):
    """SQL that makes the tables as `version` does."""
    tables = [("dag_run", DAG_RUN[version]), ("task_instance", TASK_INSTANCE[version])]
    if has_history(version):
        tables.append(("task_instance_history", TASK_INSTANCE_HISTORY[version]))
    return "".join("CREATE TABLE %s (%s);\n" % table for table in tables)


def run_row(version, dag_id, run_id, state, planned, **dates):
    """A row of dag_run, planned for a time of its own."""
    return {"dag_id": dag_id, "run_id": run_id, "state": state, "run_type": "scheduled", **dates,
            "run_after" if version == "3.0" else "execution_date": planned}


def try_row(run, task_id, state, number, **more):
    """A row of task_instance, or of task_instance_history."""
    return {"dag_id": run["dag_id"], "run_id": run["run_id"], "task_id": task_id, "state": state,
            "try_number": number, "map_index": -1, "operator": "PythonOperator",
            "pool": "default_pool", "pool_slots": 1, **more}
