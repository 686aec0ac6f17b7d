#!/usr/bin/env python3
"""Experiments between versions of the model and between rules: shoppers of a variant see what a server that has nothing
but that version shows, through restarts and kills; what cannot be served is told.

The oracle is a second server on a copy of the shop in which the other version is the published one, and which gets the
same events and products."""

import base64
import contextlib
import json
import os
import struct
import time

from shop import Server, Shop, aisle, copy_folder, equal, folder, product, run, test, wait_until

SHOPPERS = [f"shopper-{n:05}" for n in range(24)]


def variants_of(list_id):
    """What a list's id says of experiments: {number: variant}."""
    data = base64.urlsafe_b64decode(list_id + "=" * (-len(list_id) % 4))
    at = 7
    for _ in range(2):
        at += 1 + data[at]
    return dict(struct.unpack("<IB", data[at + 1 + 5 * i:at + 6 + 5 * i]) for i in range(data[at]))


# Of scores in two lists: ages are those of the moment, and what shelves say is of the last half second. Answers have four
# decimals.
NEAR, ROUNDING = 5e-3, 2e-4


def near(a, b):
    return abs(a - b) <= NEAR * max(a, b) + ROUNDING


def agree(one, other):
    """The same products for the same reasons, but for places that hardly differ in their scores. Behind the last
    place of a list stands what scores no more than it."""
    score = {i["id"]: i["score"] for i in one}
    reason = {i["id"]: i["reason"] for i in one}
    if len(one) != len(other):
        return False
    return all(near(a["score"], b["score"]) and
               near(a["score"], score.get(b["id"], one[-1]["score"])) and
               reason.get(b["id"], b["reason"]) == b["reason"] for a, b in zip(one, other))


def same(one, other):
    """Two lists, or the first rows of two pages: what the others may still show depends on them."""
    if "rows" not in one:
        return agree(one["items"], other["items"])
    (a, *_), (b, *_) = one["rows"], other["rows"]
    return one["models"] == other["models"] and a["code"] == b["code"] and agree(a["items"], b["items"])


def ask(client, who, **more):
    path = "/v1/recommendations/rows" if "page" in more else "/v1/recommendations"
    return client.get(path, user_id=who, **{"limit": 12, **more})


ASKED = ({"placement": "home"}, {"page": "home"}, {"placement": "home", "filter": "NOT purchased"},
         {"placement": "home", "hide_seen": "true"})


def same_lists(one, other, shoppers, asked=ASKED):
    """Both servers come to show these shoppers the same: shelves are made anew half a second after something has
    happened, at another moment in each, and ages of acts are those of the request."""
    for who in shoppers:
        for query in asked:
            wait_until(lambda: same(ask(one, who, **query), ask(other, who, **query)),
                       f"{who} {query}: the same on both")


class Pair:
    """A server with both versions, the first one published, and one a version that has that alone."""

    def __init__(self, path):
        self.path = path
        self.shop = Shop(os.path.join(path, "shop"), products=200, users=120, events=4000)
        self.first = self.versions()[0]
        time.sleep(1.1)  # versions are named by the second
        self.second = self.train("dim=16,alpha=8,seed=5")
        self.third = self.train("dim=8,seed=9")
        self.train("dim=8,seed=10")  # the one before the published one
        aisle("models", "publish", self.first, "--force", "--data", self.shop.path)
        self.alone, self.servers = {}, []
        for name, version in (("one", self.first), ("two", self.second)):
            copy = self.shop.at(os.path.join(path, name))
            copy_folder(self.shop.path, copy.path)
            aisle("models", "publish", version, "--force", "--data", copy.path)
            self.alone[version] = Server(copy)
            self.servers.append(self.alone[version])
        self.server = Server(self.shop)
        self.servers.append(self.server)

    def versions(self):
        found = json.loads(aisle("models", "list", "--json", "--data", self.shop.path).stdout)
        return [m["version"] for m in found]

    def train(self, params):
        return json.loads(aisle("train", "--force", "--json", "--params", params, "--data",
                                self.shop.path).stdout)["version"]

    def everywhere(self, method, path, body, status=(200, 201)):
        for server in self.servers:
            server.backend().must(status, method, path, body)

    def restart(self, how):
        """All of them: a start adds up heat in another order than the days before it."""
        for server in self.servers:
            getattr(server, how)()
            server.start()

    def by_variant(self, no, shoppers=None):
        """Shoppers by the variant that they are in; None: in none."""
        groups = {}
        for who in shoppers or SHOPPERS:
            part = variants_of(ask(self.server.backend(), who)["request_id"]).get(no)
            groups.setdefault(part, []).append(who)
        return groups

    def check(self, no):
        """Each variant's shoppers see what the server with its version shows. The first variant names none."""
        groups = self.by_variant(no)
        equal(set(groups), {0, 1})
        for variant, version in ((0, self.first), (1, self.second)):
            equal({ask(self.server.backend(), who)["models"]["recommend"] for who in groups[variant]},
                  {version})
            same_lists(self.server.backend(), self.alone[version].backend(), groups[variant])
        return groups


