#!/usr/bin/env python3
"""Business rules over the API: written, in force on the next request, explained."""

import json
import os

from shop import aisle, equal, folder, path_of, product, run_on_demo, test

LIMIT = 8


def recommended(client, **query):
    return [i["id"] for i in client.get("/v1/recommendations", limit=LIMIT, **query)["items"]]


class Rules:
    """Rules that are gone at the end."""

    def __init__(self, server):
        self.admin = server.admin()

    def __call__(self, action, products=None, **more):
        body = {"action": action, **more}
        if products is not None:
            body["products"] = products
        return self.admin.must(201, "POST", "/v1/rules", body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while rules := self.admin.get("/v1/rules")["items"]:
            for rule in rules:
                self.admin.must(204, "DELETE", path_of("v1", "rules", rule["id"]))


def pin(position=1):
    return {"type": "pin", "position": position}


def of(product_id):
    return f'id = "{product_id}"'


@test("a rule acts on the next request, and no longer once it is off or gone")
def at_once(server):
    client = server.backend()
    before = recommended(client, placement="trending")
    last = before[-1]
    with Rules(server) as rules:
        rule = rules(pin(), of(last), name="To the top")
        path = path_of("v1", "rules", rule["id"])
        for _ in range(5):
            equal(recommended(client, placement="trending"), [last] + before[:-1])
            rules.admin.must(200, "PATCH", path, {"enabled": False})
            equal(recommended(client, placement="trending"), before)
            rules.admin.must(200, "PATCH", path, {"enabled": True})
        rules.admin.must(200, "PUT", path, {"action": {"type": "hide"}, "products": of(last)})
        assert last not in recommended(client, placement="trending")
        rules.admin.must(204, "DELETE", path)
        equal(recommended(client, placement="trending"), before)


@test("a rule holds for new products, and for products that change, at once")
def new_products(server):
    client = server.backend()

    def is_shown():
        return recommended(client, filter=of("rules-new")) == ["rules-new"]

    with Rules(server) as rules:
        rules({"type": "hide"}, 'brand = "Hidden Brand"')
        for price in (1000, 2000):
            client.must((200, 201), "PUT", "/v1/products/rules-new",
                        product("rules-new", brand="Hidden Brand", price=price))
            assert not is_shown()
        client.must(200, "PATCH", "/v1/products/rules-new", {"brand": "Open Brand"})
        assert is_shown()
        rules({"type": "hide"}, 'price > 1900 and brand = "open brand"')
        assert not is_shown()
        client.must(200, "PATCH", "/v1/products/rules-new", {"price": 1900})
        assert is_shown()
    client.must(204, "DELETE", "/v1/products/rules-new")


@test("an audience is known, anonymous or has attributes; who opted out is of none but all's")
def audiences(server):
    client = server.backend()
    shown = recommended(client, placement="trending")
    gold, known, guests = shown[-1], shown[-2], shown[-3]
    client.must(201, "PUT", "/v1/users/rules-gold", {"attributes": {"tier": "Gold", "age": 30}})
    client.must(201, "PUT", "/v1/users/rules-out", {"attributes": {"tier": "gold"},
                                                    "personalise": False})
    with Rules(server) as rules:
        rules(pin(), of(gold), audience={"filter": "attributes.tier = gold and attributes.age >= 18"},
              priority=1)
        rules(pin(), of(known), audience={"shoppers": "known"}, priority=2)
        rules(pin(), of(guests), audience={"shoppers": "anonymous"}, priority=3)
        for who, first in (({"user_id": "rules-gold"}, [gold, known]), ({"user_id": "lin-mei"}, [known]),
                           ({}, [guests]), ({"user_id": "rules-out"}, [guests]),
                           ({"anonymous_id": "0" * 32}, [guests])):
            equal(recommended(client, placement="trending", **who)[:len(first)], first, str(who))
        client.must(200, "PATCH", "/v1/users/rules-gold", {"attributes": {"tier": "silver"}})
        equal(recommended(client, placement="trending", user_id="rules-gold")[0], known)


@test("what is wrong with a rule is refused with its place")
def refused(server):
    admin = server.admin()
    good = {"action": pin()}
    for body, says in (
            ({}, "action: missing"),
            ({"action": {"type": "dance"}}, "action.type: expected one of pin, boost"),
            ({"action": {"type": "pin"}}, "action.position: needed by pin"),
            ({"action": {"type": "hide", "factor": 2}}, "action.factor: not taken by hide"),
            ({"action": {"type": "boost", "factor": 0.5}}, "bury makes less"),
            ({"action": {"type": "bury", "factor": 1e9}}, "action.factor: expected"),
            ({"action": {"type": "cap", "count": 1}}, "action.by: needed"),
            ({**good, "products": "brand = a and prise < 3"}, "products: filter, character 15"),
            ({**good, "audience": {"filter": "price < 3"}}, "'price < 3' is nothing that a shopper has"),
            ({**good, "audience": {"shoppers": "anonymous", "filter": "attributes.a = b"}}, "audience"),
            ({**good, "placements": ["attic"]}, "placements: 'attic'"),
            ({**good, "schedule": {"days": ["someday"]}}, "schedule.days: expected one of sun"),
            ({**good, "schedule": {"hours": {"from": "25:00", "until": "26:00"}}}, "schedule.hours.from"),
            ({**good, "schedule": {"hours": {"from": "08:00"}}}, "from and until are needed"),
            ({**good, "schedule": {"from": "2026-01-02", "until": "2026-01-01"}}, "schedule.until"),
            ({**good, "schedule": {"from": "soon"}}, "schedule.from"),
            ({**good, "priority": -1}, "1:"), ({**good, "name": 7}, "expected a string"),
            ({**good, "colour": "red"}, "colour"), ([], "expected an object")):
        error = admin.must(400, "POST", "/v1/rules", body)["error"]
        assert says in error["message"], f"{body}: {error}"
        assert error["message"][0].isdigit() or "placements" in error["message"], error
    equal(admin.get("/v1/rules")["items"], [])
    error = admin.must(400, "POST", "/v1/rules", '{"action":\n {"type": "hide"},\n  "products": "x"}')
    assert error["error"]["message"].startswith("3:"), error
    for client in (server.client(), server.client(server.shop.public), server.backend()):
        for method, path in (("GET", "/v1/rules"), ("POST", "/v1/rules"), ("PUT", "/v1/rules/x"),
                             ("DELETE", "/v1/rules/x"), ("POST", "/v1/recommendations/explain")):
            assert client.call(method, path, good if method[0] == "P" else None).status in (401, 403)


@test("rules that contradict each other are taken with warnings that name the other one")
def warnings(server):
    some = recommended(server.backend(), placement="trending")
    with Rules(server) as rules:
        first = rules(pin(3), of(some[0]), id="first")
        equal(first["warnings"], [])
        for what, code in (((pin(3), of(some[1])), "position_taken"),
                           (({"type": "hide"}, of(some[0])), "hidden")):
            warned = rules(*what)["warnings"]
            equal([(w["code"], w["rule_id"]) for w in warned if w.get("rule_id") == "first"],
                  [(code, "first")])
            assert "first" in warned[0]["text"], warned
        rules({"type": "boost", "factor": 3}, of(some[2]), id="more")
        warned = rules({"type": "bury", "factor": 0.5}, of(some[2]))["warnings"]
        equal([(w["code"], w["rule_id"]) for w in warned], [("boost_and_bury", "more")])
        assert "1.5" in warned[0]["text"], warned
        rules({"type": "cap", "count": 1, "by": "brand"}, id="few")
        codes = [w["code"] for w in rules({"type": "require", "count": 3}, of(some[3]))["warnings"]]
        equal(codes, ["capped"])
        equal([w["code"] for w in rules(pin(4), "attributes.nowhere = yes")["warnings"]],
              ["selects_nothing"])
        over = {"until": "2020-01-01T00:00:00Z"}
        equal([w["code"] for w in rules(pin(5), of(some[4]), schedule=over)["warnings"]], ["over"])
        hides = [w["code"] for w in rules({"type": "hide"}, placements=["cart"])["warnings"]]
        assert hides[0] == "hides_everything", hides
        # what meets on no list contradicts nothing
        only = {"audience": {"shoppers": "known"}, "placements": ["cart"]}
        equal(rules(pin(9), of(some[5]), id="cart", **only)["warnings"][0]["code"], "hidden")
        equal(rules(pin(9), of(some[6]), audience={"shoppers": "anonymous"},
                    placements=["new"])["warnings"], [])


@test("rules outlive a restart and a backup, and are paged in the order in which they count")
def kept(server):
    with Rules(server) as rules:
        ids = [rules(pin(i), "brand = nobody", id=f"r{i}", priority=9 - i // 2)["id"]
               for i in range(1, 6)]
        order = sorted(ids, key=lambda r: (9 - int(r[1]) // 2, int(r[1])))
        listed, cursor = [], ""
        while cursor is not None:
            page = rules.admin.get("/v1/rules", limit=2, cursor=cursor)
            listed += [r["id"] for r in page["items"]]
            cursor = page.get("next_cursor")
        equal(listed, order)
        before = rules.admin.get("/v1/rules")
        server.kill()
        server.start()
        rules.admin = server.admin()
        equal(rules.admin.get("/v1/rules"), before)
        with folder() as path:
            copy, restored = os.path.join(path, "copy"), os.path.join(path, "restored")
            aisle("backup", copy, "--data", server.shop.path)
            aisle("restore", copy, "--data", restored)
            last = recommended(server.backend(), placement="trending")[-1]
            rules(pin(), of(last))
            said = json.loads(aisle("recommend", "--placement", "trending", "--json", "--data",
                                    server.shop.path).stdout)
            equal(said["items"][0]["id"], last)
            said = json.loads(aisle("recommend", "--placement", "trending", "--json", "--data",
                                    restored).stdout)
            assert said["items"][0]["id"] != last


@test("a repeated request makes one rule")
def once(server):
    with Rules(server) as rules:
        answers = [rules.admin.must(201, "POST", "/v1/rules", {"action": pin(), "products": "brand = x"},
                                    headers={"Idempotency-Key": "rule-once"}) for _ in range(3)]
        assert answers[0] == answers[1] == answers[2], answers
        equal(len(rules.admin.get("/v1/rules")["items"]), 1)


# --- explain -----------------------------------------------------------------------------------

CONTEXT = "oolong-tea-0001-50g"


def near(a, b):
    return abs(a - b) <= 1e-5 * max(abs(a), abs(b), 1e-9)


def replay(told, shown_at_most):
    """The list from what is told of every product: best score first, what is held back left out."""
    held = {"inactive", "out_of_stock", "context", "excluded", "owned", "seen", "variant_of_context",
            "filter", "hidden", "group_shown", "capped"}
    pinned = {}
    for p in told:
        for rule in p["rules"]:
            if "position" in rule:
                pinned[rule["position"]] = p["id"]
    rest = [p for p in told if p["score"] > 0 and p["id"] not in pinned.values()
            and not (p["why_not"] and p["why_not"]["code"] in held)]
    rest.sort(key=lambda p: p["place"])
    out, queue = [], [p["id"] for p in rest]
    while len(out) < shown_at_most and (queue or pinned):
        position = len(out) + 1
        if position in pinned:
            out.append(pinned.pop(position))
        elif queue:
            out.append(queue.pop(0))
        else:
            out.append(pinned.pop(min(pinned)))
    return out


@test("an explanation adds up: parts to totals, factors to scores, scores to the list")
def adds_up(server):
    admin = server.admin()
    for user in ("lin-mei", "rules-explained"):
        server.backend().must(200, "POST", "/v1/events", [
            {"type": kind, "user_id": user, "product_id": CONTEXT} for kind in ("view", "purchase")])
    with Rules(server) as rules:
        brand = admin.get(f"/v1/products/{CONTEXT}")["brand"]
        for with_rules in (False, True):
            if with_rules:
                trending = recommended(server.backend(), placement="trending")
                rules(pin(2), of(trending[-1]))
                rules({"type": "boost", "factor": 2}, f'brand = "{brand}"')
                rules({"type": "bury", "factor": 0.25}, "price > 5000")
                rules({"type": "hide"}, of(trending[0]))
                rules({"type": "cap", "count": 2, "by": "brand"})
            for ask in ({"placement": "home", "user_id": "lin-mei"}, {"placement": "trending"},
                        {"placement": "home", "user_id": "rules-explained", "hide_seen": True},
                        {"placement": "similar", "product_id": CONTEXT},
                        {"placement": "cart", "product_ids": [CONTEXT], "filter": "price < 20000"},
                        {"placement": "new", "exclude": trending if with_rules else []}):
                said = admin.must(200, "POST", "/v1/recommendations/explain",
                                  {**ask, "limit": LIMIT, "all": True})
                shown = [i["id"] for i in said["items"]]
                told = {p["id"]: p for p in said["products"]}
                equal(len(told), admin.get("/v1/shop")["products"])
                # What the learned ranker orders has its score; all others are then scaled to at most 1.
                learned = any("learned" in p for p in said["products"])
                scale = max(p["total"] for p in said["products"]) if learned else 1
                for p in said["products"]:
                    total = sum(s["part"] * s["scale"] for s in p["sources"])
                    assert near(total, p["total"]), p
                    assert near(sum(s["of_total"] for s in p["sources"]), 1 if total else 0) or \
                        abs(sum(s["of_total"] for s in p["sources"]) - 1) < 1e-3, p
                    factor = 1
                    for rule in p["rules"]:
                        factor *= rule.get("factor", 1)
                    base = p.get("learned", total / scale)
                    assert near(factor, p["factor"]) and near(base * factor, p["score"]), p
                    for s in p["sources"]:
                        if len(s["because"]) < 10:
                            assert near(sum(b["part"] for b in s["because"]), s["part"]), p
                    equal(p["shown"], p["id"] in shown, p["id"])
                    equal(p["position"], shown.index(p["id"]) + 1 if p["shown"] else None, p["id"])
                    equal(p["why_not"] is None, p["shown"], p["id"])
                listed = replay(said["products"], LIMIT)
                equal(shown[:len(listed)], listed, str(ask))


@test("why a product is not shown is told with what keeps it out")
def why_not(server):
    admin = server.admin()
    trending = recommended(server.backend(), placement="trending")

    def why(wanted, **ask):
        said = admin.must(200, "POST", "/v1/recommendations/explain",
                          {"placement": "trending", "limit": LIMIT, "explain": [wanted], **ask})
        return said["products"][0]["why_not"]

    first = trending[0]
    equal(why(first), None)
    equal(why(first, exclude=[first])["code"], "excluded")
    equal(why(first, filter=f"price > 1 and not {of(first)}"), {"code": "filter", "clause": of(first)})
    equal(why(CONTEXT, placement="similar", product_id=CONTEXT)["code"], "context")
    below = why(trending[-1], limit=3)
    equal(below["code"], "below")
    assert below["last_score"] > 0
    server.backend().must(200, "POST", "/v1/events", [
        {"type": "purchase", "user_id": "rules-owner", "product_id": first},
        {"type": "view", "user_id": "rules-owner", "product_id": trending[1]}])
    equal(why(first, user_id="rules-owner")["code"], "owned")
    equal(why(trending[1], user_id="rules-owner"), None)
    equal(why(trending[1], user_id="rules-owner", hide_seen=True)["code"], "seen")
    for put, code in (({"stock": 0}, "out_of_stock"), ({"stock": 5, "status": "inactive"}, "inactive")):
        server.backend().must((200, 201), "PUT", "/v1/products/rules-why", product("rules-why", **put))
        equal(why("rules-why")["code"], code)
    for variant in ("a", "b"):
        server.backend().must(201, "PUT", f"/v1/products/rules-{variant}",
                              product(f"rules-{variant}", group_id="rules-group"))
    with Rules(server) as rules:
        rules(pin(), of("rules-a"))
        equal(why("rules-b"), {"code": "group_shown", "product_id": "rules-a"})
        hide = rules({"type": "hide"}, of(first))
        equal(why(first), {"code": "hidden", "rule_id": hide["id"]})
        cap = rules({"type": "cap", "count": 0, "by": "category"}, of(trending[1]))
        equal(why(trending[1]), {"code": "capped", "rule_id": cap["id"]})
        require = rules({"type": "require", "count": LIMIT - 1}, "id in (" + ",".join(
            f'"{p}"' for p in recommended(server.backend(), placement="new")) + ")")
        said = admin.must(200, "POST", "/v1/recommendations/explain",
                          {"placement": "trending", "limit": LIMIT, "all": True})
        gave = [p["why_not"] for p in said["products"]
                if p["why_not"] and p["why_not"]["code"] == "gave_way"]
        assert gave and all(g["rule_id"] == require["id"] for g in gave), gave
        idle = rules(pin(), of(first), schedule={"until": "2020-01-01"})
        told = {r["id"]: r for r in admin.must(200, "POST", "/v1/recommendations/explain", {})["rules"]}
        equal(told[idle["id"]]["why_not"], "schedule")
        assert told[hide["id"]]["in_force"]
    for name in ("rules-why", "rules-a", "rules-b"):
        server.backend().must(204, "DELETE", f"/v1/products/{name}")


if __name__ == "__main__":
    run_on_demo()
