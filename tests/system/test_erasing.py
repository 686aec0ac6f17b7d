#!/usr/bin/env python3
"""Housekeeping: an erased shopper leaves nothing in the data folder, nothing grows for ever, and what was
trimmed is not missed by the next start."""

import json
import os
import sqlite3
import subprocess
import time

from shop import AISLE, ENVIRONMENT, equal, guest, product, run_on_demo, test, wait_until

TEA = "oolong-tea-0001-50g"
ME, ADDRESS, QUERY, NOTE = "zq-vanishing-shopper", "17 Zqstreet", "zqgift for a secret", "zqnote of mine"
GUEST = guest("zq-vanishing")
ROWS_MAX = 10000  # of one kind in quarantine
VERSIONS_KEPT = 5  # of models


def run_job(server, kind):
    admin = server.admin()
    job = admin.must(202, "POST", "/v1/jobs", {"kind": kind})["id"]
    path = f"/v1/jobs/{job}"
    wait_until(lambda: admin.get(path)["state"] not in ("queued", "running"), f"{kind} has ended")
    ended = admin.get(path)
    equal(ended["state"], "done", ended["message"])
    return ended["result"]


def files(server):
    for folder, _, names in os.walk(server.shop.path):
        for name in names:
            if name != "control.sock":
                yield os.path.join(folder, name)


def places(server, *texts):
    """(file, text) for each of the texts that stands in a file of the data folder."""
    found = []
    for path in files(server):
        with open(path, "rb") as f:
            content = f.read()
        found += [(os.path.basename(path), t) for t in texts if t.encode() in content]
    return found


def scalar(server, sql):
    with sqlite3.connect(f"file:{server.shop.path}/aisle.db?mode=ro", uri=True) as db:
        return db.execute(sql).fetchone()[0]


def live(server, user, anonymous):
    """Everything that a shop may come to know of a shopper."""
    shop = server.shop
    client = server.client(shop.public, shop.token(user))
    me, other = {"user_id": user}, {"anonymous_id": anonymous}
    server.backend().must(201, "PUT", f"/v1/users/{user}", {"attributes": {"note": NOTE}})
    client.must(200, "POST", "/v1/events", [
        {"type": "search", "query": QUERY, **other},
        {"type": "search", "query": QUERY, **me},
        {"type": "view", "product_id": TEA, "context": {"note": NOTE}, "session_id": f"s-{user}", **me}])
    client.must(400, "POST", "/v1/events", [
        {"type": "view", "product_id": "nothing", "context": {"note": NOTE}, **me},
        {"type": "nap", "context": {"note": NOTE}, **other},
        {"type": "view", "product_id": TEA, "session_id": user, "context": {"note": NOTE}}])
    client.must(204, "POST", f"/v1/users/{user}/joins", other)
    lines = [{"product_id": TEA, "quantity": 1}]
    client.must(201, "POST", "/v1/orders", {"lines": lines, "address": {"street": ADDRESS}, **me},
                headers={"Idempotency-Key": f"order-of-{user}"})
    client.must(200, "PUT", "/v1/carts", {"lines": lines}, query=me)


@test("an erased shopper's id and texts are in no file of the shop after the next compaction")
def erased(server):
    live(server, ME, GUEST)
    texts = (ME, GUEST, ADDRESS, QUERY, NOTE)
    equal({t for _, t in places(server, *texts)}, set(texts), "the test looks in the right place")
    server.client(server.shop.public, server.shop.token(ME)).must(204, "DELETE", f"/v1/users/{ME}")
    result = run_job(server, "compact")
    equal((result["events"], result["log_emptied"]), (3, True))
    equal(places(server, *texts), [])