def begin(admin, name, variants, **more):
    made = admin.must(201, "POST", "/v1/experiments",
                      {"id": name, "definition": {"placements": ["home"], "variants": variants, **more}})
    admin.must(200, "PATCH", f"/v1/experiments/{name}", {"state": "running"})
    return made["number"]


def stop(admin, name):
    admin.must(200, "PATCH", f"/v1/experiments/{name}", {"state": "stopped"})


def end(admin, name):
    stop(admin, name)
    admin.must(204, "DELETE", f"/v1/experiments/{name}")


def metric(server, name):
    text = server.admin().call("GET", "/metrics").body.decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


def mapped(server):
    with open(f"/proc/{server.process.pid}/maps", encoding="utf-8") as f:
        return {line.split("/models/recommend/")[1].split("/")[0] for line in f
                if "/models/recommend/" in line}


def act(pair, n, kind="view"):
    """The same events everywhere: each shopper looks at, or buys, a product of their own. At different times, so that
    no two products are equally hot: which of those comes first depends on the moment."""
    products = [p["id"] for p in pair.server.backend().get("/v1/products", limit=100)["items"]]
    now = time.time()
    events = [{"id": f"e-{n}-{i}", "type": kind, "user_id": who,
               "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 977 * i - 101 * n)),
               "product_id": products[(7 * i + 13 * n) % len(products)]}
              for i, who in enumerate(SHOPPERS)]
    pair.everywhere("POST", "/v1/events", events)


@test("shoppers of a variant see what a server with that version alone shows, also right after what they did")
def versions(pair):
    admin, server = pair.server.admin(), pair.server
    same_lists(server.backend(), pair.alone[pair.first].backend(), SHOPPERS)
    assert metric(server, "aisle_model_versions") == 1
    one = metric(server, "aisle_model_bytes")
    no = begin(admin, "versions", [{"name": "old"}, {"name": "new", "model": pair.second}])
    equal(admin.get("/v1/experiments/versions")["alerts"], [])
    equal(metric(server, "aisle_model_versions"), 2)
    assert metric(server, "aisle_model_bytes") > one
    groups = pair.check(no)
    differ = [who for who in groups[1]
              if not same(ask(server.backend(), who), ask(pair.alone[pair.first].backend(), who))]
    assert differ, "the two versions show the same: nothing is told apart"
    for n, kind in enumerate(("view", "purchase", "add_to_cart")):
        act(pair, n, kind)
        equal(pair.check(no), groups)
    # A product that no version knows is met by its record in each.
    pair.everywhere("PUT", "/v1/products/newcomer", product("newcomer", title="Oolong tea 50 g"))
    for variant, version in ((0, pair.first), (1, pair.second)):
        same_lists(server.backend(), pair.alone[version].backend(), groups[variant])
    # Who is not named gets the published one; so does another placement.
    equal(server.backend().get("/v1/recommendations")["models"]["recommend"], pair.first)
    for who in groups[1][:3]:
        equal(ask(server.backend(), who, placement="trending")["models"]["recommend"], pair.first)
        explained = admin.must(200, "POST", "/v1/recommendations/explain",
                               {"user_id": who, "placement": "home", "limit": 12})
        equal(explained["models"]["recommend"], pair.second)
        same_lists(server.backend(), pair.alone[pair.second].backend(), [who])
    for how in ("stop", "kill"):
        pair.restart(how)
        equal(pair.check(no), groups, f"after a {how}")
    equal(mapped(server), {pair.first, pair.second})


