#!/usr/bin/env python3
"""POST /v1/products/bulk: a body of any length in little memory, written as it arrives."""

import json
import os
import select
import socket
import sqlite3
import time

from shop import PATIENCE_S, SANITIZED, Server, Shop, equal, folder, product, run, test, wait_until

NDJSON = {"Content-Type": "application/x-ndjson"}
BODY_BYTES = (30 if SANITIZED else 300) << 20
ROOM_BYTES = 48 << 20  # two batches, buffers of sockets and what the engine holds


def memory(server, name):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith(name))


def forget_peak(server):
    with open(f"/proc/{server.process.pid}/clear_refs", "w", encoding="utf-8") as f:
        f.write("5")


class Upload:
    """A body that is sent piece by piece: chunked, or with a length that was told."""

    def __init__(self, server, length=None, key=None, extra=""):
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self.chunked = length is None
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.sock.sendall((f"POST /v1/products/bulk HTTP/1.1\r\nHost: x\r\n{framing}\r\n{extra}"
                           f"Authorization: Bearer {key or server.shop.server}\r\n\r\n").encode())

    def frame(self, piece):
        return b"%x\r\n%s\r\n" % (len(piece), piece) if self.chunked else piece

    def send(self, piece):
        self.sock.sendall(self.frame(piece))

    def answer(self):
        if self.chunked:
            self.sock.sendall(b"0\r\n\r\n")
        return self.read()

    def read(self):
        """Status and JSON; the connection stays open."""
        text = b""
        while b"\r\n\r\n" not in text:
            text += self._more()
        head, _, body = text.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self._more()
        return int(head.split()[1]), json.loads(body)

    def _more(self):
        got = self.sock.recv(65536)
        assert got, "the connection ended before its answer"
        return got

    def has_answer(self):
        return bool(select.select([self.sock], [], [], 0)[0])

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def lines_of(prefix, begin, end, **fields):
    return "".join(json.dumps(product(f"{prefix}-{n}", **fields)) + "\n"
                   for n in range(begin, end)).encode()


def there(server, product_id):
    return server.backend().call("GET", f"/v1/products/{product_id}").status == 200


@test("three hundred megabytes, chunked or of known length, take little memory")
def large(server):
    block = lines_of("large", 0, 256, description="Long. " * 2000)
    times = BODY_BYTES // len(block) + 1
    for length in (None, times * len(block)):
        forget_peak(server)
        before = memory(server, "VmRSS")
        with Upload(server, length) as upload:
            for _ in range(times):
                upload.send(block)
            status, done = upload.answer()
        equal((status, done["created"] + done["unchanged"], done["refused"]),
              (200, 256 * times, 0), length)
        grown = memory(server, "VmHWM") - before
        assert grown < ROOM_BYTES or SANITIZED, f"length {length}: {grown >> 20} MiB for a body"


@test("while the writer is behind, no more of the body is taken, and nothing of it is lost")
def back_pressure(server):
    block = lines_of("held", 0, 256, description="Held. " * 2000)
    forget_peak(server)
    before = memory(server, "VmRSS")
    other = sqlite3.connect(os.path.join(server.shop.path, "aisle.db"), isolation_level=None)
    with Upload(server, 40 * len(block)) as upload:
        other.execute("BEGIN IMMEDIATE")  # as a backup or a long training may
        taken, upload_bytes = 0, block * 40
        upload.sock.setblocking(False)
        end = time.monotonic() + 2
        while time.monotonic() < end and taken < len(upload_bytes):
            try:
                taken += upload.sock.send(upload_bytes[taken:taken + (1 << 20)])
            except BlockingIOError:
                time.sleep(0.01)
        other.execute("ROLLBACK")
        other.close()
        assert taken < len(upload_bytes), f"all {taken} bytes were taken from a writer that stands"
        assert memory(server, "VmHWM") - before < ROOM_BYTES or SANITIZED
        upload.sock.settimeout(PATIENCE_S)
        upload.sock.sendall(upload_bytes[taken:])
        equal(upload.answer(), (200, {"created": 256, "changed": 0, "unchanged": 39 * 256,
                                      "refused": 0, "rejected": []}))


@test("lines are written while the body is still under way")
def early(server):
    with Upload(server) as upload:
        upload.send(lines_of("early", 0, 10) + b'{"id": "early-10", "ti')
        wait_until(lambda: there(server, "early-0"), "the first lines are found")
        assert not upload.has_answer()
        assert not there(server, "early-10")
        upload.send(b'tle": "Rest"}')
        assert not there(server, "early-10"), "its line has not ended"
        equal(upload.answer()[1]["created"], 11)
    equal(server.backend().get("/v1/products/early-10")["title"], "Rest")