@test("another shopper's orders, events and refused events stay")
def others_stay(server):
    live(server, "zq-stays", guest("zq-stays"))
    live(server, "zq-stay", guest("zq-stay"))  # its name is a part of the other's
    server.backend().must(204, "DELETE", "/v1/users/zq-stay")
    run_job(server, "compact")
    server.client(server.shop.public, server.shop.token("zq-stays")).get("/v1/users/zq-stays")
    equal(scalar(server, "SELECT COUNT(*) FROM quarantine WHERE user_id = 'zq-stays'"), 1)
    equal(scalar(server, "SELECT COUNT(*) FROM quarantine WHERE CAST(raw AS TEXT) LIKE"
                         " '%\"session_id\": \"zq-stay%'"), 1)
    equal(scalar(server, "SELECT COUNT(*) FROM orders o JOIN user_ids u ON u.user_no = o.user_no"
                         " WHERE u.id = 'zq-stays' AND o.address IS NOT NULL"), 1)
    equal(scalar(server, "SELECT COUNT(*) FROM events e JOIN user_ids u ON u.user_no = e.user_no"
                         f" WHERE u.id IN ('zq-stays', '{guest('zq-stays')}')"), 3)


@test("mistakes of one kind fill the quarantine to its bound; the rest is counted, and told")
def bounded(server):
    client = server.client(server.shop.public)
    wrong = [{"type": "view", "anonymous_id": guest(1), "product_id": "nothing"}] * (ROWS_MAX // 2)
    for _ in range(3):
        client.must(400, "POST", "/v1/events", wrong)
    equal(scalar(server, "SELECT COUNT(*) FROM quarantine"), ROWS_MAX)
    listed = json.loads(subprocess.run(
        [AISLE, "import", "--quarantine", "list", "--data", server.shop.path, "--json"],
        capture_output=True, check=True, env=ENVIRONMENT, cwd="/").stdout)
    dropped = [k["dropped"] for k in listed if "dropped" in k]
    assert len(dropped) == 1 and ROWS_MAX // 2 < dropped[0] < ROWS_MAX, listed
    metrics = client.call("GET", "/metrics").body.decode()
    for line in (f'aisle_quarantine_rows{{kind="events"}} {ROWS_MAX}',
                 f'aisle_quarantine_dropped_rows{{kind="events"}} {dropped[0]}'):
        assert f"\n{line}\n" in metrics, line


def change_much(server):
    """Some thousand entries in the log of changes: neighbours of equal kind share one."""
    for step in (1, 7, 11, 13):
        lines = [json.dumps(product(f"zq-{n * step % 600}", price=step)) for n in range(600)]
        server.backend().must(200, "POST", "/v1/products/bulk", "\n".join(lines),
                              headers={"Content-Type": "application/x-ndjson"})


@test("a start after the log of changes was trimmed gives the same answers")
def same_answers(server):
    equal(server.stop(), 0)  # a start adds up heat in another order than the days before it
    server.start()
    client = server.client(server.shop.public)
    oldest = scalar(server, "SELECT MIN(position) FROM changes")
    change_much(server)
    for _ in range(VERSIONS_KEPT + 1):  # so that none is left of those that hold the log back
        run_job(server, "train")
    for n in range(5):
        client.must(200, "POST", "/v1/events", {"type": "view", "product_id": TEA, "anonymous_id": guest(n)})
    server.backend().must(201, "PUT", "/v1/products/zq-late", {"title": "Zqlate thing", "price": 100,
                                                               "currency": "CNY"})

    def ask():
        client = server.client(server.shop.public)  # a connection to the server that runs now
        answers = [client.get("/v1/recommendations", anonymous_id=guest(n)) for n in range(5)]
        answers.append(client.get("/v1/search", q="zqlate"))
        equal(answers[-1]["total"], 1)
        return [[i["id"] for i in a["items"]] for a in answers]

    def settled():
        """The shelves of what is new and sought are made anew twice a second."""
        first = ask()
        time.sleep(1)
        return first if ask() == first else None

    before = wait_until(settled, "the answers are settled")
    run_job(server, "compact")
    assert scalar(server, "SELECT MIN(position) FROM changes") > oldest
    equal(server.stop(), 0)
    server.start()
    equal(ask(), before)
    server.kill()
    server.start()
    equal(ask(), before)


if __name__ == "__main__":
    run_on_demo()
