#!/usr/bin/env python3
"""api/openapi.yaml says what the server does: every route, and every answer of a tour through them."""

import glob
import os
import re

from openapi import OpenApi
from shop import ROOT, equal, guest, path_of, product, run_on_demo, test, wait_until

API = OpenApi()


def endpoint_sources():
    return [name for name in glob.glob(os.path.join(ROOT, "src/api/*.c"))
            if not os.path.basename(name).startswith("gorse")]


def routes_of_sources():
    """(method, pattern) of every endpoint table in src/api, without the storefront's pages and Gorse's
    API, which has a description and a test of its own."""
    found = set()
    for name in endpoint_sources():
        with open(name, encoding="utf-8") as f:
            rows = re.findall(r'\{HTTP_([A-Z]+),\s*"([^"]+)",\s*AUTH_', f.read())
        if os.path.basename(name) == "web.c":
            rows = [r for r in rows if r[1] == "/openapi.yaml"]
        found.update(rows)
    return found


@test("every route of the server is described, and every described one exists")
def routes(_server):
    described = {(m, p) for m, p, _ in API.operations()}
    equal(routes_of_sources() ^ described, set(), "routes in one place only")


@test("every described path answers its methods, and 405 to the others")
def methods(server):
    client = server.admin()
    for path in API.doc["paths"]:
        described = {m.upper() for m in API.doc["paths"][path] if m != "parameters"}
        real = re.sub(r"\{[^}]*\}", "x", path)
        allow = client.must(204, "OPTIONS", real).headers["Allow"]
        equal(set(allow.split(", ")) - {"HEAD", "OPTIONS"}, described, path)
        # "bulk" is also an id, so its path answers what a product's does
        for method in {"GET", "PUT", "POST", "PATCH", "DELETE"} - described:
            if path != "/v1/products/bulk":
                equal(client.call(method, real).status, 405, f"{method} {path}")


@test("every write is described with its Idempotency-Key and what a reused one gets")
def keys(_server):
    writes = set()
    for name in endpoint_sources():
        with open(name, encoding="utf-8") as f:
            writes |= {(m, p) for m, p, flags in re.findall(
                r'\{HTTP_([A-Z]+),\s*"([^"]+)",\s*AUTH_\w+,\s*\w+,([^}]*)\}', f.read())
                if "ENDPOINT_WRITES" in flags and "ENDPOINT_STREAMS" not in flags
                and "ENDPOINT_SECRET" not in flags}
    assert len(writes) > 10, writes
    described = {(m, p) for m, p, o in API.operations()
                 if {"$ref": "#/components/parameters/idempotencyKey"} in o.get("parameters", [])}
    equal(described, writes)
    for method, path, operation in API.operations():
        if (method, path) in writes:
            assert {"409", "422"} <= set(operation["responses"]), f"{method} {path}"


@test("the description is served as it is in the repository")
def served(server):
    answer = server.client().must(200, "GET", "/openapi.yaml")
    equal(answer.body.decode(), API.text)


class Tour:
    """Calls operations and checks every answer; remembers which (method, path, status) came."""

    def __init__(self, client):
        self.client, self.problems, self.seen = client, [], set()

    def __call__(self, status, method, path, body=None, **more):
        answer = self.client.call(method, path, body, **more)
        assert answer.status == status, f"{method} {path}: {answer}, expected {status}"
        self.problems += API.check(method, path, answer)
        operation = API.find(method, path) or {}
        self.seen.add((operation.get("operationId"), status))
        return answer.json if answer.body[:1] == b"{" else answer


