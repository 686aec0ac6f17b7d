#!/usr/bin/env python3
"""kill -9 at any moment: what was acknowledged is there, and the same questions get the same answers.

KILL_ROUNDS says how many times the server is killed (10).
"""

import json
import os
import random
import sqlite3
import subprocess
import threading
import time

from shop import (AISLE, ENVIRONMENT, SANITIZED, Server, Shop, aisle, copy_folder, equal, folder, guest,
                  path_of, product, run, test, wait_until)

ROUNDS = int(os.environ.get("KILL_ROUNDS", "10"))
IMPORTED = 20000 if SANITIZED else 60000
TEA = "oolong-tea-0001-50g"
NDJSON = {"Content-Type": "application/x-ndjson"}


class Writers:
    """Threads that write until the server is gone, and remember what was acknowledged."""

    def __init__(self, server, round_no):
        self.server, self.round_no = server, round_no
        self.events, self.products, self.orders, self.wrong = [], {}, [], []
        self.threads = [threading.Thread(target=self._run, args=(kind, n))
                        for kind in (self._event, self._product, self._order) for n in range(3)]
        for t in self.threads:
            t.start()

    def _run(self, write, n):
        client, at = self.server.backend(), 0
        try:
            while True:
                write(client, f"{self.round_no}-{n}-{at}")
                at += 1
        except (OSError, EOFError, ValueError):
            pass  # killed: the last one was not acknowledged
        except Exception as why:
            if self.server.process.poll() is None:
                self.wrong.append(why)

    def _event(self, client, name):
        batch = [{"type": "view", "id": f"e{name}-{k}", "time": "2026-11-01T00:00:00Z",
                  "anonymous_id": guest(name), "product_id": TEA} for k in range(5)]
        equal(client.must(200, "POST", "/v1/events", batch)["accepted"], 5)
        self.events.append(batch)

    def _product(self, client, name):
        slot = f"slot-{hash(name) % 50}-{self.round_no}-{name.split('-')[1]}"
        client.must((200, 201), "PUT", f"/v1/products/{slot}", product(slot, title=f"Written {name}"))
        self.products[slot] = f"Written {name}"

    def _order(self, client, name):
        order = client.must(201, "POST", "/v1/orders", {
            "user_id": f"buyer-{name}", "lines": [{"product_id": TEA, "quantity": 1}]})
        self.orders.append(order)

    def wait(self):
        for t in self.threads:
            t.join()
        assert not self.wrong, self.wrong[0]

    def check(self):
        """Everything acknowledged is there."""
        client = self.server.backend()
        for batch in self.events:  # (time, id) is the identity: what is there is a duplicate
            answer = client.must(200, "POST", "/v1/events", batch)
            equal((answer["accepted"], answer["duplicates"]), (0, 5), "acknowledged events")
        for name, title in self.products.items():
            stored = client.get(path_of("v1", "products", name))["title"]
            # a later write may have been durable and not acknowledged
            assert stored == title or stored.startswith("Written"), f"{name}: {stored}"
            hits = client.get("/v1/search", q=stored, filter=f'id = "{name}"')["items"]
            equal([h["title"] for h in hits], [stored], "what is stored is what is found")
        for order in self.orders:
            equal(client.get(path_of("v1", "orders", order["id"])), order)


@test(f"killed {ROUNDS} times under writes, the server has all that it acknowledged")
def under_load(server):
    client = server.backend()
    client.must(200, "PATCH", f"/v1/products/{TEA}", {"stock": None, "price": 100})
    rng, acknowledged = random.Random(1), 0
    for round_no in range(ROUNDS):
        writers = Writers(server, round_no)
        time.sleep(rng.uniform(0.02, 0.3))
        server.kill()
        writers.wait()
        server.start()
        writers.check()
        acknowledged += len(writers.events) + len(writers.products) + len(writers.orders)
    assert acknowledged > ROUNDS, f"only {acknowledged} writes in {ROUNDS} rounds"


