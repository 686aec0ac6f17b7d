#!/usr/bin/env python3
"""Gorse's REST API: its published clients, PyGorse and gorsejs, on a demonstration shop, unchanged.

build/gorse-client has PyGorse, made from the locked list gorse.txt, tests/clients/gorse has gorsejs;
what cannot be had from here is skipped.
"""

import asyncio
import glob
import json
import os
import re
import subprocess
import sys
import threading
import time
from http import server as http_server

from openapi import OpenApi
from shop import (AISLE, ENVIRONMENT, PATIENCE_S, ROOT, Server, Shop, Skip, aisle, equal, folder,
                  guest, path_of, product, run, test, wait_until)

HERE = os.path.join(ROOT, "tests/system")
PYTHON_DIR = os.path.join(ROOT, "build/gorse-client")
NODE_DIR = os.path.join(ROOT, "tests/clients/gorse")
UNREACHABLE = 69
API = OpenApi(os.path.join(ROOT, "api/gorse.yaml"))


def py_gorse():
    """The module of PyGorse."""
    made = subprocess.run([os.path.join(ROOT, "tools/python_env.sh"),
                           os.path.join(HERE, "gorse.txt"), PYTHON_DIR],
                          capture_output=True, text=True, check=False)
    if made.returncode == UNREACHABLE:
        raise Skip("PyGorse is not there, and the index of Python packages cannot be reached")
    assert made.returncode == 0, made.stderr
    for path in glob.glob(os.path.join(PYTHON_DIR, "lib/python*/site-packages")):
        if path not in sys.path:
            sys.path.insert(0, path)
    import gorse
    return gorse


