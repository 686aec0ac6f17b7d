#!/usr/bin/env python3
"""The learned ranker around the running server: it learns from lists that were logged, with every setting that the server
has, tells its chances, and a damaged one stops nothing."""

import json
import os
import random
from datetime import datetime, timedelta, timezone

from shop import aisle, equal, run_on_demo, test, wait_until

LISTS, SHOWN, OFFSET = 320, 12, "+08:00"


def train_children(server):
    """Environments of training processes that the server has started."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            if parent != server.process.pid:
                continue
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if b"train" not in f.read().split(b"\0"):
                    continue
            with open(f"/proc/{pid}/environ", "rb") as f:
                found.append(dict(v.split("=", 1) for v in f.read().decode().split("\0") if v))
        except OSError:
            continue
    return found


def trained(server):
    """The job of a training, ended, and the environment that it ran in."""
    admin, seen = server.admin(), []
    job = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})

    def ended():
        seen.extend(train_children(server))
        state = admin.get(f"/v1/jobs/{job['id']}")
        return state if state["state"] in ("done", "failed") else None
    return wait_until(ended, "the training ends", 600), seen


def log_lists(server, before):
    """Shoppers see home lists in the days before a moment, and open what they look at and like."""
    backend, rng = server.backend(), random.Random(4)
    shoppers = [u["id"] for u in backend.get("/v1/users", limit=100)["items"]]
    events = []
    for n in range(LISTS):
        user = rng.choice(shoppers)
        found = backend.get("/v1/recommendations", user_id=user, limit=SHOWN)
        at = before - timedelta(minutes=60 + 6 * n)
        for place, item in enumerate(found["items"], 1):
            kinds = ["impression"] + ["click"] * (rng.random() < 0.8 / place)
            for kind in kinds:
                at += timedelta(seconds=1)
                events.append({"id": f"seen-{len(events)}", "time": at.isoformat(), "type": kind,
                               "user_id": user, "product_id": item["id"], "position": place,
                               "request_id": found["request_id"]})
    for i in range(0, len(events), 2000):
        said = backend.must(200, "POST", "/v1/events", {"events": events[i:i + 2000]})
        equal(said["rejected"], [])


@test("lists that were logged are learned from, in a process that has the server's settings")
def learns(server):
    job, environments = trained(server)
    equal(job["state"], "done", str(job))
    split = datetime.fromisoformat(job["result"]["metrics"]["split"].replace("Z", "+00:00"))
    log_lists(server, split - timedelta(hours=1))
    job, more = trained(server)
    equal(job["state"], "done", str(job))
    environments += more
    assert environments, "no training was seen"
    for environment in environments:
        equal(environment.get("AISLE_SHOP_UTC_OFFSET"), OFFSET)
        equal(environment.get("AISLE_RECOMMEND_WEIGHTS"), "home.arrivals=0.1")
    ranker = job["result"]["ranker"]
    assert ranker["impressions"]["lists"] > LISTS // 2, ranker["impressions"]
    assert {"acts", "impressions", "both"} == set(ranker["sets"]), ranker["sets"]
    looks = ranker["impressions"]["looks"]["home"]
    assert looks[0] == 1 and looks[5] < 0.6, looks
    best = max(s["ndcg"] for s in ranker["sets"].values())
    equal(ranker["sets"][ranker["set"]]["ndcg"], best)


@test("what the ranker's score means is told of home pages of shoppers with a past")
def chances(server):
    admin = server.admin()
    serving = admin.get("/v1/models")["serving"]
    user = server.backend().get("/v1/users", limit=1)["items"][0]["id"]
    for ask, home in (({"placement": "home", "user_id": user}, True), ({"placement": "trending"}, False)):
        said = admin.must(200, "POST", "/v1/recommendations/explain", ask)
        told = [p for p in said["products"] if "chance" in p]
        for p in told:
            assert "learned" in p and 0 <= p["chance"]["purchase"] <= 1 and 0 <= p["chance"]["act"] <= 1
        if not home or serving["ranker"] != "used":
            equal(told, [])


@test("a version serves without a ranker that is damaged, and says so")
def damaged(server):
    admin = server.admin()
    version = admin.get("/v1/models")["serving"]["version"]
    path = os.path.join(server.shop.path, "models", "recommend", version, "ranker.json")
    server.stop()
    with open(path, "w", encoding="utf-8") as f:
        f.write('{"format": 1}')
    server.start()
    serving = server.admin().get("/v1/models/recommend")["serving"]
    equal((serving["version"], serving["ranker"]), (version, "left_aside"))
    assert "ranker.json" in serving["ranker_error"], serving
    assert "serves without its ranker" in server.log_text()
    equal(len(server.backend().get("/v1/recommendations", limit=10)["items"]), 10)
    told = json.loads(aisle("doctor", "--data", server.shop.path, "--json", check=False).stdout)
    ranker = next(f for f in told["findings"] if f["name"] == "ranker")
    equal(ranker["state"], "wrong")


run_on_demo(settings=(f"shop.utc_offset={OFFSET}", "recommend.weights=home.arrivals=0.1"), events=9000)
