#!/usr/bin/env python3
"""Who may do what: every route against every kind of caller."""

import os
import re

from openapi import OpenApi
from shop import Server, Shop, equal, folder, guest, run_on_demo, test

# Columns: no key, an unknown key, public key alone, with own token, with another shopper's token,
# with an expired token, with a token of another signer, server key, admin key, public key in the
# query, server key in the query.
CALLERS = ("none", "unknown", "public", "own", "other", "expired", "forged", "server", "admin",
           "public?", "server?")

ANYONE = "200 200 200 200 200 200 200 200 200 200 200"
PUBLIC = "401 401 200 200 200 200 200 200 200 200 401"
OWN = "401 401 401 200 403 401 401 200 200 401 401"
OWN_ORDER = "401 401 401 200 404 401 401 200 200 401 401"
SERVER = "401 401 403 403 403 403 403 200 200 403 401"
ADMIN = "401 401 403 403 403 403 403 403 200 403 401"

ME = {"user_id": "me"}
LINES = [{"product_id": "oolong-tea-0001-50g", "quantity": 1}]
GUEST = {"anonymous_id": guest(7)}

# route, body (or query of a GET), expectation; 200 stands for any status that is no refusal
TABLE = [
    ("GET /v1/shop", None, ANYONE),
    ("GET /v1/demo/users", None, ANYONE),
    ("POST /v1/demo/token", {"user_id": "lin-mei"}, ANYONE),
    ("GET /media/demo/{picture}", None, ANYONE),
    ("GET /healthz", None, ANYONE),
    ("GET /readyz", None, ANYONE),
    ("GET /metrics", None, ANYONE),
    ("GET /openapi.yaml", None, ANYONE),
    ("GET /v1/categories", None, PUBLIC),
    ("GET /v1/products", None, PUBLIC),
    ("GET /v1/products/{id}", None, PUBLIC),
    ("PUT /v1/products/{id}", {"title": "T"}, SERVER),
    ("PATCH /v1/products/{id}", {"title": "U"}, SERVER),
    ("DELETE /v1/products/{id}", None, SERVER),
    ("POST /v1/products/bulk", "", SERVER),
    ("GET /v1/recommendations", {}, PUBLIC),
    ("GET /v1/recommendations", GUEST, PUBLIC),
    ("GET /v1/recommendations", ME, OWN),
    ("POST /v1/recommendations", {}, PUBLIC),
    ("POST /v1/recommendations", ME, OWN),
    ("GET /v1/recommendations/rows", {}, PUBLIC),
    ("GET /v1/recommendations/rows", GUEST, PUBLIC),
    ("GET /v1/recommendations/rows", ME, OWN),
    ("POST /v1/recommendations/rows", {}, PUBLIC),
    ("POST /v1/recommendations/rows", ME, OWN),
    ("GET /v1/search", GUEST, PUBLIC),
    ("GET /v1/search", ME, OWN),
    ("POST /v1/search", {"q": "tea"}, PUBLIC),
    ("POST /v1/search", ME, OWN),
    ("POST /v1/events", {"type": "search", "query": "tea", **GUEST}, PUBLIC),
    ("POST /v1/events", {"type": "search", "query": "tea", **ME}, OWN),
    ("GET /v1/carts", GUEST, PUBLIC),
    ("GET /v1/carts", ME, OWN),
    ("PUT /v1/carts?anonymous_id=" + guest(7), {"lines": LINES}, PUBLIC),
    ("PUT /v1/carts?user_id=me", {"lines": LINES}, OWN),
    ("POST /v1/orders", {**GUEST, "lines": LINES}, PUBLIC),
    ("POST /v1/orders", {**ME, "lines": LINES}, OWN),
    ("POST /v1/orders", {**GUEST, "lines": LINES, "status": "paid"}, SERVER),
    ("GET /v1/orders", GUEST, PUBLIC),
    ("GET /v1/orders", ME, OWN),
    ("GET /v1/orders/{id}", None, OWN_ORDER),
    ("PATCH /v1/orders/{id}", {"status": "paid"}, SERVER),
    ("PUT /v1/users/{id}", {}, SERVER),
    ("GET /v1/users/{id}", None, OWN),
    ("PATCH /v1/users/{id}", {"personalise": True}, OWN),
    ("PATCH /v1/users/{id}", {"attributes": {}}, "401 401 401 403 403 401 401 200 200 401 401"),
    ("POST /v1/users/{id}/joins", GUEST, OWN),
    ("DELETE /v1/users/{id}/joins/{anonymous_id}", None, OWN),
    ("DELETE /v1/users/{id}", None, OWN),
    ("GET /v1/models", None, ADMIN),
    ("GET /v1/models/{family}", None, ADMIN),
    ("POST /v1/models/{family}/publish", {"version": "x"}, ADMIN),
    ("POST /v1/models/{family}/rollback", None, ADMIN),
    ("POST /v1/jobs", {"kind": "nap"}, ADMIN),
    ("GET /v1/jobs", None, ADMIN),
    ("GET /v1/jobs/{id}", None, ADMIN),
    ("DELETE /v1/jobs/{id}", None, ADMIN),
    ("POST /v1/imports?kind=cats", "", ADMIN),
    ("GET /v1/keys", None, ADMIN),
    ("POST /v1/keys", {"scope": "king"}, ADMIN),
    ("DELETE /v1/keys/{id}", None, ADMIN),
    ("GET /v1/users", None, SERVER),
    ("GET /v1/settings", None, ADMIN),
    ("GET /v1/overview", None, ADMIN),
    ("GET /v1/quarantine", None, ADMIN),
    ("DELETE /v1/quarantine/{id}", None, ADMIN),
    ("POST /v1/recommendations/explain", {}, ADMIN),
    ("GET /v1/rules", None, ADMIN),
    ("POST /v1/rules", {"action": "dance"}, ADMIN),
    ("GET /v1/rules/{id}", None, ADMIN),
    ("PUT /v1/rules/{id}", {"action": "dance"}, ADMIN),
    ("PATCH /v1/rules/{id}", {"enabled": False}, ADMIN),
    ("DELETE /v1/rules/{id}", None, ADMIN),
    ("GET /v1/experiments", None, ADMIN),
    ("POST /v1/experiments", {"variants": []}, ADMIN),
    ("GET /v1/experiments/{id}", None, ADMIN),
    ("PATCH /v1/experiments/{id}", {"state": "running"}, ADMIN),
    ("DELETE /v1/experiments/{id}", None, ADMIN),
    ("GET /v1/experiments/{id}/report", None, ADMIN),
    ("GET /v1/reports/attribution", None, ADMIN),
]


