"""A TCP proxy on loopback before a PostgreSQL server, which strikes at the n-th COMMIT."""

import socket
import struct
import threading

TIMEOUT_S = 60


class CuttingProxy:
    """Passes everything on until COMMIT number `at` (from 1; 0: never) of its connections.

    Shape: `when` is "before" (the server never sees that COMMIT) or "after" (it answers, and nobody
           hears); `strike(backend_pid)` is called in between, then both ends are cut.
    """

    def __init__(self, server_port):
        self.server_port = server_port
        self.at, self.when, self.strike = 0, "before", lambda pid: None
        self.commits = 0
        self.struck = threading.Event()  # and `strike` has returned
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, at, when="before", strike=lambda pid: None):
        self.at, self.when, self.strike, self.commits = at, when, strike, 0
        self.struck.clear()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                connection = _Connection(self, client)
            except OSError:
                client.close()  # the server is down
                continue
            threading.Thread(target=connection.serve, daemon=True).start()


class _Connection:
    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.server = socket.create_connection(("127.0.0.1", proxy.server_port), TIMEOUT_S)
        self.backend_pid = None
        self.is_muted = False
        self.answered = threading.Event()  # the server has said something since it was reset

    def serve(self):
        answers = threading.Thread(target=self._answers, daemon=True)
        answers.start()
        try:
            self._requests()
        except OSError:
            pass
        self._cut()
        answers.join(TIMEOUT_S)
        self.client.close()
        self.server.close()

    def _cut(self):
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # cut already

    def _read(self, end, count):
        data = b""
        while len(data) < count:
            more = end.recv(count - len(data))
            if not more:
                raise OSError("closed")
            data += more
        return data

    def _requests(self):
        """Client to server, message by message; the first ones have no type."""
        started = False
        while True:
            kind = self._read(self.client, 1) if started else b""
            length = self._read(self.client, 4)
            body = self._read(self.client, struct.unpack("!I", length)[0] - 4)
            if not started:
                started = body[:4] != struct.pack("!I", 80877103)  # 80877103: may we have TLS?
            if kind == b"Q" and body.rstrip(b"\0").strip(b"; ").upper() == b"COMMIT":
                self.proxy.commits += 1
                if self.proxy.commits == self.proxy.at:
                    self._struck(kind + length + body)
                    return
            self.server.sendall(kind + length + body)

    def _struck(self, message):
        if self.proxy.when == "after":
            self.is_muted = True
            self.answered.clear()
            self.server.sendall(message)
            if not self.answered.wait(TIMEOUT_S):
                raise AssertionError("the server did not answer COMMIT")
        self.proxy.strike(self.backend_pid)
        self.proxy.struck.set()

    def _answers(self):
        try:
            while True:
                data = self.server.recv(65536)
                if not data:
                    break
                if self.backend_pid is None and b"K\0\0\0\x0c" in data:
                    at = data.index(b"K\0\0\0\x0c") + 5
                    self.backend_pid = struct.unpack("!I", data[at:at + 4])[0]
                if not self.is_muted:
                    self.client.sendall(data)
                self.answered.set()
        except OSError:
            pass
        self._cut()