@test("events are told to the version and variant that made their list")
def attribution(pair):
    admin, backend = pair.server.admin(), pair.server.backend()
    no = admin.get("/v1/experiments/versions")["number"]
    for who in SHOPPERS:
        answer = ask(backend, who)
        backend.must(200, "POST", "/v1/events",
                     {"type": "impression", "user_id": who, "request_id": answer["request_id"],
                      "product_id": answer["items"][0]["id"]})
    groups = pair.by_variant(no)
    rows = admin.get("/v1/reports/attribution", by="variant")["items"]
    equal(sorted(r["requests"] for r in rows if r["experiment"]), sorted(map(len, groups.values())))
    by_model = {r["model"]: r["requests"] for r in
                admin.get("/v1/reports/attribution", by="model")["items"]}
    equal(by_model, {pair.first: len(groups[0]), pair.second: len(groups[1])})
    report = admin.get("/v1/experiments/versions/report")
    equal("lists" in report["variants"][0], False)
    equal({k: report["variants"][1][k] for k in ("model", "lists", "lists_of_other_models")},
          {"model": pair.second, "lists": len(groups[1]), "lists_of_other_models": 0})


@test("publishing and rolling back while an experiment runs leaves each variant its version")
def publishing(pair):
    admin, server = pair.server.admin(), pair.server
    no = admin.get("/v1/experiments/versions")["number"]
    groups = pair.by_variant(no)
    for version, call in ((pair.second, ("publish", {"version": pair.second, "force": True})),
                          (pair.first, ("rollback", None))):
        admin.must(200, "POST", f"/v1/models/recommend/{call[0]}", call[1])
        equal({ask(server.backend(), who)["models"]["recommend"] for who in groups[1]}, {pair.second})
        equal({ask(server.backend(), who)["models"]["recommend"] for who in groups[0]}, {version})
        same_lists(server.backend(), pair.alone[pair.second].backend(), groups[1])
    pair.check(no)


@test("versions that experiments name outlive a clearing, and go when the experiment has gone")
def clearing(pair):
    admin, where = pair.server.admin(), pair.shop.path
    aisle("models", "gc", "--keep", "0", "--data", where)
    left = {m["version"] for m in admin.get("/v1/models/recommend")["items"]}
    assert {pair.first, pair.second} <= left and pair.third not in left, left
    assert os.path.isdir(os.path.join(where, "models/recommend", pair.second))
    pair.check(admin.get("/v1/experiments/versions")["number"])


@test("a version stays to everybody once it is decided for, until the next one is published")
def decided(pair):
    admin, server = pair.server.admin(), pair.server
    stop(admin, "versions")
    for who in SHOPPERS:
        equal(ask(server.backend(), who)["models"]["recommend"], pair.first)
    same_lists(server.backend(), pair.alone[pair.first].backend(), SHOPPERS)
    wait_until(lambda: mapped(server) == {pair.first}, "the version is unmapped")
    admin.must(200, "PATCH", "/v1/experiments/versions", {"state": "decided", "decision": "new"})
    same_lists(server.backend(), pair.alone[pair.second].backend(), SHOPPERS)
    equal(ask(server.backend(), SHOPPERS[0], placement="trending")["models"]["recommend"], pair.first)
    admin.must(200, "POST", "/v1/models/recommend/rollback")  # whatever is published now
    last = next(m["version"] for m in admin.get("/v1/models/recommend")["items"] if m["live"])
    equal({ask(server.backend(), who)["models"]["recommend"] for who in SHOPPERS}, {last})
    admin.must(200, "POST", "/v1/models/recommend/publish", {"version": pair.first, "force": True})
    admin.must(204, "DELETE", "/v1/experiments/versions")
    same_lists(server.backend(), pair.alone[pair.first].backend(), SHOPPERS)


