#!/usr/bin/env python3
"""What lists led to: recomputed from exported events and orders by the slow and obvious program below."""

import base64
import collections
import json
import random
import re
import sqlite3
import struct
from datetime import datetime, timedelta, timezone

from shop import aisle, equal, guest, run_on_demo, test

WINDOW, AHEAD, DAY = timedelta(days=7), timedelta(minutes=5), timedelta(days=1)
NOW = datetime.now(timezone.utc).replace(microsecond=0)
OPENED = {"click": "clicks", "view": "clicks", "impression": "impressions",
          "add_to_cart": "carts", "favourite": "liked"}
TOUCHES = {"click", "view", "favourite", "add_to_cart", "purchase"}


# --- the oracle ----------------------------------------------------------------------------------

def siphash(key, data):
    """SipHash-2-4, after the paper."""
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261,
         k1 ^ 0x7465646279746573]

    def turn(x, n):
        return (x << n | x >> (64 - n)) & mask

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask
            v[2] = (v[2] + v[3]) & mask
            v[1], v[3] = turn(v[1], 13) ^ v[0], turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[1]) & mask
            v[0] = (v[0] + v[3]) & mask
            v[1], v[3] = turn(v[1], 17) ^ v[2], turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    whole = len(data) // 8 * 8
    last = data[whole:].ljust(7, b"\0") + bytes([len(data) & 255])
    for i in range(0, whole + 8, 8):
        word = struct.unpack("<Q", (data[:whole] + last)[i:i + 8])[0]
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def facts_of(key, text):
    """(placement, model, variants) of a list's id; None for what is none of this shop."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text or ""):
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    if len(data) < 15 or data[0] != 1 or siphash(key, data[:-8]) != data[-8:]:
        return None
    at, texts = 7, []
    for _ in range(2):
        texts.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    variants = [struct.unpack("<IB", data[at + 1 + 5 * i:at + 6 + 5 * i]) for i in range(data[at])]
    return texts[0], texts[1], tuple(variants)


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def exported(shop, kind):
    return [json.loads(line)
            for line in aisle("export", kind, "--data", shop.path).stdout.splitlines()]


def shopper(record):
    return record.get("user_id") or record.get("anonymous_id")


def purchases_of(events, orders, begin, end):
    """(time, shopper, product, amount, currency) of every purchase, each told once."""
    found, first = [], {}
    for order in orders:
        if order["status"] == "cancelled":
            continue
        time, who = when(order["placed_at"]), shopper(order)
        first[who] = min(first.get(who, time), time)
        for line in order["lines"]:
            if line["kind"] == "sale":
                amount = line["quantity"] * line["unit_price"] - line.get("discount", 0)
                found.append((time, who, line["product_id"], amount, order["currency"]))
    for e in events:
        if e["type"] == "purchase":
            time, who = when(e["time"]), shopper(e)
            if who not in first or time < first[who] - DAY:
                found.append((time, who, e["product_id"], e.get("value"), e.get("currency")))
    return [p for p in found if begin <= p[0] < end]


def touch_of(purchase, touches):
    """The facts of the list that led to a purchase."""
    time, who, product = purchase[:3]
    mine = [t for t in touches if who and t[1:3] == (who, product)]
    before = [t for t in mine if time - WINDOW <= t[0][0] <= time]
    after = [t for t in mine if time < t[0][0] <= time + AHEAD]
    return max(before)[3] if before else min(after)[3] if after else None


def expected(key, events, orders, begin, end, by):
    counts, revenue = collections.defaultdict(collections.Counter), collections.Counter()
    earned = collections.defaultdict(collections.Counter)
    seen, touches, others = set(), [], 0

    def groups(facts):
        placement, model, variants = facts
        start = tuple(v if n in by else None
                      for n, v in (("placement", placement), ("model", model or None)))
        return [(*start, *v) for v in variants] if variants and "variant" in by else [
            (*start, None, None)]

    for e in events:
        facts = facts_of(key, e.get("request_id")) if e.get("product_id") else None
        if not facts:
            continue
        time = when(e["time"])
        if e["type"] in TOUCHES:
            touches.append(((time, e["id"]), shopper(e), e["product_id"], facts))
        what = OPENED.get(e["type"])
        if not what or not begin <= time < end:
            continue
        for item, counter in (((e["request_id"],), "requests"),
                              ((e["request_id"], e["product_id"], what), what)):
            if item not in seen:
                for group in groups(facts):
                    counts[group][counter] += 1
                seen.add(item)
    for p in purchases_of(events, orders, begin, end):
        facts = touch_of(p, touches)
        others += facts is None
        if facts is None and p[4]:
            revenue[p[4]] += p[3]
        for group in groups(facts) if facts else []:
            counts[group]["purchases"] += 1
            if p[4]:
                earned[group][p[4]] += p[3]

    def money(of):
        return sorted(of.items())

    return ({g: (*(c[n] for n in ("requests", "impressions", "clicks", "carts", "purchases")),
                 money(earned[g])) for g, c in counts.items()
             if c["requests"] or c["purchases"]}, others, money(revenue))


def told(report):
    def money(row):
        return sorted((m["currency"], m["amount"]) for m in row["revenue"])

    rows = {(r.get("placement"), r.get("model"), r.get("experiment"), r.get("variant")):
            (r["requests"], r["impressions"], r["clicks"], r["carts"], r["purchases"], money(r))
            for r in report["items"]}
    for r in report["items"]:
        for share, part, whole in (("ctr", "clicks", "impressions"),
                                   ("conversion", "purchases", "clicks")):
            want = r[part] / r[whole] if r[whole] else None
            assert r[share] == want or abs(r[share] - want) < 1e-6, r
    equal(len(rows), len(report["items"]))
    return rows, report["unattributed"]["purchases"], money(report["unattributed"])


# --- an invented past ----------------------------------------------------------------------------

def key_of(shop):
    with sqlite3.connect(f"file:{shop.path}/aisle.db?mode=ro", uri=True) as db:
        return bytes.fromhex(db.execute("SELECT value FROM settings WHERE name = 'list_key'")
                             .fetchone()[0])


def iso(time):
    return time.isoformat().replace("+00:00", "Z")


def serve_lists(server, rng):
    client, ids = server.backend(), []
    for n in range(40):
        if n % 4 == 3:
            ids.append(client.get("/v1/search", q="")["request_id"])
        else:
            placement = rng.choice(["home", "trending", "new"])
            ids.append(client.get("/v1/recommendations", placement=placement)["request_id"])
    equal(len(set(ids)), 40)
    return ids


def invent_events(rng, lists, guests):
    kinds = list(OPENED) + ["purchase"]
    events = []
    for n in range(1500):
        e = {"id": f"made-{n}", "type": rng.choice(kinds), "product_id": f"a{rng.randrange(8)}",
             "time": iso(NOW - timedelta(minutes=rng.randrange(12 * 1440)))}
        if rng.random() < 0.3:
            e["anonymous_id"] = rng.choice(guests)
        else:
            e["user_id"] = f"buyer-{rng.randrange(12)}"
        if rng.random() < 0.8:
            e["request_id"] = rng.choice(lists)
        elif rng.random() < 0.5:
            e["request_id"] = rng.choice(["foreign", "0" * 32, lists[0][:-1] + "A", lists[0] + "A"])
        if e["type"] == "purchase" and rng.random() < 0.9:
            e.update(value=rng.randrange(100000), currency=rng.choice(["CNY", "USD"]))
        events.append(e)
    return events


def place_orders(server, rng, guests):
    client = server.backend()
    for n in range(60):
        who = ({"anonymous_id": rng.choice(guests)} if n % 5 == 0
               else {"user_id": f"buyer-{rng.randrange(6)}"})
        lines = [{"product_id": f"a{p}", "quantity": rng.randrange(1, 4)}
                 for p in rng.sample(range(8), rng.randrange(1, 4))]
        client.must(201, "POST", "/v1/orders", {
            **who, "id": f"order-{n}", "lines": lines,
            "placed_at": iso(NOW - timedelta(minutes=rng.randrange(9 * 1440))),
            "status": "cancelled" if n % 7 == 0 else "paid"})


def buy_before_the_click(server, lists):
    """Shoppers whose clocks are ahead: what led to an order seems to come after it."""
    client = server.backend()
    for n in range(6):
        time = NOW - timedelta(days=3)
        client.must(201, "POST", "/v1/orders", {
            "user_id": f"ahead-{n}", "id": f"ahead-{n}", "placed_at": iso(time),
            "lines": [{"product_id": "a0", "quantity": 1}]})
        for minutes in (2 * n, 2 * n + 1):
            client.must(200, "POST", "/v1/events", {
                "id": f"ahead-{n}-{minutes}", "type": "click", "user_id": f"ahead-{n}",
                "product_id": "a0", "time": iso(time + timedelta(minutes=minutes)),
                "request_id": lists[n + minutes % 2]})


def invent_past(server, seed=1):
    rng = random.Random(seed)
    client, guests = server.backend(), [guest(n) for n in range(4)]
    for p in range(8):
        client.must((200, 201), "PUT", f"/v1/products/a{p}",
                    {"title": f"Thing {p}", "price": 1999 + 7 * p, "currency": "CNY",
                     "status": "active"})
    lists = serve_lists(server, rng)
    events = invent_events(rng, lists, guests)
    rng.shuffle(events)
    for batch in (events[:700], events[700:], events[100:400]):  # some come twice
        client.must(200, "POST", "/v1/events", batch)
    place_orders(server, rng, guests)
    buy_before_the_click(server, lists)
    client.must((200, 204), "POST", "/v1/users/buyer-1/joins", {"anonymous_id": guests[0]})
    return events


SPANS = [(NOW - timedelta(days=8), NOW - timedelta(hours=5)), (NOW - timedelta(days=14), NOW),
         (NOW - timedelta(days=2), NOW - timedelta(days=1))]
BYS = ["", "placement", "model", "variant,model", "placement,model,variant"]


def compare(server):
    shop, admin = server.shop, server.admin()
    events, orders = exported(shop, "events"), exported(shop, "orders")
    key = key_of(shop)
    for begin, end in SPANS:
        for by in BYS:
            report = admin.get("/v1/reports/attribution", **{"from": iso(begin), "to": iso(end),
                                                             "by": by})
            equal(report["window_days"], 7)
            equal(told(report), expected(key, events, orders, begin, end, by.split(",")), by)
    report = json.loads(aisle("report", "attribution", "--data", shop.path, "--from", iso(begin),
                              "--to", iso(end), "--by", "placement,model,variant").stdout)
    equal(report, admin.get("/v1/reports/attribution",
                            **{"from": iso(begin), "to": iso(end),
                               "by": "placement,model,variant"}))
    return report


@test("every figure is what the record says, before and after a restart and an erasure")
def figures(server):
    invent_past(server)
    rows = compare(server)["items"]
    assert {"search", "home"} <= {r["placement"] for r in rows}, rows
    assert sum(r["purchases"] for r in rows) > 5, rows
    server.kill()
    server.start()
    equal(compare(server)["items"], rows)
    server.backend().must(204, "DELETE", "/v1/users/buyer-1")
    assert compare(server)["items"] != rows


@test("what lists lead to is counted in the metrics, each event once")
def metrics(server):
    client = server.backend()
    listed = client.get("/v1/recommendations", placement="new")
    name = 'aisle_list_events_total{placement="new",model="%s",variant="",event="rating"} ' % (
        listed["models"].get("recommend", ""))
    e = {"id": "m1", "time": iso(NOW), "type": "rating", "rating": 4, "user_id": "rater",
         "product_id": listed["items"][0]["id"], "request_id": listed["request_id"]}
    for n in (1, 0):
        equal(client.must(200, "POST", "/v1/events", e)["accepted"], n)
    equal(client.must(200, "POST", "/v1/events", [{**e, "id": "m2"}], headers={
        "Idempotency-Key": "lists"})["accepted"], 1)
    client.must(200, "POST", "/v1/events", {**e, "id": "m3", "request_id": "foreign"})
    text = client.call("GET", "/metrics").body.decode()
    assert name + "2\n" in text, [line for line in text.splitlines() if "list_events" in line]


@test("what cannot be asked is refused with its reason")
def refused(server):
    admin, path = server.admin(), "/v1/reports/attribution"
    for query, reason in (({"from": "2026-02-01", "to": "2026-01-01"}, "not before"),
                          ({"from": "2020-02-01", "to": "2026-01-01"}, "400 days"),
                          ({"from": "yesterday"}, "from"), ({"to": "x"}, "to"),
                          ({"by": "shopper"}, "shopper"), ({"by": "model,model"}, "twice"),
                          ({"window_days": "0"}, "window_days"), ({"until": "x"}, "until")):
        answer = admin.must(400, "GET", path, query=query)
        assert reason in answer["error"]["message"], (query, answer)
    server.client(server.shop.public).must(403, "GET", path)
    server.client().must(401, "GET", path)
    bad = aisle("report", "attribution", "--data", server.shop.path, "--by", "shopper", check=False)
    equal(bad.returncode, 64, bad.stderr)


if __name__ == "__main__":
    run_on_demo(products=60, users=40, events=800)