def tour_catalogue(call):
    call(200, "GET", "/v1/shop")
    call(200, "GET", "/v1/categories", query={"lang": "zh"})
    call(200, "GET", "/v1/products", query={"limit": 100})
    call(200, "GET", "/v1/products", query={"ids": "nothing,oolong-tea-0001-50g"})
    call(400, "GET", "/v1/products", query={"limit": 0})
    call(413, "GET", "/v1/products", query={"ids": "a," * 201})
    whole = product("tour", group_id="tour-g", brand="Test", list_price=2000, cost=700, tags=["a"],
                    attributes={"color": "red", "n": 1, "sizes": ["s", "m"]},
                    images=["https://example.org/1.png"], rating={"mean": 4.5, "count": 3},
                    supplier_id="s", url="https://example.org/", language="en", description="d",
                    translations={"zh": {"title": "东西"}}, created_at="2026-01-01T00:00:00+02:00")
    call(201, "PUT", "/v1/products/tour", whole)
    call(200, "PUT", "/v1/products/tour", {**whole, "price": 1500})
    call(201, "PUT", "/v1/products/bare", {"title": "Bare"})
    call(400, "PUT", "/v1/products/tour", {"title": ""})
    call(200, "PATCH", "/v1/products/tour", {"stock": None})
    call(400, "PATCH", "/v1/products/tour", {"price": -1})
    call(404, "PATCH", "/v1/products/nothing", {"price": 1})
    answer = call(200, "GET", "/v1/products/tour", query={"lang": "zh"})
    equal(answer["title"], "东西")
    tag = call.client.call("GET", "/v1/products/bare").headers["ETag"]
    call(304, "GET", "/v1/products/bare", headers={"If-None-Match": tag})
    call(404, "GET", "/v1/products/nothing")
    lines = '{"id":"b1","title":"One"}\n{"id":"b2"}\n\n{"id":"bare","title":"Bare"}\n'
    done = call(200, "POST", "/v1/products/bulk", lines,
                headers={"Content-Type": "application/x-ndjson"})
    equal((done["created"], done["unchanged"], done["refused"], done["rejected"][0]["line"]),
          (1, 1, 1, 2))
    call(204, "DELETE", "/v1/products/b1")
    call(404, "DELETE", "/v1/products/nothing")


def tour_shoppers(call):
    event = {"type": "view", "anonymous_id": guest(1), "product_id": "tour"}
    call(200, "POST", "/v1/events", [event, {**event, "product_id": "nothing"}, {"type": "nap"}])
    call(400, "POST", "/v1/events", [{"type": "nap"}])
    call(400, "POST", "/v1/events", "[")
    call(201, "PUT", "/v1/users/tour", {"attributes": {"vip": True}})
    call(200, "PUT", "/v1/users/tour", {"attributes": {"vip": False}})
    call(400, "PUT", "/v1/users/tour", {"attributes": 1})
    call(200, "PATCH", "/v1/users/tour", {"personalise": False})
    call(404, "PATCH", "/v1/users/nobody", {"personalise": False})
    call(200, "GET", "/v1/users/tour")
    call(200, "GET", "/v1/users", query={"prefix": "to", "limit": 1})
    call(400, "GET", "/v1/users", query={"limit": 0})
    call(404, "GET", "/v1/users/nobody")
    call(204, "POST", "/v1/users/tour/joins", {"anonymous_id": guest(1)})
    call(400, "POST", "/v1/users/tour/joins", {})
    call(201, "PUT", "/v1/users/other", {})
    call(409, "POST", "/v1/users/other/joins", {"anonymous_id": guest(1)})
    call(204, "DELETE", path_of("v1", "users", "tour", "joins", guest(1)))
    call(404, "DELETE", path_of("v1", "users", "tour", "joins", guest(1)))
    call(204, "DELETE", "/v1/users/other")
    call(404, "DELETE", "/v1/users/other")


def tour_rows(call, mine):
    tea = {"product_id": "oolong-tea-0001-50g"}
    call(200, "GET", "/v1/recommendations/rows", query=mine)
    call(200, "GET", "/v1/recommendations/rows", query={"lang": "zh", "rows": 10, "limit": 50})
    call(200, "GET", "/v1/recommendations/rows", query={"page": "product", **tea})
    for page in ("cart", "checkout", "order", "search"):
        call(200, "GET", "/v1/recommendations/rows",
             query={"page": page, "product_ids": "oolong-tea-0001-50g,x", **mine})
    call(200, "POST", "/v1/recommendations/rows", {"page": "category", "filter": "price > 100"})
    call(400, "GET", "/v1/recommendations/rows", query={"page": "category"})
    call(400, "GET", "/v1/recommendations/rows", query={"page": "product"})
    call(400, "GET", "/v1/recommendations/rows", query={"page": "attic"})
    call(400, "GET", "/v1/recommendations/rows", query={"limit": 51})
    call(400, "GET", "/v1/recommendations/rows", query={"rows": 0})
    call(404, "GET", "/v1/recommendations/rows", query={"page": "product", "product_id": "x"})


