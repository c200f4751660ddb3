"""The same runs as the contract has them, and as other programs write them.

Every text that a user, a prompt or an answer would be is marked: no output may hold one.
"""

import datetime
import json
import random

from support import stamp

UTC = datetime.timezone.utc
END = datetime.datetime(2026, 2, 25, tzinfo=UTC)
AS_OF = "2026-02-25T00:00:00Z"
SECRET_TEXT = "Marked-text-of-a-user"
# By mapping: what its logs have of a run. Others are the last step of it.
FORMATS = ("github-actions", "airflow-rest", "langfuse", "langsmith", "openai-evals", "otel-genai",
           "openinference")


def iso(time, zone="Z", spec="milliseconds"):
    return time.replace(tzinfo=None).isoformat(timespec=spec) + zone


def secret(random_, what):
    return "%s %s %d" % (SECRET_TEXT, what, random_.randrange(10 ** 6))


class Run:
    """One run and its two steps."""

    def __init__(self, number, random_):
        self.number = number
        self.random = random_
        self.begin = END - datetime.timedelta(hours=23, minutes=30) + datetime.timedelta(
            minutes=11 * number)
        self.ms = 1000 + random_.randrange(4000)
        self.end = self.begin + datetime.timedelta(milliseconds=self.ms)
        self.ok = random_.random() < 0.8
        self.open = number % 29 == 28
        self.trace = "%032x" % random_.getrandbits(128)
        self.steps = []
        for i, name in enumerate(("plan", "search")):
            begin = self.begin + datetime.timedelta(milliseconds=100 + 400 * i)
            self.steps.append((name, begin, begin + datetime.timedelta(milliseconds=300),
                               random_.random() < 0.85))

    def native(self, with_steps=True):
        record = {"pipeline_run_id": self.trace, "status": "succeeded" if self.ok else "failed",
                  "execution_mode": "dag", "created_at": stamp(self.end), "duration_ms": self.ms}
        if self.open:
            record.update(status="running", created_at=stamp(self.begin))
            del record["duration_ms"]
        yield record
        for name, begin, end, ok in self.steps if with_steps else ():
            yield {"pipeline_run_id": self.trace, "node_id": name, "node_type": "skill",
                   "execution_mode": "dag", "status": "succeeded" if ok else "failed",
                   "created_at": stamp(end), "duration_ms": 300}


def runs(count=100, seed=5):
    random_ = random.Random(seed)
    return [Run(number, random_) for number in range(count)]


def github_actions(run):
    done = "success" if run.ok else "failure"
    return [{"id": 7000100200 + run.number, "name": "deploy", "node_id": "WFR_%d" % run.number,
             "run_attempt": 1, "status": "in_progress" if run.open else "completed",
             "conclusion": None if run.open else done, "event": "push",
             "display_title": secret(run.random, "title"), "created_at": iso(run.begin),
             "run_started_at": iso(run.begin), "updated_at": iso(run.begin if run.open else run.end),
             "head_commit": {"message": secret(run.random, "message")}}]


def airflow_rest(run):
    return [{"conf": {"prompt": secret(run.random, "conf")}, "dag_id": "orders",
             "dag_run_id": "scheduled__" + run.trace, "start_date": iso(run.begin, "+00:00"),
             "end_date": None if run.open else iso(run.end, "+00:00"), "note": secret(run.random, "n"),
             "state": "running" if run.open else "success" if run.ok else "failed"}]


def spans(run):
    """Returns name, parent, begin, end and success of the run and its steps, in any order."""
    all_ = [("agent", None, run.begin, None if run.open else run.end, run.ok)]
    all_ += [(name, "agent", begin, end, ok) for name, begin, end, ok in run.steps]
    run.random.shuffle(all_)
    return all_


def langfuse(run):
    return [{"id": "obs-%s-%s" % (run.trace, name), "traceId": run.trace, "type": "SPAN",
             "name": name, "parentObservationId": parent, "startTime": iso(begin),
             "endTime": end and iso(end), "level": "DEFAULT" if ok else "ERROR",
             "statusMessage": secret(run.random, "status"), "input": secret(run.random, "input"),
             "output": {"text": secret(run.random, "output")}, "metadata": {"attempt": "1"}}
            for name, parent, begin, end, ok in spans(run)]


def langsmith(run):
    return [{"id": "%s-%s" % (run.trace, name), "trace_id": run.trace, "parent_run_id": parent,
             "name": name, "run_type": "chain", "start_time": iso(begin, ""),
             "end_time": end and iso(end, ""),
             "status": "pending" if end is None else "success" if ok else "error",
             "error": None if ok else secret(run.random, "error"), "session_name": "prod",
             "inputs": {"messages": [secret(run.random, "in")]}, "outputs": secret(run.random, "out")}
            for name, parent, begin, end, ok in spans(run)]


