#!/usr/bin/env python3
"""Idempotency-Key: a write that is sent again acts once and is answered alike, whatever happens between."""

import os
import random
import sqlite3
import subprocess
import threading
import time

from shop import (Server, Shop, Skip, equal, folder, guest, in_threads, path_of, product, run, test,
                  wait_until)

TEA = "oolong-tea-0001-50g"
DAY_US = 86400 * 1000000


def with_key(key):
    return {"Idempotency-Key": key}


def twice(client, method, path, body=None, key=None, **more):
    """Send a request two times with one key; both answers."""
    head = {**with_key(key or f"twice {method} {path}"), **more.pop("headers", {})}
    return [client.call(method, path, body, headers=head, **more) for _ in range(2)]


def same(first, again, status):
    equal((first.status, again.status, again.body), (status, status, first.body))
    equal(first.headers["Content-Type"], again.headers["Content-Type"])
    equal((first.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]), (None, "true"))


@test("every kind of write acts once and is answered alike")
def every_write(server):
    client, admin = server.backend(), server.admin()
    same(*twice(client, "PUT", "/v1/products/once", product("once")), 201)
    same(*twice(client, "PATCH", "/v1/products/once", {"price": 777}), 200)
    same(*twice(client, "PUT", "/v1/users/once", {"attributes": {"a": 1}}), 201)
    same(*twice(client, "PATCH", "/v1/users/once", {"personalise": False}), 200)
    same(*twice(client, "POST", "/v1/users/once/joins", {"anonymous_id": guest(1)}), 204)
    same(*twice(client, "DELETE", f"/v1/users/once/joins/{guest(1)}"), 204)
    cart = {"lines": [{"product_id": "once", "quantity": 2}]}
    first, again = twice(client, "PUT", "/v1/carts?user_id=once", cart)
    same(first, again, 200)
    equal(client.get("/v1/carts", user_id="once")["version"], first.json["version"])
    event = {"type": "view", "product_id": "once", "user_id": "once"}
    first, again = twice(client, "POST", "/v1/events", [event, {"type": "nap"}])
    same(first, again, 200)
    equal((first.json["accepted"], len(first.json["rejected"])), (1, 1))
    same(*twice(client, "POST", "/v1/events", {"type": "nap"}, key="none is good"), 400)
    order = {"user_id": "once", "lines": [{"product_id": "once", "quantity": 3}]}
    first, again = twice(client, "POST", "/v1/orders", order)
    same(first, again, 201)
    same(*twice(client, "PATCH", path_of("v1", "orders", first.json["id"]), {"status": "paid"}), 200)
    equal(client.get("/v1/products/once")["stock"], 7)
    first, again = twice(admin, "POST", "/v1/jobs", {"kind": "train"})
    same(first, again, 202)
    job = first.json["id"]
    equal([j["id"] for j in admin.get("/v1/jobs")["items"] if j["kind"] == "train"], [job])
    wait_until(lambda: admin.get(f"/v1/jobs/{job}")["state"] == "done", "the job was woken and is done")
    versions = [m["version"] for m in admin.get("/v1/models/recommend")["items"]]
    for version in (versions[-1], versions[0]):  # two, so that a second rollback would show
        same(*twice(admin, "POST", "/v1/models/recommend/publish", {"version": version, "force": True},
                    key=f"publish {version}"), 200)
    same(*twice(admin, "POST", "/v1/models/recommend/rollback"), 200)
    equal([m["version"] for m in admin.get("/v1/models/recommend")["items"] if m["live"]], [versions[-1]])
    same(*twice(client, "DELETE", "/v1/users/once"), 204)
    same(*twice(client, "DELETE", "/v1/products/once"), 204)
    # what was true when it acted need not be true any more
    equal(client.call("PUT", "/v1/products/once", product("once"),
                      headers=with_key("twice PUT /v1/products/once")).status, 201)
    equal(client.call("GET", "/v1/products/once").status, 404)
    # an erased shopper's answers are gone with them
    equal(client.call("PUT", "/v1/carts?user_id=once", cart,
                      headers=with_key("twice PUT /v1/carts?user_id=once")).status, 404)


@test("the same key with another body or query is 422, and does nothing")
def another_body(server):
    client, head = server.backend(), with_key("reused")
    client.must(201, "PUT", "/v1/products/reused", product("reused", price=1), headers=head)
    answer = client.call("PUT", "/v1/products/reused", product("reused", price=2), headers=head)
    equal((answer.status, answer.json["error"]["code"]), (422, "idempotency_key_reused"))
    equal(client.get("/v1/products/reused")["price"], 1)
    lines = {"lines": []}
    client.must(200, "PUT", "/v1/carts?user_id=r&lang=en", lines, headers=head)
    equal(client.call("PUT", "/v1/carts?user_id=r&lang=zh", lines, headers=head).status, 422)