def tour_answers(call):
    mine = {"user_id": "lin-mei"}
    for placement in ("home", "trending", "new"):
        call(200, "GET", "/v1/recommendations", query={"placement": placement, **mine})
    for placement in ("similar", "bought_together"):
        call(200, "GET", "/v1/recommendations", query={"placement": placement,
                                                       "product_id": "oolong-tea-0001-50g"})
    call(200, "GET", "/v1/recommendations", query={"placement": "cart",
                                                   "product_ids": "oolong-tea-0001-50g,x"})
    call(200, "GET", "/v1/recommendations", query={"placement": "viewed_after",
                                                   "product_id": "oolong-tea-0001-50g"})
    for placement in ("checkout", "order_confirmation", "search"):
        call(200, "GET", "/v1/recommendations", query={"placement": placement, **mine,
                                                       "product_ids": "oolong-tea-0001-50g"})
    tea = 'category = "Food"'
    call(200, "GET", "/v1/recommendations", query={"placement": "category", "filter": tea})
    call(400, "GET", "/v1/recommendations", query={"placement": "category"})
    call(400, "GET", "/v1/recommendations", query={"placement": "attic"})
    tour_rows(call, mine)
    call(404, "GET", "/v1/recommendations", query={"placement": "similar", "product_id": "x"})
    call(200, "POST", "/v1/recommendations", {"limit": 5, "exclude": ["a", "b"], "lang": "zh"})
    call(400, "POST", "/v1/recommendations", {"limit": "many"})
    everything = "brand,category,price,in_stock,attributes.color"
    call(200, "GET", "/v1/search", query={"q": "tea", "facets": everything, **mine})
    call(200, "GET", "/v1/search", query={"q": "茶", "lang": "zh", "sort": "price_asc"})
    call(200, "GET", "/v1/search", query={"q": "xqzzy", "facets": "price"})
    call(400, "GET", "/v1/search", query={"filter": "price <"})
    call(200, "POST", "/v1/search", {"q": "", "limit": 100, "facets": everything})
    call(400, "POST", "/v1/search", {"sort": "alphabet"})


def tour_rules(call):
    action = {"type": "pin", "position": 1}
    rule = call(201, "POST", "/v1/rules", {"action": action, "products": "id = tour"})
    path = path_of("v1", "rules", rule["id"])
    call(409, "POST", "/v1/rules", {"id": rule["id"], "action": action})
    call(400, "POST", "/v1/rules", {"action": {"type": "dance"}})
    call(200, "PUT", path, {"action": action, "placements": ["home"], "audience": {"shoppers": "all"},
                            "schedule": {"from": "2026-01-01T00:00:00Z", "until": None, "days": ["mon"],
                                         "hours": {"from": "08:00", "until": "20:00"}}})
    call(201, "PUT", "/v1/rules/tour", {"action": {"type": "hide"}, "products": "id = tour"})
    call(400, "PUT", path, {})
    call(200, "PATCH", path, {"name": "A tour", "schedule": None})
    call(400, "PATCH", path, {"priority": -1})
    call(404, "PATCH", "/v1/rules/nothing", {"priority": 1})
    call(200, "GET", path)
    call(404, "GET", "/v1/rules/nothing")
    call(200, "GET", "/v1/rules", query={"limit": 1})
    call(400, "GET", "/v1/rules", query={"limit": 0})
    call(200, "POST", "/v1/recommendations/explain", {"all": True})
    call(200, "POST", "/v1/recommendations/explain", {"placement": "similar",
                                                      "product_id": "oolong-tea-0001-50g"})
    call(400, "POST", "/v1/recommendations/explain", {"filter": "price <"})
    call(404, "POST", "/v1/recommendations/explain", {"explain": ["tour", "nothing"]})
    call(204, "DELETE", path)
    call(204, "DELETE", "/v1/rules/tour")
    call(404, "DELETE", path)


