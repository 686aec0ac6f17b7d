#!/usr/bin/env python3
"""Experiments: made, run, stopped and decided; who gets what, and what ids of lists say of it."""

import base64
import json
import struct

from shop import aisle, equal, guest, run_on_demo, test

FRESH = {"name": "fresh", "weights": {"home.arrivals": 50, "home.trending": 0, "home.factors": 0,
                                      "home.profile_near": 0, "home.profile_with": 0,
                                      "home.profile_next": 0}}


def definition(**more):
    return {"placements": ["home"], "variants": [{"name": "control"}, FRESH], **more}


def facts(list_id):
    """(variants, explored, propensity) of a list's id."""
    data = base64.urlsafe_b64decode(list_id + "=" * (-len(list_id) % 4))
    at = 7
    for _ in range(2):
        at += 1 + data[at]
    n = data[at]
    variants = [struct.unpack("<IB", data[at + 1 + 5 * i:at + 6 + 5 * i]) for i in range(n)]
    at += 1 + 5 * n
    return (variants, *(struct.unpack("<If", data[at + 1:at + 9]) if data[at] else (0, 0)))


def home(client, who, limit=10):
    answer = client.get("/v1/recommendations", user_id=who, limit=limit)
    return [i["id"] for i in answer["items"]], facts(answer["request_id"])


def make(admin, name, **more):
    return admin.must(201, "POST", "/v1/experiments", {"id": name, "definition": definition(**more)})


def state(admin, name, to, status=200, **more):
    return admin.must(status, "PATCH", f"/v1/experiments/{name}", {"state": to, **more})


def end(admin, name):
    state(admin, name, "stopped")
    admin.must(204, "DELETE", f"/v1/experiments/{name}")


@test("a variant is served to its shoppers while it runs, and their lists say so")
def serves(server):
    admin, client = server.admin(), server.backend()
    plain, none = home(client, "shopper-00001")
    equal(none, ([], 0, 0))
    newest = [i["id"] for i in client.get("/v1/recommendations", placement="new",
                                          user_id="shopper-00001", limit=10)["items"]]
    no = make(admin, "serves")["number"]
    equal(home(client, "shopper-00001"), (plain, ([], 0, 0)), "a draft does nothing")
    equal(state(admin, "serves", "running")["state"], "running")
    groups = {0: [], 1: []}
    for n in range(60):
        who = f"shopper-{n:05}"
        items, (variants, explored, _) = home(client, who)
        equal((len(variants), variants[0][0], explored), (1, no, 0))
        groups[variants[0][1]].append(who)
        equal(home(client, who)[1][0], variants, "the same shopper, the same variant")
        if who == "shopper-00001":
            equal(items, newest if variants[0][1] else plain)
    assert 15 < len(groups[1]) < 45, groups
    # Another placement, and nobody in particular, take no part.
    for query in ({"placement": "trending", "user_id": "shopper-00001"}, {"placement": "home"}):
        equal(facts(client.get("/v1/recommendations", **query)["request_id"]), ([], 0, 0))
    equal(len(facts(client.get("/v1/recommendations", anonymous_id=guest(1))["request_id"])[0]), 1)
    before = {who: home(client, who)[1][0] for who in groups[0][:5] + groups[1][:5]}
    server.kill()
    server.start()
    admin, client = server.admin(), server.backend()
    equal({who: home(client, who)[1][0] for who in before}, before, "after a restart")
    state(admin, "serves", "stopped", reason="enough")
    equal(home(client, "shopper-00001"), (plain, ([], 0, 0)))
    equal(state(admin, "serves", "decided", decision="fresh")["decision"], "fresh")
    equal(home(client, "shopper-00001"), (newest, ([], 0, 0)), "everybody gets what was decided")
    admin.must(204, "DELETE", "/v1/experiments/serves")
    equal(home(client, "shopper-00001"), (plain, ([], 0, 0)))


@test("who opted out of personalisation takes part in nothing")
def opted_out(server):
    admin, client = server.admin(), server.backend()
    client.must((200, 201), "PUT", "/v1/users/shy", {"personalise": False})
    make(admin, "shy")
    state(admin, "shy", "running")
    equal(home(client, "shy")[1], ([], 0, 0))
    end(admin, "shy")


def log_decisions(server):
    """Lists whose last product was seen, of which a third was opened."""
    client, made, where = server.backend(), [], server.shop.path
    for n in range(30):
        answer = client.get("/v1/recommendations", user_id=f"shopper-{n:05}", limit=5)
        seen = {"user_id": f"shopper-{n:05}", "request_id": answer["request_id"]}
        last = {**seen, "product_id": answer["items"][4]["id"]}
        first = {**seen, "product_id": answer["items"][0]["id"], "type": "click"}
        events = [{**last, "type": "impression"}, first]
        if n % 3 == 0:
            events.insert(n % 2, {**last, "type": "click"})
        if n % 10 != 9:  # else it was never seen, and perhaps opened
            made.append((last["product_id"], int(n % 3 == 0), facts(answer["request_id"])[2]))
        else:
            events = [e for e in events if e["type"] != "impression"]
        for e in events:
            client.must(200, "POST", "/v1/events", e)
    lines = [json.loads(line) for line in
             aisle("report", "decisions", "--data", where).stdout.splitlines()]
    equal(sorted((d["action"], d["reward"], round(d["propensity"], 6)) for d in lines),
          sorted((a, r, round(p, 6)) for a, r, p in made))
    for d in lines:
        equal(d["target_propensity"], int(d["rank"] == 0))
        equal(d["propensity"] > 0.5, d["rank"] == 0)
    equal(len({d["context"] for d in lines}), 27)
    log = where + ".decisions"
    with open(log, "w", encoding="utf-8") as f:
        f.write("\n".join(map(json.dumps, lines)))
    found = json.loads(aisle("eval", "ope", "--log", log, "--data", where).stdout)
    equal((found["decisions"], found["contexts"]), (27, 27))
    equal(found["matched"], sum(d["rank"] == 0 for d in lines))