def credentials(shop, caller):
    """(key, token, query) of a caller."""
    tokens = {"own": shop.token("me"), "other": shop.token("you"),
              "expired": shop.token("me", life_s=-1),
              "forged": shop.token("me", key="sk_" + "A" * 32)}
    keys = {"none": None, "unknown": "ak_" + "A" * 32, "server": shop.server, "admin": shop.admin}
    if caller.endswith("?"):
        return None, None, {"key": getattr(shop, caller[:-1])}
    return keys.get(caller, shop.public), tokens.get(caller), {}


def fresh(server, route):
    """The path of a route, with what it needs brought back: the calls before may have taken it."""
    backend = server.backend()
    if "/users/{id}" in route:
        backend.must((200, 201), "PUT", "/v1/users/me", {})
    if route.startswith("DELETE") and "joins" in route:
        backend.must(204, "POST", "/v1/users/me/joins", GUEST)
    path = route.split(" ")[1].replace("{anonymous_id}", guest(7)).replace("{family}", "recommend")
    if "/keys/{id}" in path or route == "DELETE /v1/jobs/{id}":
        return path.replace("{id}", "999999")
    if "/orders/{id}" in path:
        order = backend.must(201, "POST", "/v1/orders", {
            **ME, "lines": [{"product_id": "oolong-tea-0001-50g", "quantity": 1, "unit_price": 1}]})
        return path.replace("{id}", order["id"])
    return path.replace("{id}", "me" if "/users/" in path else "1").replace("{picture}", "x.svg")


def refused_as(answer):
    """A status that says who may: the rest of the answers is for other tests."""
    if answer.status == 404 and "no such order" in answer.json["error"]["message"]:
        return 404
    return answer.status if answer.status in (401, 403) else 200


@test("every route answers every kind of caller as the table says")
def table(server):
    server.backend().must(200, "PATCH", "/v1/products/oolong-tea-0001-50g", {"stock": None})
    client, wrong = server.client(), []
    for route, body, expected in TABLE:
        method = route.split(" ")[0]
        for caller, status in zip(CALLERS, expected.split(), strict=True):
            path = fresh(server, route)
            key, token, query = credentials(server.shop, caller)
            if method == "GET" and body:
                query, sent = {**query, **body}, None
            else:
                sent = body
            if query:
                path += ("&" if "?" in path else "?") + "&".join(f"{k}={v}" for k, v in query.items())
            answer = client.call(method, path, sent, key=key, token=token)
            if refused_as(answer) != int(status):
                wrong.append(f"{route} {body} as {caller}: {answer}, expected {status}")
            assert answer.status < 500, f"{route} as {caller}: {answer}"
    equal(wrong, [], "\n".join(wrong))


@test("the table has every route of the description")
def complete(_server):
    described = {f"{m} {p}" for m, p, _ in OpenApi().operations()}
    tested = {re.sub(r"\?.*", "", route) for route, _, _ in TABLE}
    equal(described ^ tested, set())


@test("a token that names no algorithm, another one, or a far expiry is refused")
def tokens(server):
    shop, client = server.shop, server.client(server.shop.public)
    for bad in (shop.token("me", alg="none"), shop.token("me", alg="HS512"),
                shop.token("me", life_s=400 * 86400), shop.token("me")[:-2] + "xx", "a.b.c", "..",
                "x" * 5000):
        answer = client.call("GET", "/v1/carts", query=ME, token=bad)
        equal(answer.status, 401, bad[:60])
    client.must(200, "GET", "/v1/carts", query=ME, token=shop.token("me"))
    client.must(200, "GET", "/v1/carts", query={**ME, "token": shop.token("me")})


@test("a public key may not use an anonymous id that can be guessed")
def guessable(server):
    client = server.client(server.shop.public)
    for bad in ("1", "guest", guest(1).upper(), guest(1) + "0"):
        equal(client.call("GET", "/v1/carts", query={"anonymous_id": bad}).status, 400, bad)
    server.backend().must(200, "GET", "/v1/carts", query={"anonymous_id": "till-7"})


@test("in a shop that no demonstration made, demo routes are 404")
def no_demo(server):
    with folder() as path:
        shop = Shop(os.path.join(path, "shop"), demo=False)
        with Server(shop) as plain:
            client = plain.client()
            client.must(404, "POST", "/v1/demo/token", {"user_id": "lin-mei"})
            client.must(404, "GET", "/v1/demo/users")
            client.must(404, "GET", "/media/demo/x.svg")
            equal(client.get("/v1/shop")["demo"], False)


if __name__ == "__main__":
    run_on_demo()