class NodeGorse:
    """A client of gorsejs in a process of its own: js.getUser(...) calls the method of that name."""

    def __init__(self, port, key):
        if not os.path.isdir(os.path.join(NODE_DIR, "node_modules/gorsejs")):
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
                                  cwd=NODE_DIR, capture_output=True, text=True, check=False)
            if re.search("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT", done.stderr):
                raise Skip("gorsejs is not there, and the npm registry cannot be reached")
            assert done.returncode == 0, done.stderr
        self.process = subprocess.Popen(["node", "call.js", f"http://127.0.0.1:{port}", key],
                                        cwd=NODE_DIR, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)

    def __getattr__(self, method):
        def call(*args):
            self.process.stdin.write(json.dumps({"method": method, "args": args}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
            if "error" in answer:
                raise NodeError(**answer["error"])
            return answer.get("value")
        return call


class NodeError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Http:
    """The protocol without a client, each answer held against api/gorse.yaml."""

    def __init__(self, server, key=None):
        self.client = server.client()
        self.headers = {"X-API-Key": key} if key else {}

    def __call__(self, status, method, path, body=None, headers=None, **more):
        answer = self.client.call(method, path, body, headers={**self.headers, **(headers or {})},
                                  **more)
        assert answer.status == status, f"{method} {path}: {answer}, expected {status}"
        equal(API.check(method, path.split("?")[0], answer), [], f"{method} {path}")
        return answer.json if answer.headers["Content-Type"] == "application/json" else answer


def http(server):
    return Http(server, server.shop.server)


def python_client(server):
    return py_gorse().Gorse(f"http://127.0.0.1:{server.port}", server.shop.server, PATIENCE_S)


def feedback(kind, user, item, second=0, **fields):
    return {"FeedbackType": kind, "UserId": user, "ItemId": item,
            "Timestamp": f"2026-03-01T10:{second // 60:02}:{second % 60:02}Z", **fields}


def without(record, *names):
    return {k: v for k, v in record.items() if k not in names}


# --- records ------------------------------------------------------------------------------------

ITEM = {"ItemId": "g-1", "IsHidden": False, "Categories": ["戏剧", "Drama > Old", ""],
        "Timestamp": "2020-02-02T20:20:02.020Z", "Comment": "A line\nand \"another\" 行 🎬",
        "Labels": {"genre": ["drama", "古装"], "year": 1999.5, "cast": {"lead": None}, "": [[]]}}
ODD_LABELS = [None, [], {}, ["a", "a", ""], "text", 0, -1.5, False, [0.25, 0.5], {"a": {"b": [{}]}},
              "\u2028\\\"/", {"labels": {"labels": 1}}]


@test("items that PyGorse writes are read back the same, whatever their labels, categories and comments")
def py_items(server):
    client = python_client(server)
    equal(client.insert_item(ITEM), {"RowAffected": 1})
    equal(client.get_item("g-1"), ITEM)
    for i, labels in enumerate(ODD_LABELS):
        for categories in (None, [], ["x"], ["b", "a", "b"]):
            item = {**ITEM, "ItemId": f"odd {i}/ü?&=%", "Labels": labels, "Categories": categories}
            client.insert_item(item)
            equal(http(server)(200, "GET", path_of("api", "item", item["ItemId"])), item)
    client.insert_item({"ItemId": "g-2"})
    bare = client.get_item("g-2")
    equal(without(bare, "Timestamp"), {"ItemId": "g-2", "IsHidden": False, "Categories": None,
                                       "Labels": None, "Comment": ""})
    client.update_item("g-1", comment=" \n padded\t ")
    equal(client.get_item("g-1")["Comment"], " \n padded\t ")
    client.update_item("g-1", comment="", labels=["new"])
    equal(client.get_item("g-1"), {**ITEM, "Comment": "", "Labels": ["new"]})
    client.update_item("g-1", is_hidden=True, categories=[], timestamp="2021-01-01")
    equal(client.get_item("g-1"), {**ITEM, "Comment": "", "Labels": ["new"], "IsHidden": True,
                                   "Categories": [], "Timestamp": "2021-01-01T00:00:00Z"})
    client.insert_item(ITEM)
    equal(client.get_item("g-1"), ITEM)
    equal(client.delete_item("g-1"), {"RowAffected": 1})
    equal(client.delete_item("g-1"), {"RowAffected": 0})
    try:
        client.get_item("g-1")
        raise AssertionError("a deleted item was found")
    except py_gorse().GorseException as why:
        equal((why.status_code, why.message), (404, "there is no item 'g-1'"))


@test("users that PyGorse writes are read back the same, and are gone when they are deleted")
def py_users(server):
    client = python_client(server)
    user = {"UserId": "u ü/1", "Labels": {"gender": "F", "tags": ["x"]}, "Subscribe": ["a", "b"],
            "Comment": "说 \"hi\""}
    client.insert_user({**user, "UserId": "g-u1"})
    equal(client.get_user("g-u1"), {**user, "UserId": "g-u1"})
    equal(client.insert_users([user, {"UserId": "g-u2"}]), {"RowAffected": 2})
    call = http(server)
    equal(call(200, "GET", path_of("api", "user", user["UserId"])), user)
    equal(client.get_user("g-u2"), {"UserId": "g-u2", "Labels": None, "Subscribe": None,
                                    "Comment": ""})
    for labels in ODD_LABELS:
        client.insert_user({"UserId": "g-u2", "Labels": labels})
        equal(client.get_user("g-u2")["Labels"], labels)
    call(200, "PATCH", "/api/user/g-u2", {"Comment": "x"})
    equal(client.get_user("g-u2")["Comment"], "x")
    equal(client.get_user("g-u2")["Labels"], ODD_LABELS[-1])
    call(404, "PATCH", "/api/user/nobody", {"Comment": "x"})
    equal(client.delete_user("g-u2"), {"RowAffected": 1})
    equal(client.delete_user("g-u2"), {"RowAffected": 0})
    call(404, "GET", "/api/user/g-u2")


@test("what Gorse has no word for stays: a product keeps title, price and attributes, a shopper the rest")
def mixed(server):
    call, native = http(server), server.backend()
    whole = product("g-mixed", attributes={"color": "red"}, brand="Northpot", description="Old")
    native.must(201, "PUT", "/v1/products/g-mixed", whole)
    item = call(200, "GET", "/api/item/g-mixed")
    equal((item["Categories"], item["Labels"], item["Comment"]), (["Test > Things"], None, "Old"))
    call(200, "POST", "/api/item", {**item, "Labels": ["l"], "Comment": "New"})
    now = native.get("/v1/products/g-mixed")
    equal((now["title"], now["price"], now["brand"], now["category"], now["description"]),
          ("Thing g-mixed", 1000, "Northpot", "Test > Things", "New"))
    equal(now["attributes"], {"color": "red", "categories": ["Test > Things"], "labels": ["l"]})
    native.must(201, "PUT", "/v1/users/g-mixed", {"attributes": {"vip": True}, "personalise": False})
    call(200, "PATCH", "/api/user/g-mixed", {"Labels": ["l"]})
    user = native.get("/v1/users/g-mixed")
    equal((user["attributes"], user["personalise"]), ({"vip": True, "labels": ["l"]}, False))
    # what came under the same names through another door, and is of another form, is not told
    odd = {"categories": "one", "labels": 7, "subscribe": "x", "comment": ["y"]}
    native.must(201, "PUT", "/v1/products/g-odd", product("g-odd", attributes=odd))
    item = call(200, "GET", "/api/item/g-odd")
    equal((item["Categories"], item["Labels"]), (["Test > Things"], 7))
    call(200, "PUT", "/api/item/g-odd/category/two")
    equal(call(200, "GET", "/api/item/g-odd")["Categories"], ["Test > Things", "two"])
    native.must(201, "PUT", "/v1/users/g-odd", {"attributes": odd})
    equal(call(200, "GET", "/api/user/g-odd"),
          {"UserId": "g-odd", "Labels": 7, "Subscribe": None, "Comment": ""})
    call(200, "POST", "/api/item", {"ItemId": "g-titled", "Comment": "First\nSecond"})
    equal(native.get("/v1/products/g-titled")["title"], "First")
    call(200, "PATCH", "/api/item/g-titled", {"Comment": ""})
    equal(native.get("/v1/products/g-titled")["title"], "g-titled")


@test("one category is put and taken away, and decides what is in a list of it")
def categories(server):
    call = http(server)
    call(200, "POST", "/api/item", {"ItemId": "g-cat", "Categories": ["one"]})
    for _ in range(2):
        call(200, "PUT", path_of("api", "item", "g-cat", "category", "二 \"2\"\\"))
    equal(call(200, "GET", "/api/item/g-cat")["Categories"], ["one", "二 \"2\"\\"])
    for kind in ("latest", "popular"):
        listed = call(200, "GET", path_of("api", kind, "二 \"2\"\\"), query={"n": 5})
        equal([x["Id"] for x in listed], ["g-cat"], kind)
    both = call(200, "GET", "/api/recommend/nobody?category=one&category=" + "%E4%BA%8C%20%222%22%5C")
    equal(both, ["g-cat"])
    call(200, "DELETE", "/api/item/g-cat/category/one")
    equal(call(200, "GET", "/api/item/g-cat")["Categories"], ["二 \"2\"\\"])
    equal(call(200, "GET", "/api/latest/one"), [])
    call(404, "PUT", "/api/item/nothing/category/one")
    call(404, "DELETE", "/api/item/nothing/category/one")


@test("the words of labels are found by search and make items alike, whatever form the labels have")
def labels(server):
    call = http(server)
    for i, form in enumerate(("zyzzyva", ["zyzzyva"], {"a": "zyzzyva"}, {"a": {"b": ["Zyzzyva"]}},
                              [[{"deep": "zyzzyva"}]])):
        call(200, "POST", "/api/item", {"ItemId": f"label{i}", "Labels": form})
    found = server.backend().get("/v1/search", q="zyzzyva", limit=20)["items"]
    equal(sorted(item["id"] for item in found), [f"label{i}" for i in range(5)])
    equal(set(ids(call(200, "GET", "/api/item/label3/neighbors"))) & {f"label{i}" for i in range(5)},
          {"label0", "label1", "label2", "label4"})


# --- feedback -----------------------------------------------------------------------------------

@test("feedback that PyGorse writes is read back the same, once for each type, user and item")
def py_feedback(server):
    client, call = python_client(server), http(server)
    client.insert_feedback("read", "f-1", "f-a", "2026-03-01 10:00:00", 2.5)
    client.insert_feedbacks([feedback("star", "f-1", "f-a", 1), feedback("看", "f-1", "f b/?", 2)])
    read = {**feedback("read", "f-1", "f-a"), "Value": 2.5, "Comment": ""}
    star = {**feedback("star", "f-1", "f-a", 1), "Value": 0, "Comment": ""}
    seen = {**feedback("看", "f-1", "f b/?", 2), "Value": 0, "Comment": ""}
    equal(client.list_feedbacks("read", "f-1"), [read])
    key = lambda f: (f["FeedbackType"], f["UserId"], f["ItemId"])
    equal(sorted(call(200, "GET", "/api/user/f-1/feedback"), key=key), [read, star, seen])
    equal(sorted(call(200, "GET", "/api/item/f-a/feedback"), key=key), [read, star])
    equal(call(200, "GET", "/api/item/f-a/feedback/star"), [star])
    equal(sorted(call(200, "GET", "/api/feedback/f-1/f-a"), key=key), [read, star])
    equal(call(200, "GET", "/api/feedback/read/f-1/f-a"), read)
    equal(call(200, "GET", path_of("api", "feedback", "看", "f-1", "f b/?")), seen)
    # the first one stays, unless it is put
    again = feedback("read", "f-1", "f-a", 30, Value=-1e-7, Comment="why \"not\" 好")
    call(200, "POST", "/api/feedback", [again])
    equal(client.list_feedbacks("read", "f-1"), [read])
    call(200, "PUT", "/api/feedback", [again])
    equal(client.list_feedbacks("read", "f-1"), [again])
    call(200, "PUT", "/api/feedback", [read])
    equal(client.list_feedbacks("read", "f-1"), [read])
    equal(client.delete_feedback("f-1", "f-a"), {"RowAffected": 2})
    equal(client.delete_feedback("f-1", "f-a"), {"RowAffected": 0})
    equal(call(200, "GET", "/api/user/f-1/feedback"), [seen])
    client.insert_feedbacks([read])  # the same as before it was deleted
    equal(client.list_feedbacks("read", "f-1"), [read])
    equal(call(200, "DELETE", "/api/feedback/read/f-1/f-a"), {"RowAffected": 1})
    call(404, "GET", "/api/feedback/read/f-1/f-a")
    equal(call(200, "GET", "/api/item/f-a/feedback/"), [])
    client.delete_user("f-1")
    equal(call(200, "GET", path_of("api", "item", "f b/?", "feedback")), [])


@test("feedback makes the users and items that it names, which can be found and recommended")
def auto_insert(server):
    client, call = python_client(server), http(server)
    client.insert_feedbacks([feedback("star", "auto-u", "auto-i")])
    equal(client.get_user("auto-u")["Labels"], None)
    item = client.get_item("auto-i")
    equal((item["IsHidden"], item["Comment"]), (False, ""))
    wait_until(lambda: "auto-i" in ids(call(200, "GET", "/api/latest", query={"n": 100})),
               "the item is among the latest")
    client.delete_item("auto-i")
    equal(call(200, "GET", "/api/user/auto-u/feedback"), [])
    client.insert_feedbacks([feedback("read", "auto-u", "auto-i")])
    assert client.get_item("auto-i")["Timestamp"] >= item["Timestamp"]


def every(page):
    """All that a client's cursor leads to, and how many pages it took."""
    found, cursor, pages = [], "", 0
    while True:
        some, cursor = page(cursor)
        found += some
        pages += 1
        if not cursor:
            return found, pages


@test("cursors lead to the end of thousands of items, users and feedback, each of them once")
def cursors(server):
    client, call = python_client(server), http(server)
    n = 2500
    call(200, "POST", "/api/items", [{"ItemId": f"c-{i}"} for i in range(n)])
    client.insert_users([{"UserId": f"c-{i}", "Labels": [i]} for i in range(n)])
    client.insert_feedbacks([feedback("c-type", f"c-{i % 50}", f"c-{i}") for i in range(n)])
    items, pages = every(lambda cursor: client.get_items(100, cursor))
    mine = [i["ItemId"] for i in items if i["ItemId"].startswith("c-")]
    equal((len(mine), set(mine)), (n, {f"c-{i}" for i in range(n)}))
    equal(pages, -(-len(items) // 100) if len(items) % 100 else pages)
    users, _ = every(lambda cursor: client.get_users(333, cursor))
    mine = {u["UserId"]: u["Labels"] for u in users if u["UserId"].startswith("c-")}
    equal(mine, {f"c-{i}": [i] for i in range(n)})
    pairs = {(f"c-{i % 50}", f"c-{i}") for i in range(n)}
    for path in ("/api/feedback", "/api/feedback/c-type"):
        def page(cursor, path=path):
            got = call(200, "GET", path, query={"n": 777, "cursor": cursor})
            return got["Feedback"], got["Cursor"]
        got = [(f["UserId"], f["ItemId"]) for f in every(page)[0] if f["FeedbackType"] == "c-type"]
        equal((len(got), set(got)), (n, pairs), path)
    got, _ = every(lambda cursor: client.get_feedbacks(1000, cursor))
    equal(sum(f["FeedbackType"] == "c-type" for f in got), n)
    # exactly at the end there is no cursor
    equal(call(200, "GET", "/api/feedback/c-type", query={"n": n})["Cursor"] != "", True)
    equal(every(lambda c: (lambda p: (p["Feedback"], p["Cursor"]))(
        call(200, "GET", "/api/feedback/c-type", query={"n": 500, "cursor": c})))[1], 5)


# --- recommendations ----------------------------------------------------------------------------

def ids(scores):
    return [s["Id"] for s in scores]


@test("PyGorse gets lists from the recommender: for a user, by category, further on, beside an item")
def py_lists(server):
    client, call = python_client(server), http(server)
    user = "r-1"
    some = ids(call(200, "GET", "/api/popular", query={"n": 5}))
    equal(len(some), 5)
    client.insert_feedbacks([feedback("star", user, item, i) for i, item in enumerate(some[:3])])
    got = client.get_recommend(user, n=20)
    assert len(got) == 20 and not {s.id for s in got} & set(some[:3])
    assert all(a.score >= b.score > 0 for a, b in zip(got, got[1:]))
    equal(call(200, "GET", f"/api/recommend/{user}", query={"n": 20}), [s.id for s in got])
    equal([s.id for s in client.get_recommend(user, n=5, offset=10)], [s.id for s in got][10:15])
    neighbours = client.get_neighbors(some[0], n=5)
    assert 0 < len(neighbours) <= 5 and some[0] not in ids(neighbours)
    equal(client.get_neighbors(some[0], n=2, offset=1), neighbours[1:3])
    equal(client.get_neighbors("nothing"), [])
    category = client.get_item(got[0].id)["Categories"][0]
    for s in client.get_recommend(user, "Home" if category.startswith("Home") else category, n=10):
        assert client.get_item(s.id)["Categories"][0].startswith(category.split(" > ")[0])
    unread = ids(call(200, "GET", "/api/popular", query={"n": 20, "user-id": user}))
    assert not set(unread) & set(some[:3])
    session = client.session_recommend([feedback("star", "", some[0]), feedback("read", "", some[1])])
    assert session and not set(ids(session)) & set(some[:2])


@test("feedback changes the next list at once, and deleted feedback changes it back")
def fresh(server):
    client, call = python_client(server), http(server)
    item = ids(call(200, "GET", "/api/popular", query={"n": 1}))[0]
    def listed():
        return [s.id for s in client.get_recommend("fresh-1", n=100)]
    before = listed()
    assert item in before
    client.insert_feedback("read", "fresh-1", item, "")
    assert item not in listed()
    client.delete_feedback("fresh-1", item)
    equal(listed(), before)


@test("what a user gave feedback on does not come again, whatever it says of taste and however much it is")
def not_again(server):
    client, call = python_client(server), http(server)
    some = ids(call(200, "GET", "/api/popular", query={"n": 100}))
    client.insert_feedbacks([feedback("dislike", "na-1", item) for item in some[:50]])
    assert not set(some[:50]) & {s.id for s in client.get_recommend("na-1", n=100)}
    client.insert_feedbacks([feedback(f"read {i % 3}", "na-2", item, i)
                             for i, item in enumerate(some)])
    left = {s.id for s in client.get_recommend("na-2", n=100)}
    assert left and not set(some) & left
    unread = ids(call(200, "GET", "/api/latest", query={"n": 100, "user-id": "na-2"}))
    assert unread and not set(some) & set(unread)


@test("an item is in the lists while it is not hidden, and comes first among the latest")
def hidden(server):
    client, call = python_client(server), http(server)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    client.insert_item({"ItemId": "h-1", "Timestamp": now, "Categories": ["h"]})
    def latest():
        return call(200, "GET", "/api/latest")
    wait_until(lambda: latest()[0]["Id"] == "h-1", "the item is the latest")
    equal(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(latest()[0]["Score"])), now)
    client.update_item("h-1", is_hidden=True)
    equal(call(200, "GET", "/api/latest/h"), [])
    assert "h-1" not in ids(latest())
    client.update_item("h-1", is_hidden=False)
    equal(ids(call(200, "GET", "/api/latest/h")), ["h-1"])
    client.delete_item("h-1")
    equal(call(200, "GET", "/api/latest/h"), [])


@test("what is recommended can be written back as feedback, with a delay")
def write_back(server):
    client, call = python_client(server), http(server)
    client.insert_user({"UserId": "wb-1"})
    got = [s.id for s in client.get_recommend("wb-1", n=4, write_back_type="read",
                                              write_back_delay="10m")]
    written = call(200, "GET", "/api/user/wb-1/feedback/read")
    equal(sorted(f["ItemId"] for f in written), sorted(got))
    ahead = [time.mktime(time.strptime(f["Timestamp"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
             - time.time() for f in written]
    assert all(0 < a <= 601 for a in ahead), ahead
    def listed():
        return {s.id for s in client.get_recommend("wb-1", n=100)}
    assert set(got) <= listed()  # the delay is not over
    wrote = [s.id for s in client.get_recommend("wb-1", n=4, offset=4, write_back_type="skip")]
    assert wrote and not set(wrote) & listed()
    for delay in ("x", "10", "-1m", "1.5h", "25h", "9" * 30 + "h", "1h" * 30):
        call(400, "GET", "/api/recommend/wb-1", query={"write-back-type": "read",
                                                       "write-back-delay": delay})


@test("users of the model have neighbours, users without a past have none")
def user_neighbours(server):
    call = http(server)
    shoppers = [u["id"] for u in server.client().get("/v1/demo/users", limit=20)["items"]]
    found = [call(200, "GET", path_of("api", "user", u, "neighbors"), query={"n": 5})
             for u in shoppers]
    assert any(found)
    for user, near in zip(shoppers, found):
        assert len(near) <= 5 and user not in ids(near)
        assert all(1 >= a["Score"] >= b["Score"] > 0 for a, b in zip(near, near[1:]))
        equal(call(200, "GET", path_of("api", "user", user, "neighbors", ""),
                   query={"n": 2, "offset": 1}), near[1:3])
    equal(call(200, "GET", "/api/user/nobody/neighbors"), [])


@test("a training learns from feedback, and its figures are measurements")
def training(server):
    client, call, native = python_client(server), http(server), server.admin()
    # two camps that like nothing in common
    rows = [feedback("star", f"camp-{u % 2}-{u}", f"camp-{u % 2}-item-{i}", i)
            for u in range(60) for i in range(12) if (u // 2 + i) % 3]
    client.insert_feedbacks(rows)
    job = native.must(202, "POST", "/v1/jobs", {"kind": "train"})
    done = wait_until(lambda: (lambda j: j if j["state"] in ("done", "failed") else None)(
        native.get(f"/v1/jobs/{job['id']}")), "the training has ended")
    equal(done["state"], "done", done)
    model = native.get("/v1/models/recommend")["items"][0]
    if not model["live"]:  # a gate may refuse it: two camps are no shop
        native.must(200, "POST", "/v1/models/recommend/publish",
                    {"version": model["version"], "force": True})
    latest = model["manifest"]["metrics"]["factors"]
    for name in ("NDCG@10", "ndcg", "Recall"):
        newest = call(200, "GET", f"/api/measurements/{name}")[0]
        equal((newest["Name"], newest["Value"]), (name, latest[name.split("@")[0].lower()]))
    equal(call(200, "GET", "/api/measurements/nothing"), [])
    def both(path, camp):
        near = ids(call(200, "GET", path, query={"n": 5}))
        return near and all(x.startswith(camp) for x in near)
    wait_until(lambda: both("/api/item/camp-1-item-0/neighbors", "camp-1-")
               and both("/api/user/camp-0-0/neighbors", "camp-0-"), "the model serves")


# --- the other client ---------------------------------------------------------------------------

@test("gorsejs does all that it can: users, items, feedback, lists, sessions, cursors, deletes")
def js_client(server):
    with NodeGorse(server.port, server.shop.server) as js:
        equal(js.insertUser({"UserId": "j-u", "Labels": ["a"], "Comment": "c"}), 1)
        equal(js.insertUsers([{"UserId": "j-v"}, {"UserId": "j-w"}]), 2)
        equal(js.getUser("j-u"), {"UserId": "j-u", "Labels": ["a"], "Subscribe": None,
                                  "Comment": "c"})
        equal(js.updateUser("j-u", {"Labels": ["b"]}), 1)
        equal(js.getUser("j-u")["Labels"], ["b"])
        page = js.getUsers({"n": 2})
        equal((len(page["Users"]), page["Cursor"] != ""), (2, True))
        item = {"ItemId": "j-i", "IsHidden": False, "Categories": ["j"], "Labels": ["a"],
                "Timestamp": "2026-01-02T03:04:05Z", "Comment": "x"}
        equal(js.upsertItem(item), 1)
        equal(js.upsertItems([{**item, "ItemId": f"j-{i}"} for i in range(30)]), 30)
        equal(js.getItem("j-i"), item)
        equal(js.updateItem("j-i", {"Comment": "y"}), 1)
        equal(js.getItem("j-i"), {**item, "Comment": "y"})
        equal(js.insertItemCategory("j-i", "k"), 1)
        equal(js.getItem("j-i")["Categories"], ["j", "k"])
        equal(js.deleteItemCategory("j-i", "k"), 1)
        page = js.getItems({"n": 3})
        equal(len(js.getItems({"n": 3, "cursor": page["Cursor"]})["Items"]), 3)
        rows = [feedback("read", "j-u", f"j-{i}", i) for i in range(5)]
        equal(js.insertFeedbacks(rows), 5)
        equal(js.upsertFeedbacks([{**rows[0], "Comment": "again"}]), 1)
        equal(js.getFeedback({"type": "read", "userId": "j-u", "itemId": "j-0"})["Comment"],
              "again")
        equal(len(js.getUserFeedback("j-u")), 5)
        equal(len(js.getUserFeedbackByType("j-u", "read")), 5)
        equal(len(js.getItemFeedback("j-1")), 1)
        equal(len(js.getItemFeedbackByType("j-1", "star")), 0)
        equal(len(js.getFeedbacks(None, {"n": 3})["Feedback"]), 3)
        equal(len(js.getFeedbacks("read", {"n": 2})["Feedback"]), 2)
        equal(js.deleteFeedback({"type": "read", "userId": "j-u", "itemId": "j-0"}),
              {"RowAffected": 1})
        equal(len(js.getPopular({"cursorOptions": {"n": 4}})), 4)
        equal({x["Id"][:2] for x in js.getLatest({"category": "j", "cursorOptions": {"n": 4}})},
              {"j-"})
        got = js.getRecommend({"userId": "j-u", "category": "j", "cursorOptions": {"n": 7}})
        assert len(got) == 7 and all(isinstance(i, str) and i.startswith("j-") for i in got), got
        assert not {f"j-{i}" for i in range(1, 5)} & set(got)
        wrote = js.getRecommend({"userId": "j-v", "writeBackType": "read",
                                 "writeBackDelay": "10m", "cursorOptions": {"n": 3}})
        equal(sorted(f["ItemId"] for f in js.getUserFeedback("j-v")), sorted(wrote))
        equal(js.getItemNeighbors({"itemId": "nothing"}), [])
        equal(js.getUserNeighbors({"userId": "nobody"}), [])
        assert isinstance(js.getSessionRecommend(rows, {"cursorOptions": {"n": 3}}), list)
        equal(js.deleteItem("j-i"), 1)
        equal(js.deleteUser("j-u"), 1)
        try:
            js.getUser("j-u")
            raise AssertionError("a deleted user was found")
        except NodeError as why:
            equal((why.code, "no user" in why.message), (404, True), why.message)


@test("PyGorse's client for asyncio does the same")
def py_async(server):
    async def calls():
        client = py_gorse().AsyncGorse(f"http://127.0.0.1:{server.port}", server.shop.server)
        await client.insert_user({"UserId": "a-u"})
        await client.insert_item({"ItemId": "a-i"})
        await client.insert_feedback("star", "a-u", "a-i", "2026-01-01")
        equal((await client.list_feedbacks("star", "a-u"))[0]["Timestamp"], "2026-01-01T00:00:00Z")
        assert len(await client.get_recommend("a-u", n=3)) == 3
        await client.delete_user("a-u")
        try:
            await client.get_user("a-u")
            raise AssertionError("a deleted user was found")
        except py_gorse().GorseException as why:
            equal(why.status_code, 404)
    asyncio.run(calls())


# --- what is wrong --------------------------------------------------------------------------------

@test("without a key, with an unknown one and with one of too little scope every call is 401 in words")
def keys(server):
    for key in (None, "nonsense", server.shop.public):
        for method, path, _ in API.operations():
            if path.startswith("/api/health"):
                continue
            answer = Http(server, key)(401, method, re.sub(r"\{[^}]*\}", "x", path), [])
            equal(answer.headers["Content-Type"], "text/plain; charset=utf-8")
    Http(server)(401, "POST", "/api/items", b"[" + b" " * (4 << 20) + b"]")
    Http(server)(200, "GET", "/api/health/live")
    Http(server)(200, "GET", "/api/health/ready")
    # one mechanism: either header, on either side
    equal(server.client().call("GET", "/v1/users/nobody-else",
                               headers={"X-API-Key": server.shop.server}).status, 404)
    equal(server.backend().call("GET", "/api/items").status, 200)
    try:
        py_gorse().Gorse(f"http://127.0.0.1:{server.port}", "nonsense").get_user("x")
        raise AssertionError("a wrong key was taken")
    except py_gorse().GorseException as why:
        equal((why.status_code, why.message), (401, "the key is unknown or revoked"))


BAD = [
    ("POST", "/api/item", "{", "1:2"),
    ("POST", "/api/item", "[]", "expected an object"),
    ("POST", "/api/item", "", "1:1"),
    ("POST", "/api/item", {}, "id is missing"),
    ("POST", "/api/item", {"ItemId": ""}, "id is missing"),
    ("POST", "/api/item", {"ItemId": 7}, "expected a string"),
    ("POST", "/api/item", {"ItemId": "x\u0001"}, "control character"),
    ("POST", "/api/item", {"ItemId": "x", "Categories": "a"}, "Categories"),
    ("POST", "/api/item", {"ItemId": "x", "Categories": [1]}, "Categories"),
    ("POST", "/api/item", {"ItemId": "x", "Categories": [["a"]]}, "Categories"),
    ("POST", "/api/item", {"ItemId": "x", "IsHidden": "yes"}, "1:"),
    ("POST", "/api/item", {"ItemId": "x", "Timestamp": 1577836800}, "expected a string"),
    ("POST", "/api/item", {"ItemId": "x", "Timestamp": "yesterday"}, "'yesterday' is no time"),
    ("POST", "/api/item", {"ItemId": "x", "Timestamp": "2999-01-01"}, "a day ahead"),
    ("POST", "/api/item", {"ItemId": "x", "Comment": ["a"]}, "expected a string"),
    ("POST", "/api/items", {"ItemId": "x"}, "expected an array"),
    ("POST", "/api/items", [{"ItemId": "x"}, {"ItemId": ""}], "item 1: id is missing"),
    ("POST", "/api/user", {"UserId": "x", "Subscribe": {}}, "Subscribe"),
    ("POST", "/api/users", [{"UserId": "x"}, 1], "expected an object"),
    ("POST", "/api/feedback", {"UserId": "x"}, "expected an array"),
    ("POST", "/api/feedback", [feedback("", "u", "i")], "feedback 0: type is missing"),
    ("POST", "/api/feedback", [feedback("read", "", "i")], "feedback 0: user_id is missing"),
    ("PUT", "/api/feedback", [feedback("read", "u", "i"), feedback("read", "u", "")],
     "feedback 1: product_id is missing"),
    ("POST", "/api/feedback", [feedback("read", "u", "i", Value="3")], "1:"),
    ("POST", "/api/feedback", '[{"Value": 1e999}]', "1:"),
    ("POST", "/api/feedback", [{**feedback("read", "u", "i"), "Timestamp": "1989-12-31"}],
     "before 1990"),
    ("POST", "/api/session/recommend", "null", "expected an array"),
    ("POST", "/api/session/recommend", [{"Timestamp": "x"}], "no time"),
    ("GET", "/api/items?n=-1", None, "n: "),
    ("GET", "/api/items?n=0", None, "n: "),
    ("GET", "/api/items?n=ten", None, "n: 'ten'"),
    ("GET", "/api/items?n=" + "9" * 30, None, "n: "),
    ("GET", "/api/items?cursor=abc", None, "cursor: 'abc'"),
    ("GET", "/api/users?cursor=-1", None, "cursor"),
    ("GET", "/api/users?cursor=99999999999", None, "cursor"),
    ("GET", "/api/feedback?cursor=1.2", None, "cursor"),
    ("GET", "/api/feedback?cursor=1.2.3.4", None, "cursor"),
    ("GET", "/api/feedback?cursor=a.b.c", None, "cursor"),
    ("GET", "/api/feedback/read?cursor=x", None, "cursor"),
    ("GET", "/api/popular?offset=-1", None, "offset: "),
    ("GET", "/api/recommend/u?n=x", None, "n: "),
    ("GET", "/api/measurements/ndcg?n=-1", None, "n: "),
]


@test("what is wrong is 400 in one line that names it, and nothing of it is written")
def bad(server):
    call = http(server)
    for method, path, body, said in BAD:
        answer = call(400, method, path, body)
        text = answer.body.decode()
        assert said in text and "\n" not in text, f"{method} {path} {body}: {text}"
    call(404, "GET", "/api/item/x")
    call(404, "GET", "/api/user/x")
    call(404, "GET", "/api/user/u")
    call(404, "PATCH", "/api/item/x", {})
    call(404, "GET", "/api/non-personalized/nothing")
    call(413, "POST", "/api/item", {"ItemId": "x", "Categories": ["c" * 600]})
    call(413, "POST", "/api/items", [{"ItemId": "x", "Labels": "l" * 70000}])
    call(413, "GET", path_of("api", "latest", "c" * 5000))
    call(415, "POST", "/api/item", "ItemId=x",
         headers={"Content-Type": "application/x-www-form-urlencoded"})


@test("times are taken as Gorse takes them")
def times(server):
    call = http(server)
    for text, expected in [("2020-02-02 20:20:02.020", "2020-02-02T20:20:02.020Z"),
                           ("2020-02-02T20:20:02+08:00", "2020-02-02T12:20:02Z"),
                           ("2020-02-02T20:20:02.123456789Z", "2020-02-02T20:20:02.123456Z"),
                           ("2020/02/02", "2020-02-02T00:00:00Z"),
                           ("02/03/2020 04:05:06", "2020-02-03T04:05:06Z"),
                           ("Sun, 02 Feb 2020 20:20:02 GMT", "2020-02-02T20:20:02Z"),
                           ("1580674802", "2020-02-02T20:20:02Z"),
                           ("1580674802020", "2020-02-02T20:20:02.020Z"),
                           ("1580674802020123456", "2020-02-02T20:20:02.020123Z"),
                           ("1931-01-30", "1931-01-30T00:00:00Z")]:
        call(200, "POST", "/api/item", {"ItemId": "t", "Timestamp": text})
        equal(call(200, "GET", "/api/item/t")["Timestamp"], expected, text)
    for none in ("", None, "0001-01-01T00:00:00Z", "1970-01-01"):
        call(200, "POST", "/api/item", {"ItemId": f"t {none}", "Timestamp": none})
        assert call(200, "GET", path_of("api", "item", f"t {none}"))["Timestamp"] > "2026"


@test("huge numbers, ten thousand feedbacks in one body and empty lists are taken; more is 413")
def large(server):
    call = http(server)
    rows = [feedback("bulk", f"b-{i % 100}", f"b-{i // 100}") for i in range(10000)]
    equal(call(200, "POST", "/api/feedback", rows), {"RowAffected": 10000})
    equal(call(200, "POST", "/api/feedback", rows), {"RowAffected": 10000})
    found, _ = every(lambda c: (lambda p: (p["Feedback"], p["Cursor"]))(
        call(200, "GET", "/api/feedback/bulk", query={"n": 10**9, "cursor": c})))
    equal(len(found), 10000)
    for path in ("/api/feedback", "/api/items", "/api/users"):
        equal(call(200, "POST", path, []), {"RowAffected": 0})
        call(413, "POST", path, [{}] * 20001)
        call(413, "POST", path, "[" + " " * (9 << 20) + "]")
    for path in ("/api/popular", "/api/latest", "/api/recommend/b-1", "/api/item/b-1/neighbors"):
        assert len(call(200, "GET", path, query={"n": 2**62})) <= 100
        equal(call(200, "GET", path, query={"n": 2**62, "offset": 2**62}), [])
        equal(call(200, "GET", path, query={"n": 0}), [])
    equal(len(call(200, "POST", "/api/session/recommend", rows, query={"n": 5})) <= 5, True)


@test("an Idempotency-Key and a read-only shop hold here as well")
def conventions(server):
    call = http(server)
    key = {"Idempotency-Key": guest(7)}
    equal(call(200, "POST", "/api/user", {"UserId": "once"}, headers=key), {"RowAffected": 1})
    call(200, "DELETE", "/api/user/once")
    equal(call(200, "POST", "/api/user", {"UserId": "once"}, headers=key), {"RowAffected": 1})
    call(404, "GET", "/api/user/once")
    with Server(server.shop.at(copied(server)), "--read-only") as frozen:
        call = http(frozen)
        call(200, "GET", "/api/items")
        call(503, "POST", "/api/user", {"UserId": "x"})
        call(200, "GET", "/api/recommend/x")
        call(503, "GET", "/api/recommend/x", query={"write-back-type": "read"})


def copied(server):
    """The shop as it lies there, taken by a backup."""
    to = server.shop.path + "-backup"
    aisle("backup", "--data", server.shop.path, to)
    restored = server.shop.path + "-copy"
    aisle("restore", "--data", restored, to)
    return restored


@test("settings say what a type of feedback means, and whether it makes users and items")
def settings(server):
    path = copied(server) if not os.path.isdir(server.shop.path + "-copy") \
        else server.shop.path + "-copy"
    with Server(server.shop.at(path), settings=(
            "gorse.feedback_types=deal=purchase, *=impression", "gorse.auto_insert_item=false",
            "gorse.auto_insert_user=false")) as other:
        call = http(other)
        call(200, "POST", "/api/user", {"UserId": "s-u"})
        some = ids(call(200, "GET", "/api/popular", query={"n": 3}))
        rows = [feedback("deal", "s-u", some[0]), feedback("read", "s-u", some[1]),
                feedback("deal", "s-u", "no such item"), feedback("deal", "no such user", some[2])]
        equal(call(200, "POST", "/api/feedback", rows), {"RowAffected": 4})
        equal(sorted(f["FeedbackType"] for f in call(200, "GET", "/api/user/s-u/feedback")),
              ["deal", "read"])
        call(404, "GET", "/api/user/no%20such%20user")
        call(404, "GET", "/api/item/no%20such%20item")
        assert not set(some[:2]) & set(call(200, "GET", "/api/recommend/s-u", query={"n": 100}))
        native = other.backend().get("/v1/recommendations", placement="trending", user_id="s-u",
                                     limit=100)["items"]
        listed = {item["id"] for item in native}
        assert some[0] not in listed and some[1] in listed  # bought, and shown
    done = subprocess.run([AISLE, "serve", "--data", path, "--port", "0", "--set",
                           "gorse.feedback_types=read:view"], capture_output=True, text=True,
                          check=False, cwd="/", env=ENVIRONMENT, timeout=PATIENCE_S)
    assert done.returncode != 0 and "gorse.feedback_types: 'read:view'" in done.stderr, done


@test("records and feedback survive kill -9, and the same is told by the next server")
def killed(server):
    call = http(server)
    call(200, "POST", "/api/feedback", [feedback("star", "k-u", f"k-{i}", i) for i in range(50)])
    call(200, "DELETE", "/api/feedback/k-u/k-0")
    item = ids(call(200, "GET", "/api/popular", query={"n": 1}))[0]
    call(200, "POST", "/api/feedback", [{**feedback("read", "k-u", item), "Timestamp": ""}])
    before = call(200, "GET", "/api/user/k-u/feedback")
    server.kill()
    server.start()
    call = http(server)
    equal(call(200, "GET", "/api/user/k-u/feedback"), before)
    listed = call(200, "GET", "/api/recommend/k-u", query={"n": 100})
    assert item not in listed and "k-1" not in listed


class OldServer(http_server.BaseHTTPRequestHandler):
    """A server of Gorse as its release 0.4 answers pages: zero times, nulls, members of its own."""

    pages = {
        "/api/users": {"Users": [{"UserId": "o-u", "Labels": None, "Subscribe": None,
                                  "Comment": ""}]},
        "/api/items": {"Items": [{"ItemId": "o-1", "IsHidden": False, "Categories": None,
                                  "Timestamp": "0001-01-01T00:00:00Z", "Labels": None,
                                  "Comment": ""},
                                 {"ItemId": "o" * 200, "IsHidden": False, "Categories": []}]},
        "/api/feedback": {"Feedback": [{"FeedbackType": "like", "UserId": "o-u", "ItemId": "o-1",
                                        "Value": 1, "Timestamp": "2024-05-06T07:08:09.123456789Z",
                                        "Updated": "2024-05-06T07:08:09Z", "Comment": ""}]},
    }

    def do_GET(self):
        body = json.dumps({**self.pages[self.path.split("?")[0]], "Cursor": ""}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def migrate(source, key, target):
    return subprocess.run(
        [sys.executable, os.path.join(ROOT, "examples/gorse-migrate/migrate.py"),
         f"http://127.0.0.1:{source}", f"http://127.0.0.1:{target.port}"],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        env={**ENVIRONMENT, "GORSE_KEY": key, "AISLE_KEY": target.shop.server})


@test("the example copies a whole shop into an empty one, and tells what cannot be copied")
def migration(server):
    with folder() as work, Server(Shop(os.path.join(work, "to"), demo=False)) as target:
        for _ in range(2):
            done = migrate(server.port, server.shop.server, target)
            equal((done.returncode, done.stderr), (0, ""))
        for path, member in (("/api/users", "Users"), ("/api/items", "Items"),
                             ("/api/feedback", "Feedback")):
            def all_of(of, path=path, member=member):
                records, _ = every(lambda c: (lambda p: (p[member], p["Cursor"]))(
                    http(of)(200, "GET", path, query={"n": 1000, "cursor": c})))
                return {json.dumps(r, sort_keys=True) for r in records}
            new, old = all_of(target), all_of(server)
            if member == "Items":
                new = {r for r in new if '"first"' not in r}
            equal(len(new), len(old), member)
            equal(new ^ old, set(), member)
        old_server = http_server.HTTPServer(("127.0.0.1", 0), OldServer)
        threading.Thread(target=old_server.serve_forever, daemon=True).start()
        done = migrate(old_server.server_port, "", target)
        old_server.shutdown()
        old_server.server_close()
        equal(done.returncode, 1)
        equal(done.stdout, "users: 1\nitems: 2\nfeedback: 1\n")
        assert done.stderr.count("refused:") == 1 and "128" in done.stderr, done.stderr
        equal(http(target)(200, "GET", "/api/user/o-u/feedback/like")[0]["Timestamp"],
              "2024-05-06T07:08:09.123456Z")


@test("api/gorse.yaml describes every route of the server, and no other")
def described(_server):
    found = set()
    for name in glob.glob(os.path.join(ROOT, "src/api/gorse_*.c")):
        with open(name, encoding="utf-8") as f:
            found |= {(m, p) for m, p in re.findall(
                r'\{HTTP_([A-Z]+),\s*"([^"]+)",\s*AUTH_', f.read())}
    equal(found ^ {(m, p) for m, p, _ in API.operations()}, set(), "routes in one place only")


if __name__ == "__main__":
    with folder() as work:
        with Server(Shop(os.path.join(work, "shop"))) as the_server:
            run(the_server)