SEARCHES = ({"q": "tea"}, {"q": "red"}, {"q": "水壶", "lang": "zh"},
            {"q": "", "sort": "price_asc", "facets": "brand,price"})
LISTS = ({}, {"user_id": "lin-mei"}, {"anonymous_id": guest("kill")},
         {"placement": "similar", "product_id": TEA}, {"placement": "new"})


def answers(server):
    """What fixed questions are answered, by question, without what belongs to the moment."""
    client, found = server.backend(), {}
    for query in SEARCHES:
        answer = client.get("/v1/search", limit=50, **query)
        found[f"search {query}"] = {name: answer[name] for name in ("total", "items", "facets")}
    for query in LISTS:
        answer = client.get("/v1/recommendations", limit=20, **query)
        # trending heat decays while the server restarts: order and reason stay, scores move
        for item in answer["items"]:
            item.pop("score")
        found[f"recommendations {query}"] = {name: answer[name] for name in
                                             ("personal", "models", "items")}
    return found


def listed(server, placement):
    items = server.backend().get("/v1/recommendations", placement=placement, limit=100)["items"]
    return [item["id"] for item in items]


@test("with no writes between, the answers after a kill are those before")
def same_answers(server):
    client = server.backend()
    # more than a list of arrivals holds, in one moment
    lines = [json.dumps(product(f"crowd-{n}", title="Crowd")) for n in range(1500)]
    client.must(200, "POST", "/v1/products/bulk", "\n".join(lines), headers=NDJSON)
    for n in range(30):
        client.must(200, "PATCH", f"/v1/products/{TEA}", {"price": 100 + n})
        client.must((200, 201), "PUT", f"/v1/products/kill-{n}", product(f"kill-{n}", title=f"Red {n}"))
    client.must(204, "DELETE", "/v1/products/kill-3")
    for _ in range(50):  # hot enough to be seen among what is trending
        client.must(200, "POST", "/v1/events", {"type": "add_to_cart", "anonymous_id": guest("kill"),
                                                "product_id": "kill-5"})
    # arrivals and trending are made together, a moment after what they tell of
    wait_until(lambda: listed(server, "new")[0] == "kill-29", "the last write has arrived")
    wait_until(lambda: "kill-5" in listed(server, "trending"), "the event is counted")
    wait_until(lambda: settled(server), "the lists have settled")
    before = answers(server)
    for _ in range(3):
        server.kill()
        server.start()
        after = answers(server)
        for question, was in before.items():
            for place, item in enumerate(was["items"][:len(after[question]["items"])]):
                equal(after[question]["items"][place], item, f"{question}, place {place}")
            equal(after[question], was, question)


def settled(server):
    """Are they the same after more than the interval in which shelves are made?"""
    first = answers(server)
    time.sleep(1)
    return answers(server) == first


@test("killed while a body of many lines is written, the server has a beginning of it and goes on")
def bulk(server):
    lines = [json.dumps(product(f"many-{n}", title="Zvonkling")) for n in range(20000)]
    before = server.backend().get("/v1/shop")["products"]

    def send():
        try:
            server.backend().call("POST", "/v1/products/bulk", "\n".join(lines), headers=NDJSON)
        except OSError:
            pass
    sender = threading.Thread(target=send)
    sender.start()
    wait_until(lambda: server.backend().get("/v1/shop")["products"] > before, "some are written")
    server.kill()
    sender.join()
    server.start()
    client = server.backend()
    there = client.get("/v1/search", q="zvonkling")["total"]
    assert client.call("GET", "/v1/products/many-0").status == 200 and there <= 20000
    done = client.must(200, "POST", "/v1/products/bulk", "\n".join(lines), headers=NDJSON)
    equal((done["created"], done["unchanged"]), (20000 - there, there))