# Before anybody does anything: the hottest products are others half a second after what was done.
@test("a preview shows a variant, in whatever state, as everybody has it once it is decided")
def previews(server):
    admin, client = server.admin(), server.backend()
    who = {"user_id": "shopper-00003", "limit": 10}

    def served():
        return home(client, "shopper-00003")[0]

    def shown(status=200, **more):
        return admin.must(status, "POST", "/v1/recommendations/explain", {**who, **more})

    def both():
        return [[i["id"] for i in shown(experiment="preview", variant=v)["items"]]
                for v in ("control", "fresh")]
    plain = served()
    make(admin, "preview")
    before = both()
    equal(before[0], plain)
    assert before[1] != plain
    state(admin, "preview", "running")
    equal(both(), before)
    state(admin, "preview", "stopped")
    equal((served(), both()), (plain, before))
    state(admin, "preview", "decided", decision="fresh")
    equal((served(), both()), (before[1], before), "the preview of a draft came true")
    # On top of what else was decided, without what runs.
    admin.must(204, "DELETE", "/v1/experiments/preview")
    make(admin, "other")
    make(admin, "preview", layer="second")
    state(admin, "other", "running")
    equal(both(), before)
    state(admin, "other", "stopped")
    state(admin, "other", "decided", decision="fresh")
    equal(both(), [before[1], before[1]])
    equal(shown(placement="new")["items"], shown(placement="new", experiment="preview",
                                                 variant="fresh")["items"], "another placement")
    for status, names, reason in ((400, {"experiment": "preview"}, "without the other"),
                                  (400, {"variant": "fresh"}, "without the other"),
                                  (400, {"experiment": "preview", "variant": "x"}, "'x'"),
                                  (404, {"experiment": "none", "variant": "x"}, "experiment")):
        answer = shown(status, **names)
        assert reason in answer["error"]["message"], answer
    client.must(403, "POST", "/v1/recommendations/explain", {})
    client.must(400, "GET", "/v1/recommendations?experiment=preview&variant=fresh")
    for name in ("preview", "other"):
        admin.must(204, "DELETE", f"/v1/experiments/{name}")


@test("the place that explores shows what its id says")
def explores(server):
    admin, client = server.admin(), server.backend()
    make(admin, "wild", variants=[{"name": "only", "explore": 0.5}])
    state(admin, "wild", "running")
    seen = set()
    for _ in range(40):
        items, (_, explored, propensity) = home(client, "shopper-00002", limit=5)
        equal(len(items), 5)
        assert explored > 0
        rare, best = 0.5 / 21, 0.5 + 0.5 / 21
        assert min(abs(propensity - rare), abs(propensity - best)) < 1e-6, propensity
        seen.add((items[4], explored))
    assert len(seen) > 5, seen
    equal(len({name for name, _ in seen}), len(seen), "one number a product")
    log_decisions(server)
    end(admin, "wild")


@test("states only go forward, drafts alone change, and what contradicts is refused")
def rules(server):
    admin, path = server.admin(), "/v1/experiments/rules"
    make(admin, "rules")
    admin.must(409, "POST", "/v1/experiments", {"id": "rules", "definition": definition()})
    for to in ("stopped", "decided", "draft"):
        more = {"decision": "fresh"} if to == "decided" else {}
        state(admin, "rules", to, 409, **more)
    equal(admin.must(200, "PATCH", path, {"definition": definition(share=0.6)})["definition"],
          definition(share=0.6))
    state(admin, "rules", "running")
    admin.must(409, "PATCH", path, {"definition": definition()})
    admin.must(409, "DELETE", path)
    make(admin, "more", share=0.6)
    assert "no room" in state(admin, "more", "running", 409)["error"]["message"]
    admin.must(200, "PATCH", "/v1/experiments/more", {"definition": definition(layer="other")})
    assert "'rules'" in state(admin, "more", "running", 409)["error"]["message"]
    equal(admin.get("/v1/experiments/more")["state"], "draft")
    state(admin, "rules", "stopped")
    state(admin, "rules", "running", 409)
    state(admin, "more", "running")
    for body, reason in (({"state": "decided"}, "decision"), ({"state": "gone"}, "gone"),
                         ({"decision": "fresh"}, "one of them"), ({}, "one of them"),
                         ({"state": "decided", "decision": "nobody"}, "nobody"),
                         ({"definition": {"placements": ["home"]}}, "variants"),
                         ({"colour": 1}, "colour")):
        answer = admin.must(400, "PATCH", path, body)
        assert reason in answer["error"]["message"], (body, answer)
    equal([e["id"] for e in admin.get("/v1/experiments")["items"]], ["rules", "more"])
    end(admin, "more")
    admin.must(204, "DELETE", path)
    for method in ("GET", "DELETE"):
        admin.must(404, method, path)
    admin.must(404, "PATCH", path, {"state": "running"})
    server.client(server.shop.public).must(403, "GET", "/v1/experiments")


if __name__ == "__main__":
    run_on_demo(products=200, users=120, events=4000)
