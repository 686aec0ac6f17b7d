#!/usr/bin/env python3
"""Starting, stopping, and running where something is missing: a port, a lock, permission, space."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time

from shop import (AISLE, ENVIRONMENT, PATIENCE_S, Server, Shop, Skip, aisle, copy_folder, equal, folder,
                  free_port, guest, product, run, test, wait_until)

TEA = "oolong-tea-0001-50g"


def serve(path, port, *flags):
    """Run a server that is expected to refuse; (exit status, what it says)."""
    done = subprocess.run([AISLE, "serve", "--data", path, "--port", str(port), "--address",
                           "127.0.0.1", *flags], capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False, env=ENVIRONMENT, cwd="/")
    return done.returncode, done.stderr


@test("SIGTERM under load: every request that was taken is answered, then the process ends with 0")
def drain(shop):
    with Server(shop, settings=("server.drain_grace=500ms",)) as server:
        wrong, counted, stop = [], [0] * 8, threading.Event()

        def ask(n):
            client = server.backend()
            while not stop.is_set():
                try:
                    if n % 2:
                        client.must(200, "POST", "/v1/events", {
                            "type": "view", "anonymous_id": guest(n), "product_id": TEA})
                    else:
                        client.must(200, "GET", "/v1/search", query={"q": "tea"})
                    counted[n] += 1
                except ConnectionRefusedError:
                    return  # no longer there: nothing was taken
                except Exception as why:
                    wrong.append(why)
                    return
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        wait_until(lambda: min(counted) > 20, "load")
        equal(server.stop(), 0)
        stop.set()
        for t in threads:
            t.join()
        equal(wrong, [])


@test("while it drains it says so to those who ask whether it is ready, and goes on serving")
def draining(shop):
    with Server(shop, settings=("server.drain_grace=1s",)) as server:
        server.process.send_signal(signal.SIGTERM)
        ready = wait_until(lambda: (a := server.client().call("GET", "/readyz")).status == 503 and a,
                           "it is not ready")
        equal((ready.json["ready"], ready.json["reason"]), (False, "draining"))
        answer = server.backend().call("GET", "/v1/shop")
        equal((answer.status, answer.headers["Connection"]), (200, "close"))
        equal(server.process.wait(PATIENCE_S), 0)  # a second signal would end it at once


@test("a second process on the same folder is refused, and the first one is unharmed")
def second(shop):
    with Server(shop) as server:
        status, said = serve(shop.path, free_port())
        assert status not in (0, 1) and shop.path in said and "use" in said.lower(), (status, said)
        done = aisle("demo", "--data", shop.path, "--quiet", check=False)
        equal(done.returncode, 75, done.stderr)
        server.backend().must(200, "GET", "/v1/shop")


@test("a port in use is refused with its number")
def port_in_use(shop):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        status, said = serve(shop.path, port)
        assert status not in (0, 1) and str(port) in said and "in use" in said, (status, said)


@test("a read-only shop answers reads, and writes with 503 and the reason")
def read_only(shop):
    with Server(shop, "--read-only") as server:
        client = server.admin()
        equal(client.get("/v1/shop")["read_only"], True)
        client.must(200, "GET", "/v1/search", query={"q": "tea"})
        client.must(200, "GET", "/v1/recommendations", query={"user_id": "lin-mei"})
        client.must(200, "GET", f"/v1/products/{TEA}")
        client.must(200, "GET", "/v1/carts", query={"user_id": "lin-mei"})
        client.must(200, "POST", "/v1/search", {"q": "tea"})
        for method, path, body in (
                ("PUT", "/v1/products/x", {"title": "x"}), ("DELETE", f"/v1/products/{TEA}", None),
                ("POST", "/v1/events", {"type": "view"}), ("POST", "/v1/orders", {}),
                ("PUT", "/v1/carts?user_id=x", {}), ("POST", "/v1/jobs", {"kind": "train"}),
                ("PUT", "/v1/users/x", {}), ("POST", "/v1/models/recommend/rollback", None)):
            answer = client.must(503, method, path, body)
            equal(answer["error"]["code"], "unavailable")
            assert "read-only" in answer["error"]["message"], answer
        equal(server.stop(), 0)


@test("on a folder that cannot be written, a read-only server works and another one says why not")
def unwritable(shop):
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        raise Skip("root may write everywhere, and setpriv is not installed")
    with folder() as path:
        os.chmod(path, 0o755)
        copy = os.path.join(path, "shop")
        copy_folder(shop.path, copy)
        subprocess.run(["chmod", "-R", "a-w,a+rX", copy], check=True)
        wrap = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") \
            if os.geteuid() == 0 else ()
        try:
            done = subprocess.run([*wrap, AISLE, "serve", "--data", copy, "--port", str(free_port())],
                                  capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                                  env=ENVIRONMENT, cwd="/")
            assert done.returncode not in (0, 1) and copy in done.stderr, (done.returncode, done.stderr)
            with Server(shop.at(copy), "--read-only", wrap=wrap) as server:
                client = server.backend()
                client.must(200, "GET", f"/v1/products/{TEA}")
                assert client.get("/v1/search", q="tea")["items"]
                assert client.get("/v1/recommendations", user_id="lin-mei")["items"]
                client.must(503, "PUT", "/v1/products/x", {"title": "x"})
                equal(server.stop(), 0)
        finally:
            subprocess.run(["chmod", "-R", "u+w", copy], check=True)


@test("a full disk is 507, nothing unacknowledged counts, and with space the server goes on")
def disk_full(shop):
    if os.geteuid() != 0:
        raise Skip("mounting a small file system needs root")
    with folder() as path:
        mount = os.path.join(path, "small")
        os.mkdir(mount)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount],
                          capture_output=True, check=False).returncode != 0:
            raise Skip("mounting is not allowed here")
        try:
            full_disk(shop, mount)
        finally:
            subprocess.run(["umount", "-l", mount], check=True)


def full_disk(shop, mount):
    small = shop.at(os.path.join(mount, "shop"))
    copy_folder(shop.path, small.path)
    ballast = os.path.join(mount, "ballast")
    with Server(small) as server:
        client, taken = server.backend(), []
        client.must(201, "PUT", "/v1/products/before", product("before"))
        stat = os.statvfs(mount)
        with open(ballast, "wb") as f:
            f.write(b"\0" * max(0, stat.f_bavail * stat.f_bsize - (1 << 20)))
        refused = None
        for n in range(2000):
            answer = client.call("PUT", f"/v1/products/fill-{n}",
                                 product(f"fill-{n}", description="x" * 20000))
            if answer.status != 201:
                refused = answer
                break
            taken.append(f"fill-{n}")
        assert refused is not None, "the disk never filled"
        equal((refused.status, refused.json["error"]["code"]), (507, "no_space"))
        client.must(200, "GET", "/v1/search", query={"q": "tea"})
        client.must(200, "GET", "/healthz")
        state = client.must(200, "GET", "/readyz")
        equal((state["ready"], state["store"], state["writes"]["failure"]["code"]),
              (True, "failing", "no_space"))
        assert state["writes"]["failed_commits"] > 0, state
        assert "\naisle_store_failing 1\n" in client.call("GET", "/metrics").body.decode()
        os.unlink(ballast)
        wait_until(lambda: client.call("PUT", "/v1/products/after", product("after")).status in (200, 201),
                   "it writes again")
        state = client.get("/readyz")
        equal((state["store"], state["writes"]["failure"]), ("ok", None))
        for name in ("before", *taken, "after"):
            client.must(200, "GET", f"/v1/products/{name}")
        server.kill()
        server.start()
        for name in ("before", *taken, "after"):
            server.backend().must(200, "GET", f"/v1/products/{name}")


WAL_EVENTS = 200_000
WAL_PROMISE = 256 << 20  # the length of the file
WAL_BEHIND = 40 << 20  # what is not yet folded back into the database; a training lets thrice that be written
WAL_HEADER = 100  # bytes of the wal-index that are read here, see sqlite.org/walformat.html


class Load:
    """Four clients that send batches of 1,000 events of some 1,000 bytes until they are told to stop."""

    def __init__(self, shop, server):
        self.path = os.path.join(shop.path, "aisle.db")
        # Open to the end: closing it would drop the locks that SQLite holds on it in this process.
        self._index = open(self.path + "-shm", "rb")
        self.training = None  # the job that runs, as long as it is seen running
        self.all = self.during = self.largest = self.furthest = 0
        self.wrong, self._lock, self._stop = [], threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(server.backend(), n))
                         for n in range(4)]
        for t in self._threads:
            t.start()

    def _send(self, client, n):
        body = json.dumps([{"type": "view", "anonymous_id": guest(n), "product_id": TEA,
                            "context": {"page": "x" * 800}} for _ in range(1000)])
        try:
            while not self._stop.is_set():
                before = self.training
                client.must(200, "POST", "/v1/events", body)
                with self._lock:
                    self.all += 1000
                    self.during += 1000 * (before is not None and before == self.training)
        except Exception as why:
            self.wrong.append(why)

    def look(self):
        """How much of the log a reader keeps from being folded back. The file says little: it is used
        again from its head on once nothing is left in it, and it is not cut then."""
        assert not self.wrong, self.wrong
        self.largest = max(self.largest, os.path.getsize(self.path + "-wal"))
        head = os.pread(self._index.fileno(), WAL_HEADER, 0)
        frames, folded = struct.unpack_from("=I", head, 16)[0], struct.unpack_from("=I", head, 96)[0]
        behind = max(0, frames - folded) * 4096
        self.furthest = max(self.furthest, behind)
        return behind

    def stop(self):
        self._stop.set()
        for t in self._threads:
            t.join()
        self._index.close()


def train_under(load, admin):
    """One training from its queueing to its end; the progress that was seen."""
    job, seen = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"], set()
    while True:
        load.look()
        now = admin.get(f"/v1/jobs/{job}")
        load.training = job if now["state"] == "running" else None
        if now["state"] == "running":
            seen.add((now["progress"], now["message"]))
        elif now["state"] != "queued":
            equal(now["state"], "done")
            equal((now["progress"], now["message"]), (1, ""))
            return seen
        time.sleep(0.01)


@test("the write-ahead log stays short while trainings run under event load, and would not under one "
      "long reading transaction")
def wal(shop):
    with Server(shop) as server:
        admin, load, seen = server.admin(), Load(shop, server), set()
        try:
            while load.during < WAL_EVENTS:
                seen |= train_under(load, admin)
            written, largest, furthest = load.all, load.largest, load.furthest
            assert furthest < WAL_BEHIND, f"{furthest} bytes after {written} events"
            assert any(0 < progress < 1 and message for progress, message in seen), seen
            with contextlib.closing(sqlite3.connect(f"file:{shop.path}/aisle.db?mode=ro", uri=True,
                                                    isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT COUNT(*) FROM settings").fetchone()
                wait_until(lambda: load.look() > WAL_BEHIND or load.all - written > WAL_EVENTS,
                           "the log grows past the bound")
            assert load.furthest > WAL_BEHIND, "this test could not have failed"
            assert load.largest < WAL_PROMISE, f"{load.largest} bytes"
        finally:
            load.stop()
        equal(load.wrong, [])
        print(f"# {load.during} of {written} events were written while a training ran: the log had at most "
              f"{largest >> 10} KiB, {furthest >> 10} of them not folded back; with a reader that stays "
              f"{load.furthest >> 10} KiB after {load.all - written} more")


def main():
    with folder() as path:
        run(Shop(os.path.join(path, "shop")))


if __name__ == "__main__":
    main()