@test("a version that cannot be read leaves its shoppers the published one, tells so, and comes when it can")
def garbage(pair):
    admin, server = pair.server.admin(), pair.server
    path = os.path.join(pair.shop.path, "models/recommend", pair.second, "recommend.model")
    with open(path, "rb") as f:
        whole = f.read()
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 1
    for bytes_now in (b"", b"garbage" * 100, bytes(spoilt), None):
        os.remove(path)
        if bytes_now is not None:
            with open(path, "wb") as f:
                f.write(bytes_now)
        name = f"garbage{len(bytes_now) if bytes_now is not None else 'none'}"
        no = begin(admin, name, [{"name": "old"}, {"name": "new", "model": pair.second}])
        groups = pair.by_variant(no)
        equal(set(groups), {0, 1})
        same_lists(server.backend(), pair.alone[pair.first].backend(), groups[1], ASKED[:2])
        alerts = admin.get(f"/v1/experiments/{name}")["alerts"]
        equal([(a["code"], a["variant"]) for a in alerts], [("model_not_served", "new")])
        equal(metric(server, "aisle_model_versions_failing"), 1)
        if bytes_now is None:
            break
        end(admin, name)
        equal(metric(server, "aisle_model_versions_failing"), 0)
        with open(path, "wb") as f:
            f.write(whole)
    for who in groups[1]:
        answer = ask(server.backend(), who)
        server.backend().must(200, "POST", "/v1/events", {
            "type": "impression", "user_id": who, "request_id": answer["request_id"],
            "product_id": answer["items"][0]["id"]})
    report = admin.get(f"/v1/experiments/{name}/report")["variants"][1]
    equal((report["lists"], report["lists_of_other_models"]), (len(groups[1]), len(groups[1])))
    pair.restart("kill")
    admin = server.admin()
    equal(len(admin.get(f"/v1/experiments/{name}")["alerts"]), 1, "after a restart")
    with open(path, "wb") as f:
        f.write(whole)
    wait_until(lambda: admin.get(f"/v1/experiments/{name}")["alerts"] == [], "the version is served")
    equal({ask(server.backend(), who)["models"]["recommend"] for who in groups[1]}, {pair.second})
    equal(metric(server, "aisle_model_versions_failing"), 0)
    end(admin, name)


@test("what an experiment names has to be there, and mistakes are told with their place")
def refused(pair):
    admin = pair.server.admin()
    admin.must(201, "POST", "/v1/rules", {"id": "there", "action": {"type": "boost", "factor": 2}})

    def definition(variant, **more):
        return {"placements": ["home"], "variants": [{"name": "a"}, {"name": "b", **variant}], **more}
    for variant, reason in (({"model": "none"}, "'b': model: there is no version 'none'"),
                            ({"model": ""}, "model"), ({"model": 1}, "a string"),
                            ({"rules": ["there", "gone"]}, "'b': rules: there is no rule 'gone'"),
                            ({"rules": ["there", "there"]}, "comes twice"),
                            ({"rules": "there"}, "an array"), ({"rules": [""]}, "rules[0]"),
                            ({"rules": [f"r{i}" for i in range(17)]}, "more than 16")):
        for method, path, status in (("POST", "/v1/experiments", (400, 413)),):
            answer = admin.must(status, method, path, {"id": "refused",
                                                       "definition": definition(variant)})
            assert reason in answer["error"]["message"], (variant, answer)
    admin.must(404, "GET", "/v1/experiments/refused")
    # A draft whose rule has gone meanwhile does not begin.
    admin.must(201, "POST", "/v1/experiments",
               {"id": "refused", "definition": definition({"rules": ["there"]})})
    admin.must(204, "DELETE", "/v1/rules/there")
    answer = admin.must(409, "PATCH", "/v1/experiments/refused", {"state": "running"})
    assert "'there'" in answer["error"]["message"], answer
    # Two layers may not both name versions, nor the same rule, in one placement.
    admin.must(201, "POST", "/v1/rules", {"id": "there", "action": {"type": "boost", "factor": 2}})
    for variant in ({"rules": ["there"]}, {"model": pair.second}):
        begin(admin, "first", [{"name": "a"}, {"name": "b", **variant}])
        admin.must(200, "PATCH", "/v1/experiments/refused",
                   {"definition": definition(variant, layer="other")})
        answer = admin.must(409, "PATCH", "/v1/experiments/refused", {"state": "running"})
        assert "overrides the same" in answer["error"]["message"], answer
        end(admin, "first")
    admin.must(204, "DELETE", "/v1/experiments/refused")
    admin.must(204, "DELETE", "/v1/rules/there")