def tour_buying(call):
    me, lines = {"user_id": "tour"}, [{"product_id": "tour", "quantity": 2}]
    call(200, "GET", "/v1/carts", query=me)
    call(400, "GET", "/v1/carts")
    cart = call(200, "PUT", "/v1/carts", {"lines": lines}, query=me)
    call(409, "PUT", "/v1/carts", {"lines": lines, "version": cart["version"] + 1}, query=me)
    call(404, "PUT", "/v1/carts", {"lines": [{"product_id": "x", "quantity": 1}]}, query=me)
    call(400, "PUT", "/v1/carts", {"lines": [{"product_id": "tour", "quantity": 0}]}, query=me)
    order = call(201, "POST", "/v1/orders", {**me, "lines": lines, "address": {"city": "Xi'an"},
                                             "payment": {"method": "card"}})
    call(400, "POST", "/v1/orders", {**me, "lines": []})
    call(409, "POST", "/v1/orders", {**me, "lines": [{"product_id": "bare", "quantity": 1}]})
    call(200, "GET", "/v1/orders", query=me)
    call(400, "GET", "/v1/orders")
    call(200, "GET", path_of("v1", "orders", order["id"]))
    call(404, "GET", "/v1/orders/nothing")
    call(200, "PATCH", path_of("v1", "orders", order["id"]), {"status": "paid"})
    call(409, "PATCH", path_of("v1", "orders", order["id"]), {"status": "delivered"})
    call(400, "PATCH", path_of("v1", "orders", order["id"]), {"status": "lost"})
    call(404, "PATCH", "/v1/orders/nothing", {"status": "paid"})


def tour_experiments(call):
    path, definition = "/v1/experiments/tour", {
        "placements": ["home"], "share": 0.5, "guardrails": [{"metric": "ctr", "max_loss": 0.5}],
        "variants": [{"name": "a"}, {"name": "b", "weights": {"home.arrivals": 1}}]}
    call(201, "POST", "/v1/experiments", {"id": "tour", "definition": definition})
    call(409, "POST", "/v1/experiments", {"id": "tour", "definition": definition})
    call(400, "POST", "/v1/experiments", {"id": "tour", "definition": {}})
    call(200, "GET", "/v1/experiments")
    call(200, "GET", path)
    call(404, "GET", "/v1/experiments/nothing")
    call(409, "GET", path + "/report")
    call(200, "PATCH", path, {"state": "running"})
    call(200, "GET", path + "/report")
    call(404, "GET", "/v1/experiments/nothing/report")
    call(409, "DELETE", path)
    call(409, "PATCH", path, {"definition": definition})
    call(400, "PATCH", path, {})
    call(404, "PATCH", "/v1/experiments/nothing", {"state": "running"})
    call(200, "PATCH", path, {"state": "stopped", "reason": "enough"})
    call(200, "PATCH", path, {"state": "decided", "decision": "a"})
    call(204, "DELETE", path)
    call(404, "DELETE", path)


