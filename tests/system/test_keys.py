#!/usr/bin/env python3
"""Keys made and revoked while the server runs."""

import json

from shop import aisle, equal, run_on_demo, test


def make(server, scope, **more):
    return server.admin().must(201, "POST", "/v1/keys", {"scope": scope, **more})


def listed(server, number):
    return next(k for k in server.admin().get("/v1/keys")["items"] if k["id"] == number)


@test("a key made over the API works at once, with its scope and no more")
def made(server):
    for scope, route, refused in (("public", "/v1/categories", "/v1/orders?user_id=me"),
                                  ("server", "/v1/orders?user_id=me", "/v1/keys"),
                                  ("admin", "/v1/keys", None)):
        key = make(server, scope, name=f"a {scope} key")
        client = server.client(key["key"])
        client.must(200, "GET", route)
        if refused:
            assert client.call("GET", refused).status in (401, 403)
        equal(listed(server, key["id"])["name"], f"a {scope} key")


@test("a key is told once: no list, no log and no file has it or its hash")
def told_once(server):
    answer = server.admin().call("POST", "/v1/keys", {"scope": "server", "name": "once"})
    equal(answer.headers["Cache-Control"], "no-store")
    key = answer.json["key"]
    text = server.admin().call("GET", "/v1/keys").body.decode()
    assert key not in text and "hash" not in text
    assert key[:7] in text
    assert key not in aisle("key", "list", "--json", "--data", server.shop.path).stdout
    assert key not in server.log_text()
    for name in ("aisle.db", "aisle.db-wal"):
        with open(f"{server.shop.path}/{name}", "rb") as f:
            assert key.encode() not in f.read(), name


@test("a revoked key is refused from the answer on, on every connection, with the tokens it signed")
def revoked(server):
    for _ in range(20):
        key = make(server, "server")
        clients = [server.client(key["key"]) for _ in range(8)]
        for client in clients:
            client.must(200, "GET", "/v1/orders?user_id=me")
        server.admin().must(204, "DELETE", f"/v1/keys/{key['id']}")
        for client in clients:
            client.must(401, "GET", "/v1/orders?user_id=me")
            client.close()
    assert listed(server, key["id"])["revoked_at"]
    server.admin().must(404, "DELETE", f"/v1/keys/{key['id']}")


@test("the last admin key stays unless that is forced")
def last(server):
    admins = [k["id"] for k in server.admin().get("/v1/keys")["items"]
              if k["scope"] == "admin" and not k["revoked_at"]]
    mine = next(k["id"] for k in server.admin().get("/v1/keys")["items"]
                if k["scope"] == "admin" and server.shop.admin.startswith(k["hint"]))
    for number in admins:
        if number != mine:
            server.admin().must(204, "DELETE", f"/v1/keys/{number}")
    error = server.admin().must(409, "DELETE", f"/v1/keys/{mine}")["error"]
    assert "last admin key" in error["message"], error
    server.admin().must(200, "GET", "/v1/keys")


@test("what is no scope, no name or no number is refused")
def refused(server):
    admin = server.admin()
    for body in ({}, {"scope": "none"}, {"scope": ""}, {"scope": "server", "name": 7},
                 {"scope": "server", "secret": "x"}, {"scope": "server", "name": "a\u0000b"}, []):
        equal(admin.call("POST", "/v1/keys", json.dumps(body)).status, 400, str(body))
    equal(admin.call("POST", "/v1/keys", {"scope": "server"},
                     headers={"Idempotency-Key": "k"}).status, 400)
    for number in ("0", "-1", "x", "1e3", "99999999999999999999", "999999"):
        equal(admin.call("DELETE", f"/v1/keys/{number}").status, 404, number)


if __name__ == "__main__":
    run_on_demo()
