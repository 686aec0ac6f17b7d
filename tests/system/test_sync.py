#!/usr/bin/env python3
"""What is acknowledged was synchronised before, one synchronisation for a group of requests."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

from shop import Server, Shop, Skip, equal, folder, guest, in_threads, run, test, wait_until

TEA = "oolong-tea-0001-50g"
# "PID  epoch.micros call(args) = result": pread and read bring requests, writev and write answers
LINE = re.compile(r"^(\d+) +(\d+\.\d+) (\w+)\((.*)")


class Traced:
    """The server's system calls while something is done."""

    def __init__(self, server, path):
        self.server, self.path = server, path

    def __enter__(self):
        self.strace = subprocess.Popen(
            ["strace", "-f", "-ttt", "-s", "64", "-y", "-e",
             "trace=fdatasync,fsync,write,writev,sendto,sendmsg", "-o", self.path, "-p",
             str(self.server.process.pid)], stderr=subprocess.PIPE, text=True)
        if "attached" not in self.strace.stderr.readline():
            raise Skip("tracing is not allowed here")
        return self

    def __exit__(self, *exc):
        self.strace.send_signal(signal.SIGINT)
        self.strace.wait()

    def calls(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return [m.groups()[1:] for m in map(LINE.match, f) if m]


def is_sync(name, rest):
    return name in ("fdatasync", "fsync") and ".db-wal" in rest


def is_answer(name, rest):
    return name in ("write", "writev", "sendto", "sendmsg") and "HTTP/1.1 200" in rest


@test("an event is acknowledged after a synchronisation of the log, and never before")
def before_ack(server, path):
    client = server.backend()
    with Traced(server, path) as traced:
        for n in range(50):
            client.must(200, "POST", "/v1/events", {"type": "view", "anonymous_id": guest(n),
                                                    "product_id": TEA})
    kinds = ["sync" if is_sync(*c[1:]) else "answer" for c in traced.calls()
             if is_sync(*c[1:]) or is_answer(*c[1:])]
    equal(kinds.count("answer"), 50)
    synced = False
    for kind in kinds:
        assert kind == "sync" or synced, "an answer without a synchronisation since the one before"
        synced = kind == "sync"


@test("requests that come together share one synchronisation")
def groups(server, path):
    with Traced(server, path) as traced:
        def send(n):
            client = server.backend()
            for _ in range(20):
                client.must(200, "POST", "/v1/events", {"type": "view", "anonymous_id": guest(n),
                                                        "product_id": TEA})
        in_threads(32, send)
    syncs = sum(is_sync(*c[1:]) for c in traced.calls())
    print(f"# {32 * 20} requests, {syncs} synchronisations")
    assert 0 < syncs < 32 * 20 / 2, syncs


@test("reads synchronise nothing")
def reads(server, path):
    with Traced(server, path) as traced:
        for _ in range(20):
            server.backend().must(200, "GET", "/v1/search", query={"q": "tea"})
    equal(sum(is_sync(*c[1:]) for c in traced.calls()), 0)


@test("a writer that stands still for ten seconds makes the server unhealthy, until it goes on")
def stalled(server, path):
    equal(server.client().get("/healthz"), {"healthy": True})
    time.sleep(1)  # the writer gets on between this probe and its halt
    strace = subprocess.Popen(["strace", "-f", "-o", os.devnull, "-e", "trace=fdatasync,fsync", "-e",
                               "inject=fdatasync,fsync:delay_enter=20000000",
                               "-p", str(server.process.pid)], stderr=subprocess.PIPE, text=True)
    if "attached" not in strace.stderr.readline():
        raise Skip("tracing is not allowed here")
    try:
        writes = threading.Thread(target=server.backend().must, args=(
            200, "POST", "/v1/events", {"type": "view", "anonymous_id": guest(1), "product_id": TEA}))
        writes.start()
        time.sleep(5)
        equal(server.client().get("/healthz"), {"healthy": True}, "five seconds may be a slow disk")
        time.sleep(7)  # nobody asks meanwhile: the writer itself knows when it got on last
        answer = server.client().must(503, "GET", "/healthz")
        assert "writer" in answer["reason"], answer
        server.backend().get("/v1/search", q="tea")  # reads go on
        writes.join()
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait()
    wait_until(lambda: server.client().call("GET", "/healthz").status == 200, "healthy again")


def main():
    if not shutil.which("strace"):
        print("1..0 # SKIP strace is not installed")
        return
    with folder() as path:
        with Server(Shop(os.path.join(path, "shop"))) as server:
            run(server, os.path.join(path, "trace"))


if __name__ == "__main__":
    main()
