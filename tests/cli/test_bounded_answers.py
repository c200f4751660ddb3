"""Answers of a server that are cut short, have no end, or send elsewhere: an error of the source."""

import http.server
import os
import resource
import subprocess
import threading
import unittest

from support import BIN_DIR, clean_environment

MIB = 1 << 20


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def handler_of(answer):
    """A server that answers every question by `answer(handler, question)`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            question = self.rfile.read(int(self.headers["Content-Length"])).decode()
            try:
                answer(self, question)
            except OSError:
                pass  # the tool has had enough
            self.close_connection = True

        def log_message(self, *_):
            pass

    return Handler


def whole(handler, body, status=200, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


TABLES = b"default\tMergeTree\tMergeTree ORDER BY created_at\n"
COLUMNS = b"".join(b"%s\t%s\n" % pair for pair in (
    (b"pipeline_run_id", b"String"), (b"request_id", b"String"), (b"status", b"String"),
    (b"created_at", b"DateTime64(3)"), (b"node_id", b"String"), (b"error_code", b"String")))


def described(handler, question):
    """Answers what is asked of the tables; returns whether it did."""
    if "system.tables" in question:
        whole(handler, TABLES)
    elif "system.columns" in question:
        whole(handler, COLUMNS)
    else:
        return False
    return True


class BoundedAnswersTest(unittest.TestCase):
    def evaluate(self, answer, memory=None):
        server = Server(("127.0.0.1", 0), handler_of(answer))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        # A sanitizer takes address space without end for itself.
        is_sanitized = bool(os.environ.get("DAGLOOP_SANITIZE"))
        limit = None if memory is None or is_sanitized else lambda: resource.setrlimit(resource.RLIMIT_AS,
                                                                        (memory, memory))
        done = subprocess.run(
            [BIN_DIR / "eval_dag_quality", "--json", "--as-of", "2026-02-25T00:00:00Z", "--source",
             "clickhouse://127.0.0.1:%d/default" % server.server_address[1]],
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=120, check=False, preexec_fn=limit)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("bug", done.stderr)
        return done.stderr

    def test_cut_in_a_row_or_without_any(self):
        for body in (b"defa", b"default\tMerge", b"default\n", b"\n", b""):
            self.evaluate(lambda handler, _, body=body: whole(handler, body))
        for body in (b"pipeline_run_id", b"pipeline_run_id\n", b"a\tb\tc\n"):
            def columns(handler, question, body=body):
                whole(handler, TABLES if "system.tables" in question else body)
            self.evaluate(columns)

    def test_counts_that_are_cut_or_none(self):
        row = ["packed", "7", "0", "0", "llm", "503", "", "-1", "0", "-1"] + ["1"] * 11
        wrong = [row[:9], row[:-1], row + ["1"], ["packed", "x"] + row[2:],
                 ["packed", str(1 << 62)] + row[2:], ["packed", "-5"] + row[2:],
                 ["packed", str((5 << 24) + (1 << 20) + (4 << 39))] + row[2:],
                 ["node", str(1 << 60)] + row[2:], ["node", "-3"] + row[2:],
                 ["node", "5", "0", "9"] + row[4:], ["unread", "5", "0", "-1"] + row[4:], ["what"],
                 ["shard"]]
        for fields in wrong:
            def counts(handler, question, body="\t".join(fields).encode() + b"\n"):
                described(handler, question) or whole(handler, body)
            self.evaluate(counts)

    def test_a_connection_that_ends_in_the_middle(self):
        def short(handler, question):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(TABLES)
        self.evaluate(short)

        def unframed(handler, question):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(TABLES)
        self.assertIn("cut short", self.evaluate(unframed))

    def test_an_answer_without_end(self):
        def endless(handler, question):
            if question.startswith("never") or described(handler, question):
                return
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            block = b"x" * MIB
            while True:
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        self.assertIn("longer than 256 MiB", self.evaluate(endless, memory=1200 * MIB))

    def test_a_redirect_is_told_and_not_followed(self):
        asked = []

        def redirect(handler, question):
            asked.append(question)
            whole(handler, b"", 302, Location="http://user:hunter2@127.0.0.1:1/elsewhere")
        said = self.evaluate(redirect)
        self.assertIn("sends the question on to http://user:***@127.0.0.1:1/elsewhere", said)
        self.assertIn("name the server", said)
        self.assertEqual(len(asked), 1)

    def test_an_error_without_words(self):
        self.assertIn("HTTP status 502", self.evaluate(lambda h, _: whole(h, b"", 502)))


if __name__ == "__main__":
    unittest.main()