def brands(items):
    return {i["brand"] for i in items}


@test("a rule that an experiment names is in force for the shoppers of its variants alone, switched on or not")
def rules(pair):
    admin, backend = pair.server.admin(), pair.server.backend()
    brand = ask(backend, SHOPPERS[0])["items"][0]["brand"]
    rule = {"id": "hides", "placements": ["home", "trending"], "products": f'brand = "{brand}"',
            "action": {"type": "hide"}}
    for enabled in (True, False):
        admin.must((200, 201), "PUT", "/v1/rules/hides", {**rule, "enabled": enabled})
        no = begin(admin, f"rules-{enabled}", [{"name": "a"}, {"name": "b", "rules": ["hides"]}])
        groups = pair.by_variant(no)
        equal(set(groups), {0, 1})
        hidden = {who: brand not in brands(ask(backend, who, limit=100)["items"]) for who in SHOPPERS}
        equal({v: {hidden[who] for who in groups[v]} for v in (0, 1)}, {0: {False}, 1: {True}})
        for v in (0, 1):
            said = admin.must(200, "POST", "/v1/recommendations/explain",
                              {"user_id": groups[v][0], "placement": "home"})["rules"]
            equal([(r["id"], r["in_force"], r.get("why_not")) for r in said],
                  [("hides", v == 1, None if v else "experiment")])
        # Nobody else: not who is not named, not in a placement that the experiment is not about.
        assert brand in brands(backend.get("/v1/recommendations", limit=100)["items"])
        assert brand in brands(ask(backend, groups[1][0], placement="trending", limit=100)["items"])
        equal(admin.get("/v1/rules/hides")["experiments"],
              [{"id": f"rules-{enabled}", "state": "running"}])
        equal([r["experiments"] for r in admin.get("/v1/rules")["items"]],
              [[{"id": f"rules-{enabled}", "state": "running"}]])
        answer = admin.must(409, "DELETE", "/v1/rules/hides")
        assert f"rules-{enabled}" in answer["error"]["message"], answer
        # Its own audience holds.
        admin.must(200, "PATCH", "/v1/rules/hides", {"audience": {"shoppers": "anonymous"}})
        assert brand in brands(ask(backend, groups[1][0], limit=100)["items"])
        admin.must(200, "PATCH", "/v1/rules/hides", {"audience": None})
        pair.restart("kill")
        admin, backend = pair.server.admin(), pair.server.backend()
        equal({v: {brand not in brands(ask(backend, who, limit=100)["items"]) for who in groups[v]}
               for v in (0, 1)}, {0: {False}, 1: {True}}, "after a kill")
        stop(admin, f"rules-{enabled}")
        equal({brand not in brands(ask(backend, who, limit=100)["items"]) for who in SHOPPERS},
              {enabled}, "as it is switched")
    # Decided for: in force for everybody where the experiment took place, though it is switched off.
    admin.must(200, "PATCH", "/v1/experiments/rules-False", {"state": "decided", "decision": "b"})
    assert brand not in brands(backend.get("/v1/recommendations", limit=100)["items"])
    assert brand in brands(backend.get("/v1/recommendations", placement="trending", limit=100)["items"])
    equal(admin.get("/v1/rules/hides")["experiments"], [{"id": "rules-False", "state": "decided"}])
    admin.must(201, "POST", "/v1/experiments", {"id": "again", "definition": {
        "placements": ["home"], "variants": [{"name": "a"}, {"name": "b", "rules": ["hides"]}]}})
    answer = admin.must(409, "PATCH", "/v1/experiments/again", {"state": "running"})
    assert "rules-False" in answer["error"]["message"], answer
    for name in ("again", "rules-True", "rules-False"):
        admin.must(204, "DELETE", f"/v1/experiments/{name}")
    assert brand in brands(backend.get("/v1/recommendations", limit=100)["items"])
    admin.must(204, "DELETE", "/v1/rules/hides")


if __name__ == "__main__":
    with folder() as path, contextlib.ExitStack() as servers:
        made = Pair(path)
        for one in made.servers:
            servers.enter_context(one)
        run(made)
