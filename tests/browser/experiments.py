#!/usr/bin/env python3
"""Experiments for the browser tests to look at, with shoppers who are simulated through the API.

    experiments.py URL ADMIN_KEY DATABASE

Four are made: "fresh-home" has run for ten days, in its newer variant more is clicked and nothing else differs; "one-lost"
lost half the impressions of one variant, and the server has stopped it; "no-events" runs and nobody has seen it; "a-draft"
waits. A shopper is final after a day at the least, which no test can wait for: so what began is moved ten days back, in
the record itself. Everything else goes by HTTP, and is the same every time."""

import base64
import hashlib
import json
import random
import sqlite3
import sys
import time
import urllib.request
from datetime import datetime, timedelta, timezone

URL, KEY, DATABASE = sys.argv[1:]
DAYS = 10
NOW = datetime.now(timezone.utc)


def call(method, path, body=None, kind="application/json"):
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    request = urllib.request.Request(URL + path, body and body.encode(), method=method, headers={
        "Authorization": f"Bearer {KEY}", "Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def make(name, **definition):
    call("POST", "/v1/experiments", {"id": name, "salt": name, "definition": definition})


def start(name):
    call("PATCH", f"/v1/experiments/{name}", {"state": "running"})


def begin_earlier(names):
    with sqlite3.connect(DATABASE, timeout=60) as db:
        db.execute("UPDATE experiments SET created_at = created_at - ?, started_at = started_at - ?"
                   f" WHERE id IN ({','.join('?' * len(names))})",
                   (DAYS * 86_400_000_000,) * 2 + tuple(names))


def guest(n):
    return hashlib.md5(f"{n} of the browser tests".encode()).hexdigest()


def variant_of(list_id, number):
    """Which variant of an experiment a list's id names; None."""
    data = base64.urlsafe_b64decode(list_id + "=" * (-len(list_id) % 4))
    at = 7
    for _ in range(2):
        at += 1 + data[at]
    for i in range(data[at]):
        part = data[at + 1 + 5 * i:at + 6 + 5 * i]
        if int.from_bytes(part[:4], "little") == number:
            return part[4]
    return None


def shopper(n, placement, number, rng, seen):
    """What a guest did with one list: seen(variant) says whether the page told what it showed."""
    who = {"anonymous_id": guest(n)}
    answer = call("GET", f"/v1/recommendations?placement={placement}&limit=6&anonymous_id={guest(n)}")
    variant = variant_of(answer["request_id"], number)
    if variant is None or not seen(variant):
        return []
    at = NOW - timedelta(days=DAYS - 1 - n % 5, minutes=n)
    events = []

    def act(kind, item, minutes, **more):
        when = (at + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
        events.append({"id": f"{placement}-{n}-{len(events)}", "type": kind, "product_id": item["id"],
                       "request_id": answer["request_id"], "time": when, **who, **more})
    for item in answer["items"]:
        act("impression", item, 0)
        if rng.random() < (0.06 if variant == 0 else 0.24):
            act("click", item, 1)
    if rng.random() < 0.2:
        item = rng.choice(answer["items"])
        act("click", item, 2)
        act("purchase", item, 3, quantity=1, value=item["price"] or 1000, currency=item["currency"])
    return events


def send(events):
    for at in range(0, len(events), 1000):
        lines = "\n".join(json.dumps(e) for e in events[at:at + 1000])
        call("POST", "/v1/events", lines, "application/x-ndjson")


def number_of(name):
    return call("GET", f"/v1/experiments/{name}")["number"]


def main():
    fresh = {"name": "fresh", "weights": {"home.arrivals": 0.9, "home.trending": 0.1}}
    make("fresh-home", description="Do new products on the home page bring more clicks?",
         placements=["home"], metric="ctr", horizon_days=3, max_days=60,
         guardrails=[{"metric": "ctr", "max_loss": 0.1}, {"metric": "conversion", "max_loss": 0.05}],
         variants=[{"name": "control"}, fresh])
    make("one-lost", placements=["trending"], layer="second", horizon_days=1,
         variants=[{"name": "control"}, {"name": "hotter", "weights": {"trending.trending": 2}}])
    make("no-events", placements=["checkout", "order_confirmation"], layer="third", share=0.2,
         variants=[{"name": "control"},
                   {"name": "chance", "weight": 3, "explore": 0.1, "weights": {"checkout.with": 1.4}}])
    make("a-draft", placements=["similar"],
         variants=[{"name": "control"}, {"name": "alike", "weights": {"similar.alike": 1}}])
    for name in ("fresh-home", "one-lost", "no-events"):
        start(name)
    begin_earlier(["fresh-home", "one-lost"])
    rng = random.Random(1)
    home, lost = number_of("fresh-home"), number_of("one-lost")
    events = []
    for n in range(500):
        events += shopper(n, "home", home, rng, lambda variant: True)
        events += shopper(n, "trending", lost, rng, lambda variant: variant == 0 or rng.random() < 0.4)
    send(events)
    call("POST", "/v1/jobs", {"kind": "watch"})
    for _ in range(600):
        if call("GET", "/v1/experiments/one-lost")["state"] == "stopped":
            return
        time.sleep(0.1)
    sys.exit("experiments.py: the server did not stop one-lost")


main()