def tour_operation(call):
    family = call(200, "GET", "/v1/models/recommend")
    call(200, "GET", "/v1/models")
    call(404, "GET", "/v1/models/chess")
    call(200, "GET", "/v1/reports/attribution", query={"by": "placement,model,variant"})
    call(400, "GET", "/v1/reports/attribution", query={"by": "weather"})
    tour_experiments(call)
    live = family["items"][0]["version"]
    call(200, "POST", "/v1/models/recommend/publish", {"version": live})
    call(404, "POST", "/v1/models/recommend/publish", {"version": "x"})
    call(400, "POST", "/v1/models/recommend/publish", {})
    call(404, "POST", "/v1/models/recommend/rollback")
    job = call(202, "POST", "/v1/jobs", {"kind": "train"})
    call(400, "POST", "/v1/jobs", {"kind": "nap"})
    call(400, "POST", "/v1/jobs", {"kind": "train", "parameters": {"dimm": 8}})
    path = path_of("v1", "jobs", str(job["id"]))
    wait_until(lambda: call(200, "GET", path)["state"] == "done", "the training job is done")
    call(200, "GET", "/v1/jobs", query={"limit": 1})
    call(400, "GET", "/v1/jobs", query={"limit": 1000})
    call(404, "GET", "/v1/jobs/999999")
    call(200, "POST", "/v1/models/recommend/rollback")
    job = call(202, "POST", "/v1/imports", '{"id": "tour-import", "title": "T"}\n',
               query={"kind": "products"})
    path = path_of("v1", "jobs", str(job["id"]))
    wait_until(lambda: call(200, "GET", path)["state"] == "done", "the import is done")
    call(400, "POST", "/v1/imports", "", query={"kind": "cats"})
    call(404, "POST", "/v1/imports", "", query={"kind": "products", "mapping": "nothing"})
    call(403, "POST", "/v1/imports", "", query={"kind": "products", "path": "/etc/passwd"})
    call(409, "DELETE", path)
    call(404, "DELETE", "/v1/jobs/999999")
    job = call(202, "POST", "/v1/jobs", {"kind": "train"})
    call(204, "DELETE", path_of("v1", "jobs", str(job["id"])))
    call(200, "GET", "/v1/overview")
    call(200, "GET", "/v1/settings")
    row = call(200, "GET", "/v1/quarantine", query={"kind": "events", "limit": 1})["items"][0]
    call(400, "GET", "/v1/quarantine", query={"limit": 1000})
    call(204, "DELETE", path_of("v1", "quarantine", str(row["id"])))
    call(404, "DELETE", "/v1/quarantine/999999")
    call(200, "GET", "/v1/keys")
    key = call(201, "POST", "/v1/keys", {"scope": "server", "name": "tour"})
    call(400, "POST", "/v1/keys", {"scope": "king"})
    call(413, "POST", "/v1/keys", {"scope": "server", "name": "n" * 129})
    call(204, "DELETE", path_of("v1", "keys", str(key["id"])))
    call(404, "DELETE", path_of("v1", "keys", str(key["id"])))
    call(400, "DELETE", "/v1/keys/1", query={"force": "maybe"})
    call(200, "GET", "/v1/demo/users")
    call(400, "GET", "/v1/demo/users", query={"limit": "x"})
    call(200, "POST", "/v1/demo/token", {"user_id": "lin-mei"})
    call(404, "POST", "/v1/demo/token", {"user_id": "nobody"})
    picture = call(200, "GET", "/v1/products", query={"limit": 1})["items"][0]["images"][0]
    call(200, "GET", picture)
    call(404, "GET", "/media/demo/nothing.svg")
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.yaml"):
        call(200, "GET", path)


@test("every answer of a tour through all operations fits its schema")
def tour(server):
    call = Tour(server.admin())
    for part in (tour_catalogue, tour_shoppers, tour_answers, tour_rules, tour_buying,
                 tour_operation):
        part(call)
    equal(call.problems, [], "answers that the description does not allow")
    unseen = []
    for _, _, operation in API.operations():
        good = [s for s in operation["responses"] if s[0] == "2"]
        if not any((operation["operationId"], int(s)) in call.seen for s in good):
            unseen.append(operation["operationId"])
    equal(unseen, [], "operations that the tour leaves out")


@test("errors of the guard fit the schema of errors, with the request's id")
def guard(server):
    client = server.client()
    for method, path, operation in API.operations():
        real = re.sub(r"\{[^}]*\}", "x", path)
        answer = client.call(method, real)
        expected = {200, 400, 404} if operation.get("security") == [] else {401}
        assert answer.status in expected, f"{method} {path}: {answer}"
        equal(API.check(method, real, answer), [])
        if answer.status == 401:
            equal(answer.json["error"]["request_id"], answer.headers["X-Request-Id"])


if __name__ == "__main__":
    run_on_demo()
