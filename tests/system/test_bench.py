#!/usr/bin/env python3
"""aisle bench http: counts what it sent, sees waiting behind a slow reply, and says what the server says."""

import json
import os
import socket
import threading
import time

from shop import aisle, equal, folder, free_port, run_on_demo, test

PATHS = "/v1/search?q=tea\n\n/v1/recommendations?limit=5\n"


def bench(paths, *flags, check=True):
    """The figures by name, and the process."""
    with folder() as path:
        name = os.path.join(path, "paths")
        with open(name, "w", encoding="utf-8") as f:
            f.write(paths)
        done = aisle("bench", "http", "--paths", name, *map(str, flags), check=check)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(line["bench"] == "http" for line in lines), lines
    return {line["figure"]: line["value"] for line in lines}, lines, done


class Stub:
    """A server of one connection at a time that answers OK, and takes its time for some requests."""

    def __init__(self, slow=None, pause=0.0, reply=None):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.slow, self.pause, self.seen = slow, pause, []
        self.reply = reply or (lambda n: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            with conn:
                self._serve(conn)

    def _serve(self, conn):
        text = b""
        while True:
            got = conn.recv(65536)
            if not got:
                return
            text += got
            while b"\r\n\r\n" in text:
                head, _, text = text.partition(b"\r\n\r\n")
                if head.startswith(b"GET /metrics"):
                    conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    continue
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(text) < length:
                    text += conn.recv(65536)
                self.seen.append((head, text[:length]))
                text = text[length:]
                if len(self.seen) == self.slow:
                    time.sleep(self.pause)
                reply = self.reply(len(self.seen))
                conn.sendall(reply)
                if not reply or b"close" in reply:
                    return

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()


@test("at a fixed rate exactly what is due is sent, and each figure stands beside its limit")
def rate(server):
    figures, lines, _ = bench(PATHS, "--port", server.port, "--key", server.shop.public, "--rate", 300,
                              "--seconds", 1, "--connections", 8)
    equal((figures["errors"], figures["unsent"], figures["offered_per_s"]), (0, 0, 300))
    assert 0 < figures["p50"] <= figures["p99"] <= figures["p999"] <= figures["max"]
    assert 0 < figures["server_p50"] <= figures["server_p99"]
    assert figures["server_p50"] < figures["p50"], "the server's own time is a part of the client's"
    for line in lines:
        if line["figure"] in ("requests_per_s", "p50", "p99"):
            assert line["limit"].startswith("loopback_") and line["limit_value"] > 0, line
    assert 100 < figures["requests_per_s"] < 330, figures


@test("without a rate it goes as fast as answers come; what is not 2xx is an error")
def closed(server):
    figures, _, _ = bench("/v1/search?q=tea\n/v1/nothing\n", "--url", f"http://localhost:{server.port}/",
                          "--key", server.shop.public, "--seconds", 1, "--connections", 2)
    assert figures["errors"] > 10 and "offered_per_s" not in figures, figures
    sent = figures["requests_per_s"]
    assert 0.3 < figures["errors"] / sent < 1, figures


@test("requests that wait behind a slow one are slow themselves at a rate, and unseen without")
def omission(_):
    with Stub(slow=10, pause=0.5) as stub:
        figures, _, _ = bench("/x\n", "--port", stub.port, "--rate", 100, "--seconds", 1,
                              "--connections", 1)
        equal(len(stub.seen), 100)
        assert figures["p99"] > 400e3 and figures["max"] > 450e3, figures
        assert "server_p50" not in figures, "it says nothing of itself"
    with Stub(slow=10, pause=0.5) as stub:
        figures, _, _ = bench("/x\n", "--port", stub.port, "--seconds", 1, "--connections", 1)
        assert figures["p50"] < 100e3 and figures["max"] > 450e3, figures


@test("what a server is too slow for is sent late, or counted with its wait")
def overload(_):
    with Stub(reply=lambda n: time.sleep(0.02) or b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as stub:
        figures, _, _ = bench("/x\n", "--port", stub.port, "--rate", 200, "--seconds", 1,
                              "--connections", 1)
        equal(len(stub.seen) + figures["unsent"], 200)
        assert figures["unsent"] > 50 and figures["max"] >= 1e6, figures


@test("methods, bodies and keys arrive; closed and broken connections are opened again")
def details(_):
    def reply(n):
        if n == 2:
            return b""
        return b"HTTP/1.1 201 Created\r\ncontent-length: 3\r\nConnection: close\r\n\r\nabc"
    with Stub(reply=reply) as stub:
        figures, _, _ = bench('POST /v1/a {"b": "c d"}\n/v1/q?x=1\n', "--port", stub.port, "--key", "k1",
                              "--rate", 20, "--seconds", 1, "--connections", 1)
        equal((figures["errors"], len(stub.seen)), (1, 20))
        head, body = stub.seen[0]
        assert head.startswith(b"POST /v1/a HTTP/1.1\r\n") and b"Bearer k1" in head, head
        equal(body, b'{"b": "c d"}')
        assert stub.seen[1][0].startswith(b"GET /v1/q?x=1 HTTP/1.1\r\n"), stub.seen[1]


@test("wrong flags, an empty file, a bad line and a server that is not there have their statuses")
def wrong(_):
    for paths, flags, status, words in (
            ("", ("--port", 1), 65, "no request"), ("GET\n", ("--port", 1), 65, ":1:"),
            ("/x\n", ("--port", free_port(), "--seconds", 1), 69, "refused"),
            ("/x\n", ("--url", "https://x"), 65, "http://"), ("/x\n", ("--url", "http://a:b"), 65, "a:b"),
            ("/x\n", ("--url", "http://x/", "--port", 1), 64, "--url or --port"),
            ("/x\n", ("--connections", 0), 64, "--connections")):
        _, _, done = bench(paths, *flags, check=False)
        equal((done.returncode, words in done.stderr.lower()), (status, True), f"{flags}: {done.stderr}")
    equal(aisle("bench", "http", check=False).returncode, 64)


if __name__ == "__main__":
    run_on_demo()