@test("keys of other paths, methods, API keys and shoppers do not meet")
def scopes(server):
    shop, head = server.shop, with_key("common")
    body = {"lines": [{"product_id": TEA, "quantity": 1}]}
    server.backend().must(200, "PATCH", f"/v1/products/{TEA}", {"stock": None, "price": 100})
    clients = [(server.backend(), {"user_id": "s1"}), (server.backend(), {"user_id": "s2"}),
               (server.admin(), {"user_id": "s1"}),
               (server.client(shop.public, shop.token("s1")), {"user_id": "s1"}),
               (server.client(shop.public, shop.token("s2")), {"user_id": "s2"}),
               (server.client(shop.public), {"anonymous_id": guest("s1")}),
               (server.client(shop.public), {"anonymous_id": guest("s2")})]
    ids = [c.must(201, "POST", "/v1/orders", {**who, **body}, headers=head)["id"] for c, who in clients]
    equal(len(set(ids)), len(clients))
    for (c, who), order in zip(clients, ids, strict=True):
        equal(c.must(201, "POST", "/v1/orders", {**who, **body}, headers=head)["id"], order)
    # a token made anew is the same shopper's
    fresh = server.client(shop.public, shop.token("s1", life_s=100))
    equal(fresh.must(201, "POST", "/v1/orders", {"user_id": "s1", **body}, headers=head)["id"], ids[3])
    # somebody who may not act does not hear what was answered
    thief = server.client(shop.public, shop.token("s2"))
    equal(thief.call("POST", "/v1/orders", {"user_id": "s1", **body}, headers=head).status, 403)
    events = [{"type": "view", "anonymous_id": guest(n), "product_id": TEA} for n in ("e1", "e2")]
    for event in events:
        server.client(shop.public).must(200, "POST", "/v1/events", event, headers=head)


@test("what failed did nothing, is not kept, and may be sent again")
def failures(server):
    client, head = server.backend(), with_key("failing")
    client.must(201, "PUT", "/v1/products/rare", product("rare", stock=0))
    order = {"user_id": "f", "lines": [{"product_id": "rare", "quantity": 1}]}
    for _ in range(2):
        answer = client.call("POST", "/v1/orders", order, headers=head)
        equal((answer.status, answer.json["error"]["code"]), (409, "conflict"))
    client.must(200, "PATCH", "/v1/products/rare", {"stock": 5})
    placed = client.must(201, "POST", "/v1/orders", order, headers=head)
    equal(client.must(201, "POST", "/v1/orders", order, headers=head)["id"], placed["id"])
    equal(client.get("/v1/products/rare")["stock"], 4)
    for bad in (b"", b"x" * 129, b"a\tb", "ä".encode("latin-1")):
        equal(client.call("PUT", "/v1/products/rare", product("rare"),
                          headers={"Idempotency-Key": bad}).status, 400, bad)
    equal(client.call("PUT", "/v1/products/rare", product("rare"), headers=with_key("~" * 128)).status, 200)
    # an answer too large to be kept: nothing is done
    naps = [{"type": "nap"}] * 10000
    equal(client.call("POST", "/v1/events", naps, headers=with_key("large")).status, 413)
    equal(client.call("POST", "/v1/events", naps).status, 400)
    equal(client.get("/v1/search", q="tea", **{}).keys() > {"items"}, True)
    for path, body in (("/v1/search", {"q": "tea"}), ("/v1/recommendations", {})):
        for _ in range(2):  # reads take no notice of it
            equal(client.call("POST", path, body, headers=with_key("reading")).headers[
                "Idempotent-Replayed"], None)