@test("a training that is killed leaves the model that serves")
def training(server):
    admin = server.admin()
    live = admin.get("/v1/recommendations")["models"]["recommend"]
    rng = random.Random(2)
    for round_no in range(max(3, ROUNDS // 10)):
        job = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"]
        wait_until(lambda: admin.get(f"/v1/jobs/{job}")["state"] != "queued", "the job has begun")
        time.sleep(rng.uniform(0, 0.2))
        server.kill()
        admin.close()
        server.start()
        now = admin.get("/v1/recommendations")["models"]["recommend"]
        models = {m["version"]: m for m in admin.get("/v1/models")["items"]}
        assert now in models and models[now]["live"], f"round {round_no}: {now} of {models}"
        ended = wait_until(lambda: admin.get(f"/v1/jobs/{job}")["state"] in ("done", "failed"),
                           "a job whose runner was killed ends")
        assert ended
    assert live in models


@test("publication and rollback that are killed leave one live model, which serves")
def publication(server):
    admin = server.admin()
    job = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"]
    wait_until(lambda: admin.get(f"/v1/jobs/{job}")["state"] in ("done", "failed"), "the job ends")
    told = admin.get(f"/v1/jobs/{job}")
    equal(told["state"], "done", told)
    versions = [m["version"] for m in admin.get("/v1/models")["items"] if m["state"] == "passed"]
    assert len(versions) >= 2, versions

    def swap(n):
        client = server.admin()
        try:
            for k in range(1000):
                client.call("POST", "/v1/models/recommend/publish",
                            {"version": versions[(n + k) % 2], "force": True})
        except (OSError, ValueError):
            pass
    for _ in range(max(3, ROUNDS // 10)):
        threads = [threading.Thread(target=swap, args=(n,)) for n in range(2)]
        for t in threads:
            t.start()
        time.sleep(0.2)
        server.kill()
        for t in threads:
            t.join()
        server.start()
        admin.close()
        live = [m["version"] for m in admin.get("/v1/models")["items"] if m["live"]]
        equal(len(live), 1)
        equal(admin.get("/v1/recommendations")["models"]["recommend"], live[0])


def checkpoint(shop_path):
    """(lines, whether that is all) that an import of the shop has stored for good."""
    with sqlite3.connect(f"file:{shop_path}/aisle.db?mode=ro", uri=True) as db:
        return db.execute("SELECT COALESCE(MAX(line), 0), COALESCE(MAX(done), 0)"
                          " FROM import_checkpoints").fetchone()


@test("an import that is killed leaves a shop that serves, and continues where it was")
def importing(server):
    with folder() as path:
        shop_path, feed = os.path.join(path, "shop"), os.path.join(path, "feed.jsonl")
        server.stop()
        copy_folder(server.shop.path, shop_path)
        server.start()
        with open(feed, "w", encoding="utf-8") as f:
            for n in range(IMPORTED):
                f.write(json.dumps({"id": f"imp-{n}", "title": f"Imported {n}"}) + "\n")
        for _ in range(3):
            before, _ = checkpoint(shop_path)
            child = subprocess.Popen([AISLE, "import", "products", "--data", shop_path, feed],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env=ENVIRONMENT)
            wait_until(lambda: checkpoint(shop_path)[0] > before or child.poll() is not None,
                       "a part is stored")
            child.kill()
            child.wait()
            stored, done = checkpoint(shop_path)
            assert stored > before and not done, f"killed at line {stored} of {IMPORTED}"
        copy = server.shop.at(shop_path)
        with Server(copy) as other:
            assert other.backend().get("/v1/search", q="imported")["total"] >= stored - 1
            equal(other.stop(), 0)
        report = json.loads(aisle("import", "products", "--data", shop_path, "--json", feed).stdout)
        assert report["resumed"], report
        with Server(copy) as other:
            equal(other.backend().get("/v1/search", q="imported")["total"], IMPORTED)


def main():
    with folder() as path:
        with Server(Shop(os.path.join(path, "shop"))) as server:
            run(server)


if __name__ == "__main__":
    main()
