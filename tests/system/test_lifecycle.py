#!/usr/bin/env python3
"""Starting, stopping, and running where something is missing: a port, a lock, permission, space."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from shop import (AISLE, ENVIRONMENT, PATIENCE_S, Server, Shop, Skip, aisle, equal, folder, free_port,
                  guest, product, run, test, wait_until)

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
        done = aisle("train", "--data", shop.path, "--quiet", check=False)
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
        shutil.copytree(shop.path, copy)
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
    shutil.copytree(shop.path, small.path)
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
        os.unlink(ballast)
        wait_until(lambda: client.call("PUT", "/v1/products/after", product("after")).status in (200, 201),
                   "it writes again")
        for name in ("before", *taken, "after"):
            client.must(200, "GET", f"/v1/products/{name}")
        server.kill()
        server.start()
        for name in ("before", *taken, "after"):
            server.backend().must(200, "GET", f"/v1/products/{name}")


@test("the write-ahead log stays under 256 MB while a training runs under event load")
def wal(shop):
    with Server(shop) as server:
        admin, stop = server.admin(), threading.Event()

        def send(n):
            client, k = server.backend(), 0
            while not stop.is_set():
                client.must(200, "POST", "/v1/events", [
                    {"type": "view", "anonymous_id": guest(n), "product_id": TEA} for _ in range(1000)])
                k += 1
        threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        job = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"]
        largest, state = 0, "queued"
        while state in ("queued", "running"):
            largest = max(largest, os.path.getsize(os.path.join(shop.path, "aisle.db-wal")))
            state = admin.get(f"/v1/jobs/{job}")["state"]
            time.sleep(0.02)
        stop.set()
        for t in threads:
            t.join()
        equal(state, "done")
        assert largest < 256 << 20, f"{largest} bytes"
        print(f"# the largest write-ahead log was {largest >> 10} KiB")


def main():
    with folder() as path:
        run(Shop(os.path.join(path, "shop")))


if __name__ == "__main__":
    main()