@test("while the first runs a repetition is 409, afterwards it has the first one's answer")
def running(server):
    client, head = server.backend(), with_key("running")
    client.must(201, "PUT", "/v1/products/slow", product("slow", stock=9))
    order = {"user_id": "slow", "lines": [{"product_id": "slow", "quantity": 1}]}
    other = sqlite3.connect(os.path.join(server.shop.path, "aisle.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # the writer waits
    answers = []
    first = threading.Thread(target=lambda: answers.append(
        server.backend().call("POST", "/v1/orders", order, headers=head)))
    first.start()
    wait_until(lambda: b"aisle_http_suspended_requests 1\n" in client.call("GET", "/metrics").body,
               "the first one waits for the writer")
    begin = time.monotonic()
    again = client.call("POST", "/v1/orders", order, headers=head)
    equal((again.status, again.json["error"]["code"]), (409, "idempotency_key_in_use"))
    assert time.monotonic() - begin < 2, "it is refused at once"
    equal(client.call("POST", "/v1/orders", {**order, "lines": []}, headers=head).status, 400)
    other.execute("ROLLBACK")
    other.close()
    first.join()
    equal(answers[0].status, 201)
    equal(client.call("POST", "/v1/orders", order, headers=head).body, answers[0].body)
    # a client that leaves does not leave its key behind
    for n in range(20):
        def leave(_, n=n):
            try:
                c = server.backend()
                c.call("GET", "/healthz")
                c.conn.sock.sendall((
                    f"PUT /v1/products/left HTTP/1.1\r\nHost: x\r\nIdempotency-Key: left-{n}\r\n"
                    f"Authorization: Bearer {server.shop.server}\r\nContent-Length: 29\r\n\r\n"
                    '{"id": "left", "title": "Le"}').encode())
                c.close()
            except OSError:
                pass
        in_threads(4, leave)
        wait_until(lambda n=n: client.call("PUT", "/v1/products/left", b'{"id": "left", "title": "Le"}',
                                           headers=with_key(f"left-{n}")).status in (200, 201), "free")


@test("answers are kept for a day, and go little by little")
def expiry(server):
    client = server.backend()
    first = client.must(201, "PUT", "/v1/products/expiring", product("expiring"), headers=with_key("day"))
    db = sqlite3.connect(os.path.join(server.shop.path, "aisle.db"), isolation_level=None, timeout=10)
    left = [row[0] - time.time() * 1e6 for row in db.execute("SELECT expires_at FROM idempotency")]
    assert left and all(DAY_US - 600e6 < t <= DAY_US for t in left), left
    equal(client.must(201, "PUT", "/v1/products/expiring", product("expiring"), headers=with_key("day")), first)
    db.execute("UPDATE idempotency SET expires_at = 1")
    equal(client.call("PUT", "/v1/products/expiring", product("expiring"), headers=with_key("day")).status, 200)
    db.executemany("INSERT INTO idempotency VALUES ('old', ?, 0, 200, '{}', 1)", [(n,) for n in range(100)])
    for n in range(20):
        client.must((200, 201), "PUT", "/v1/products/expiring", product("expiring"), headers=with_key(f"trim {n}"))
    equal(db.execute("SELECT count(*) FROM idempotency WHERE expires_at = 1").fetchone()[0], 0)
    db.close()


def order_once(server, key):
    return server.backend().call("POST", "/v1/orders", {
        "user_id": f"k {key}", "lines": [{"product_id": TEA, "quantity": 1}]}, headers=with_key(key))


@test("killed between commit and answer, the server does not act twice")
def killed_before_answer(server):
    stop_at_send = ["strace", "-f", "-o", "/dev/null", "-e", "trace=sendto,sendmsg,write,writev", "-e",
                    "inject=sendto,sendmsg:error=EPIPE:signal=SIGKILL:when=1", "-p", str(server.process.pid)]
    server.backend().must(200, "PATCH", f"/v1/products/{TEA}", {"stock": None, "price": 100})
    # the connection is made and warm before the server is traced
    client = server.backend()
    client.get("/healthz")
    tracer = subprocess.Popen(stop_at_send, stderr=subprocess.PIPE, text=True)
    if "attached" not in tracer.stderr.readline():
        raise Skip("tracing is not allowed here")
    body = {"user_id": "cut", "lines": [{"product_id": TEA, "quantity": 1}]}
    try:
        answer = client.call("POST", "/v1/orders", body, headers=with_key("cut"))
        raise AssertionError(f"it was answered: {answer}")
    except (OSError, EOFError, ValueError):
        pass
    server.process.wait()
    tracer.wait()
    server.start()
    orders = server.backend().get("/v1/orders", user_id="cut")["items"]
    equal(len(orders), 1, "it was committed before its answer")
    answer = server.backend().call("POST", "/v1/orders", body, headers=with_key("cut"))
    equal((answer.status, answer.json["id"], answer.headers["Idempotent-Replayed"]),
          (201, orders[0]["id"], "true"))
    equal(len(server.backend().get("/v1/orders", user_id="cut")["items"]), 1)


@test("killed at any moment and asked again, each order is there once")
def killed(server):
    rng = random.Random(3)
    for n in range(int(os.environ.get("KILL_ROUNDS", "10"))):
        keys = [f"{n}-{i}" for i in range(8)]

        def ask(i, keys=keys):
            try:
                order_once(server, keys[i])
            except (OSError, ValueError):
                pass
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        time.sleep(rng.uniform(0, 0.01))
        server.kill()
        for t in threads:
            t.join()
        server.start()
        for key in keys:
            answer = order_once(server, key)
            equal(answer.status, 201)
            equal([o["id"] for o in server.backend().get("/v1/orders", user_id=f"k {key}")["items"]],
                  [answer.json["id"]])


def main():
    with folder() as path:
        shop = Shop(os.path.join(path, "shop"))
        with Server(shop) as server:
            run(server)


if __name__ == "__main__":
    main()