def openai_evals(run):
    base = {"run_id": "2602240101X", "sample_id": run.trace, "created_by": ""}
    return [{**base, "type": "sampling", "data": {"prompt": secret(run.random, "prompt")},
             "created_at": iso(run.end, "+00:00").replace("T", " ")},
            {**base, "type": "match", "created_at": iso(run.end, "+00:00").replace("T", " "),
             "data": {"correct": run.ok, "picked": secret(run.random, "picked")}}]


def pairs(attributes):
    return [{"key": key, "value": {"intValue": str(value)} if isinstance(value, int)
             else {"stringValue": value}} for key, value in attributes.items()]


def otel_span(run, name, parent, begin, end, ok):
    new = run.number % 2 == 0
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.prompt": secret(run.random, "prompt"),
                  "gen_ai.usage.input_tokens" if new else "gen_ai.usage.prompt_tokens": 12,
                  "gen_ai.provider.name" if new else "gen_ai.system": "openai"}
    ns = lambda time: str(int(time.timestamp() * 1000) * 10 ** 6)
    span = {"traceId": run.trace, "spanId": "%016x" % run.random.getrandbits(64), "name": name,
            "startTimeUnixNano": ns(begin), "attributes": pairs(attributes),
            "status": {} if ok else {"code": 2 if new else "STATUS_CODE_ERROR",
                                     "message": secret(run.random, "status")}}
    if end:
        span["endTimeUnixNano"] = ns(end)
    if parent:
        span["parentSpanId"] = "00f067aa0ba902b7"
    return span


def otel_genai(run):
    return [otel_span(run, *each) for each in spans(run)]


def openinference(run):
    return [{"name": name, "context": {"trace_id": "0x" + run.trace, "span_id": "0x1"},
             "parent_id": parent and "0x2", "start_time": iso(begin, "+00:00", "microseconds"),
             "end_time": end and iso(end, "+00:00", "microseconds"),
             "status_code": ("OK" if run.number % 2 else "UNSET") if ok else "ERROR",
             "status_message": secret(run.random, "status"),
             "attributes": {"openinference.span.kind": "LLM",
                            "input.value": secret(run.random, "input"),
                            "llm": {"token_count": {"prompt": 12}}}}
            for name, parent, begin, end, ok in spans(run)]


def java_service(run):
    """A service's own log, written when a run ends or is begun."""
    return {"@timestamp": iso(run.begin if run.open else run.end, "+0000"), "level": "INFO",
            "executionId": "ex-%d" % run.number, "workflow": {"name": "invoice", "version": "7"},
            "outcome": "STARTED" if run.open else "SUCCESS" if run.ok else "FAILURE",
            "elapsedSeconds": None if run.open else "%.3f" % (run.ms / 1000),
            "msg": secret(run.random, "msg")}


def flow_runner(run):
    """Runs of a workflow engine: seconds since 1970, a nested state."""
    return {"flow_run_id": "f-%08x" % run.number, "flow_name": "etl",
            "state": {"type": "RUNNING" if run.open else "COMPLETED" if run.ok else "CRASHED",
                      "message": secret(run.random, "state")},
            "started": run.begin.timestamp(), "ended": None if run.open else run.end.timestamp(),
            "parameters": {"q": secret(run.random, "q")}}


def house_log(run):
    """Short names, a truth, milliseconds since 1970."""
    return {"ts": round((run.begin if run.open else run.end).timestamp() * 1000),
            "req": "r%06d" % run.number, "job_id": 900000 + run.number,
            "ok": None if run.open else run.ok, "took_ms": None if run.open else run.ms,
            "q": secret(run.random, "q"), "user": "u%d" % (run.number % 7)}


def records_of(name, each):
    return [record for run in each for record in globals()[name.replace("-", "_")](run)]


def has_steps(name):
    return name not in ("github-actions", "airflow-rest", "openai-evals")


def export(name, each):
    """Returns the text of a file as the program writes it."""
    records = records_of(name, each)
    if name == "github-actions":
        return json.dumps({"total_count": len(records), "workflow_runs": records})
    if name == "airflow-rest":
        return json.dumps({"dag_runs": records, "total_entries": len(records)}, indent=2)
    if name == "otel-genai":  # batches of a collector: spans of several traces, unordered
        random.Random(9).shuffle(records)
        batches = [records[i:i + 7] for i in range(0, len(records), 7)]
        records = [{"resourceSpans": [{"resource": {"attributes": pairs({"service.name": "planner"})},
                                       "scopeSpans": [{"scope": {"name": "lib"}, "spans": b[:3]},
                                                      {"scope": {"name": "b"}, "spans": b[3:]}]}]}
                   for b in batches]
    if name == "openai-evals":
        records = [{"spec": {"eval_name": "match", "created_at": "2026-02-24 01:01:01.000001"}},
                   *records, {"final_report": {"accuracy": 0.75}}]
    return "".join(json.dumps(record) + "\n" for record in records)