@test("a line costs only itself: too long, broken, blank, in pieces, without an end")
def bad_lines(server):
    long_line = b'{"id": "bad-2", "title": "' + b"x" * (3 << 20) + b'"}'
    lines = [b'{"id": "bad-0", "title": "Fine"}', b'{"id": "bad-1", "title"}', long_line, b"", b"  ",
             b'{"id": "bad-5", "title": "Fine"}\r', b'{"id": "bad-6"}', b"\xff", b'{"id": "bad-8", "title": "Last"}']
    body = b"\n".join(lines)
    for size in (777, 1 << 16, 1 << 20, len(body)):
        with Upload(server) as upload:
            for at in range(0, len(body), size):
                upload.send(body[at:at + size])
            status, done = upload.answer()
        equal(status, 200)
        equal([(r["line"], r["code"]) for r in done["rejected"]],
              [(2, "invalid"), (3, "limit"), (7, "invalid"), (8, "invalid")], size)
        equal((done["created"] + done["unchanged"], done["refused"]), (3, 4))
        assert all(r["message"].startswith(f"{r['line']}:") for r in done["rejected"][:1]), done
    for n in (0, 5, 8):
        assert there(server, f"bad-{n}"), n
    # one that never ends is not kept
    with Upload(server) as upload:
        for _ in range(64):
            upload.send(b"y" * (1 << 20))
        status, done = upload.answer()
    equal([r["code"] for r in done["rejected"]], ["limit"])


@test("of refused lines the first thousand are told, in order, and all are counted")
def many_bad(server):
    lines = [b"{}" if n % 2 else b'{"id": "%s", "title": "t"}' % (b"z" * 200) for n in range(5000)]
    done = server.backend().must(200, "POST", "/v1/products/bulk", b"\n".join(lines), headers=NDJSON)
    equal((done["refused"], [r["line"] for r in done["rejected"]]), (5000, list(range(1, 1001))))
    equal(server.backend().must(200, "POST", "/v1/products/bulk", b"", headers=NDJSON)["refused"], 0)


@test("a client that leaves in the middle of a line leaves whole lines")
def leaving(server):
    for n in range(10):
        upload = Upload(server, None if n % 2 else 10 << 20)
        block = lines_of(f"left-{n}", 0, 3000)
        upload.send(block[:len(block) - 40])
        if n >= 5:
            wait_until(lambda n=n: there(server, f"left-{n}-0"), "the first line is written")
        upload.close()
    client = server.backend()
    client.get("/healthz")
    for n in range(5, 10):
        assert not there(server, f"left-{n}-2999"), "half a line was written"
        done = client.must(200, "POST", "/v1/products/bulk", lines_of(f"left-{n}", 0, 3000), headers=NDJSON)
        equal((done["created"] + done["unchanged"], done["changed"], done["refused"]), (3000, 0, 0))
        assert done["unchanged"] > 0, done


@test("who may not write hears it before the body; nobody sends compressed bodies in vain")
def refused_at_once(server):
    expect = "Expect: 100-continue\r\n"
    for key, status in (("pk_wrong", 401), (server.shop.public, 403)):
        with Upload(server, 1 << 30, key, expect) as upload:
            equal(upload.read()[0], status)
    with Upload(server, 1 << 30, extra=expect + "Content-Encoding: gzip\r\n") as upload:
        equal(upload.read()[0], 415)
    with Upload(server, 33, extra=expect) as upload:
        equal(upload.sock.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        upload.send(b'{"id": "expected", "title": "It"}')
        equal(upload.answer()[1]["created"], 1)
    equal(server.backend().call("PUT", "/v1/products/zipped", b"\x1f\x8b", headers={
        "Content-Encoding": "gzip"}).status, 415)


@test("a body whose framing breaks is refused, and its whole lines stay")
def broken_framing(server):
    with Upload(server) as upload:
        upload.send(lines_of("framed", 0, 10))
        wait_until(lambda: there(server, "framed-0"), "the lines are written")
        upload.sock.sendall(b"nonsense\r\n")
        equal(upload.read()[0], 400)
    assert there(server, "framed-9")


@test("sixteen bodies at once, each counted on its own")
def at_once(server):
    uploads = [Upload(server) for _ in range(16)]
    for step in range(10):
        for n, upload in enumerate(uploads):
            upload.send(lines_of(f"once-{n}", step * 100, step * 100 + 100))
    for upload in uploads:
        upload.sock.sendall(b"0\r\n\r\n")
    for upload in uploads:
        status, done = upload.read()
        equal((status, done.get("created")), (200, 1000), done)
        upload.close()


@test("a server that is told to stop ends a body under way, and stops")
def stopping(server):
    with Upload(server) as upload:
        upload.send(lines_of("stopped", 0, 1000))
        wait_until(lambda: there(server, "stopped-0"), "the first lines are found")
        equal(server.stop(), 0)
    server.start()
    assert there(server, "stopped-0")


def main():
    with folder() as path:
        shop = Shop(os.path.join(path, "shop"), demo=False)
        with Server(shop, settings=("server.drain_finish=1s",)) as server:
            run(server)


if __name__ == "__main__":
    main()
