#!/usr/bin/env python3
"""Events: every way to send them, what is refused, and what they change."""

import json
import sqlite3
import time

from shop import equal, guest, in_threads, run_on_demo, test

TEA = "oolong-tea-0001-50g"


def view(n=1, **fields):
    return {"type": "view", "anonymous_id": guest(n), "product_id": TEA, **fields}


def counts(answer):
    return answer["accepted"], answer["duplicates"], [r["index"] for r in answer["rejected"]]


def quarantined(server):
    """(reason, message, raw) of all, oldest first, from the store itself."""
    with sqlite3.connect(f"file:{server.shop.path}/aisle.db?mode=ro", uri=True) as db:
        return db.execute("SELECT reason, message, raw FROM quarantine ORDER BY no").fetchall()


@test("one event, an array, an envelope, lines and a beacon are all taken")
def forms(server):
    client = server.client(server.shop.public)
    lines = "\n".join(json.dumps(view()) for _ in range(3))
    beacon = f"/v1/events?key={server.shop.public}"
    plain = {"Content-Type": "text/plain;charset=UTF-8"}
    for expected, answer in (
            (1, client.must(200, "POST", "/v1/events", view())),
            (2, client.must(200, "POST", "/v1/events", [view(), view()])),
            (2, client.must(200, "POST", "/v1/events", {"events": [view(), view()]})),
            (3, client.must(200, "POST", "/v1/events", lines,
                            headers={"Content-Type": "application/x-ndjson"})),
            (1, client.must(200, "POST", beacon, json.dumps(view()), headers=plain, key=None)),
            (0, client.must(200, "POST", "/v1/events", []))):
        equal(counts(answer), (expected, 0, []))
    mine = {"type": "view", "user_id": "lin-mei", "product_id": TEA}
    token = server.shop.token("lin-mei")
    client.must(200, "POST", f"{beacon}&token={token}", json.dumps([mine]), headers=plain, key=None)
    client.must(401, "POST", beacon, json.dumps([mine]), headers=plain, key=None)


@test("an event sent twice counts once, whenever and by whomever")
def duplicates(server):
    client = server.backend()
    event = view(id="dup", time="2026-11-01T10:00:00Z")
    equal(counts(client.must(200, "POST", "/v1/events", event)), (1, 0, []))
    equal(counts(client.must(200, "POST", "/v1/events", [event, event])), (0, 2, []))
    equal(counts(client.must(200, "POST", "/v1/events", {**event, "time": "2026-11-01T11:00:00+01:00"})),
          (0, 1, []))
    equal(counts(client.must(200, "POST", "/v1/events", {**event, "time": "2026-11-01T10:00:01Z"})),
          (1, 0, []))
    batch = [view(id=f"race-{n}", time="2026-11-02T00:00:00Z") for n in range(100)]
    answers = in_threads(8, lambda _: server.backend().must(200, "POST", "/v1/events", batch))
    equal(sum(a["accepted"] for a in answers), 100)
    equal(sum(a["duplicates"] for a in answers), 700)


@test("what is wrong is refused with its index and reason, and is in quarantine")
def refused(server):
    before = len(quarantined(server))
    wrong = [{**view(), "product_id": "nothing"}, {"type": "view", "product_id": TEA},
             {**view(), "type": "nap"}, {**view(), "id": "no-time"}, {**view(), "quantity": 0},
             {**view(), "value": -1}, {**view(), "currency": "XXZ"}, {**view(), "rating": 6},
             {**view(), "type": "search"}, {**view(), "extra": 1}, {**view(), "time": "yesterday"},
             {**view(), "anonymous_id": "x" * 10000}, {**view(), "id": "i" * 10000, "time": "2026-01-01T00:00:00Z"},
             {**view(), "time": "2999-01-01T00:00:00Z"}, {**view(), "time": "1960-01-01T00:00:00Z"},
             {**view(), "time": "2026-02-30T00:00:00Z"}, {**view(), "context": []}, 7, "text", None, []]
    batch = [view(), *wrong, view()]
    answer = server.backend().must(200, "POST", "/v1/events", batch)
    equal(answer["accepted"], 2)
    equal(sorted(r["index"] for r in answer["rejected"]), list(range(1, len(wrong) + 1)))
    assert all(r["code"] and r["message"] for r in answer["rejected"])
    kept = [raw if isinstance(raw, str) else raw.decode()
            for _, _, raw in quarantined(server)[before:]]
    for event in wrong:  # long ones are cut
        text = json.dumps(event)
        assert any(raw and text.startswith(raw) for raw in kept), f"not in quarantine: {text[:80]}"
    server.backend().must(400, "POST", "/v1/events", wrong)


@test("each mistake has the reason that an import gives it, in the answer and in quarantine")
def reasons(server):
    before = len(quarantined(server))
    at = {"id": "r", "time": "2026-01-01T00:00:00Z"}
    cases = [({"product_id": "nothing"}, "unknown_product"), ({"type": "nap"}, "unknown_value"),
             ({"extra": 1}, "unknown_value"), ({"id": "no-time"}, "missing"), ({"product_id": ""}, "missing"),
             ({"type": "search"}, "missing"), ({"anonymous_id": None}, "missing"), ({"quantity": 0}, "out_of_range"),
             ({"quantity": "2"}, "bad_number"), ({"rating": 6}, "out_of_range"), ({"value": -1}, "out_of_range"),
             ({"value": 1}, "unknown_currency"), ({"currency": "XXZ"}, "unknown_currency"),
             ({"time": "yesterday"}, "bad_time"), ({"time": 7}, "bad_time"), ({"time": "2999-01-01T00:00:00Z"}, "future_time"),
             ({"time": "1970-01-01T00:00:00Z"}, "ancient_time"), ({**at, "id": "i" * 1000}, "bad_id"),
             ({"session_id": 5}, "unknown_value"), ({"context": []}, "bad_json"), ({"anonymous_id": "short"}, "bad_id"),
             ({"context": {"x": "y" * 70000}}, "text_too_long")]
    batch = [json.dumps({**view(), **wrong}) for wrong, _ in cases]
    batch += ['{"type": "view", "type": "view"}', "7"]
    expected = [reason for _, reason in cases] + ["duplicate_key", "broken_row"]
    answer = server.client(server.shop.public).must(400, "POST", "/v1/events", "[" + ",".join(batch) + "]")
    got = {r["index"]: r["code"] for r in answer["rejected"]}
    equal([got.get(i) for i in range(len(batch))], expected)
    kept = [reason for reason, _, _ in quarantined(server)[before:]]
    equal(sorted(kept), sorted(expected))


@test("a batch that speaks for another shopper is refused whole")
def another(server):
    shop = server.shop
    client = server.client(shop.public, shop.token("me"))
    mine = {"type": "view", "user_id": "me", "product_id": TEA}
    client.must(200, "POST", "/v1/events", [mine, view()])
    client.must(403, "POST", "/v1/events", [mine, {**mine, "user_id": "you"}])
    client.must(401, "POST", "/v1/events", [mine], token=None)


@test("a view changes the next home page, and the reason names the product")
def home(server):
    client = server.client(server.shop.public)
    me = {"anonymous_id": guest("home")}
    before = client.get("/v1/recommendations", **me)
    equal(before["personal"], False)
    client.must(200, "POST", "/v1/events", {"type": "view", "product_id": TEA, **me})
    after = client.get("/v1/recommendations", **me)
    equal(after["personal"], True)
    assert [i["id"] for i in before["items"]] != [i["id"] for i in after["items"]]
    named = [i["reason"] for i in after["items"] if i["reason"].get("product_id") == TEA]
    codes = {r["code"] for r in named}
    assert codes and codes <= {"because_you_viewed", "same_visit"}, [i["reason"] for i in after["items"]]
    assert "oolong" in named[0]["text"], named[0]
    chinese = client.get("/v1/recommendations", lang="zh", **me)["items"]
    assert any("乌龙茶" in i["reason"]["text"] for i in chinese)


@test("who opted out gets nothing personal, and again something after opting in")
def opt_out(server):
    shop = server.shop
    client = server.client(shop.public, shop.token("shy"))
    server.backend().must(201, "PUT", "/v1/users/shy", {})
    me = {"user_id": "shy"}
    client.must(200, "POST", "/v1/events", {"type": "view", "product_id": TEA, **me})
    equal(client.get("/v1/recommendations", **me)["personal"], True)
    client.must(200, "PATCH", "/v1/users/shy", {"personalise": False})
    equal(client.get("/v1/recommendations", **me)["personal"], False)
    client.must(200, "PATCH", "/v1/users/shy", {"personalise": True})
    equal(client.get("/v1/recommendations", **me)["personal"], True)


@test("a shopper who was deleted is unknown at once; the token still says who asks")
def deleted(server):
    shop = server.shop
    client = server.client(shop.public, shop.token("gone"))
    server.backend().must(201, "PUT", "/v1/users/gone", {"attributes": {"a": 1}})
    me = {"user_id": "gone"}
    client.must(200, "POST", "/v1/events", {"type": "view", "product_id": TEA, **me})
    client.must(200, "PUT", "/v1/carts", {"lines": [{"product_id": TEA, "quantity": 1}]}, query=me)
    equal(client.get("/v1/recommendations", **me)["personal"], True)
    client.must(204, "DELETE", "/v1/users/gone")
    equal(client.get("/v1/recommendations", **me)["personal"], False)
    client.must(404, "GET", "/v1/users/gone")
    equal(client.get("/v1/carts", **me)["lines"], [])
    client.must(404, "DELETE", "/v1/users/gone")


@test("a guest who joins brings along what was seen, and takes it back when parted")
def joins(server):
    shop = server.shop
    client = server.client(shop.public, shop.token("joiner"))
    server.backend().must(201, "PUT", "/v1/users/joiner", {})
    me, other = {"user_id": "joiner"}, {"anonymous_id": guest("joiner")}
    client.must(200, "POST", "/v1/events", {"type": "view", "product_id": TEA, **other})
    equal(client.get("/v1/recommendations", **me)["personal"], False)
    client.must(204, "POST", "/v1/users/joiner/joins", other)
    equal(client.get("/v1/recommendations", **me)["personal"], True)
    equal(client.get("/v1/recommendations", **other)["personal"], True)
    client.must(204, "DELETE", f"/v1/users/joiner/joins/{guest('joiner')}")
    equal(client.get("/v1/recommendations", **me)["personal"], False)
    equal(client.get("/v1/recommendations", **other)["personal"], True)


@test("old times are kept as history; the clock's edges are refused with their place")
def times(server):
    client = server.backend()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    for good in ("2001-01-01T00:00:00Z", "2026-11-01T00:00:00+14:00", soon):
        client.must(200, "POST", "/v1/events", view(id="t" + good, time=good))
    for bad in ("1970-01-01T00:00:00Z", "", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        answer = client.must(400, "POST", "/v1/events", view(id="t" + bad, time=bad))
        assert "time" in answer["rejected"][0]["message"], answer


if __name__ == "__main__":
    run_on_demo()
