#!/usr/bin/env python3
"""What is asked for is understood whole or refused: parameters of the query, types of bodies."""

import json
import re
from urllib.parse import urlencode

from openapi import OpenApi
from shop import equal, guest, run_on_demo, test

API = OpenApi()
OF_ALL = {"key", "token"}  # who asks, wherever it is asked
BODIES = {"POST", "PUT", "PATCH"}


def operations():
    """(method, a real path, operation, its parameters in the query) of all under /v1."""
    for method, path, operation in API.operations():
        if path.startswith("/v1/"):
            shared = API.doc["paths"][path].get("parameters", [])
            params = [API.deref(p) for p in shared + operation.get("parameters", [])]
            yield (method, re.sub(r"\{[^}]*\}", "x", path), operation,
                   {p["name"] for p in params if p["in"] == "query"} - OF_ALL)


ALL_NAMES = set().union(*(names for *_, names in operations()))


def refusal(client, method, path, query):
    """The message of the 400 that a query gets; None if it got something else."""
    answer = client.call(method, path, query=query)
    return answer.json["error"]["message"] if answer.status == 400 else None


@test("every route knows the parameters of its description and no others, and each of them once")
def described(server):
    client = server.admin()
    assert len(ALL_NAMES) > 15, ALL_NAMES
    for method, path, operation, names in operations():
        what = f"{method} {path}"
        assert "400" in operation["responses"], what
        for name in names:
            equal(refusal(client, method, path, [(name, ""), (name, "")]),
                  f"the parameter '{name}' comes twice", what)
            said = refusal(client, method, path, {name: ""}) if method == "GET" else None
            assert said is None or "unknown" not in said, f"{what}: {said}"
        for name in ALL_NAMES - names | {"_", "q ", "Limit"}:
            said = refusal(client, method, path, {name: "1"})
            assert said and said.startswith(f"unknown parameter '{name}'"), f"{what}: {said}"


@test("a misspelt parameter is told what was meant")
def misspelt(server):
    client = server.admin()
    for path, wrong, right in (("/v1/search", "limt", "limit"), ("/v1/search", "sorted", "sort"),
                               ("/v1/recommendations", "placment", "placement"),
                               ("/v1/carts", "userid", "user_id"), ("/v1/jobs", "curser", "cursor")):
        equal(refusal(client, "GET", path, {wrong: "x"}),
              f"unknown parameter '{wrong}'; did you mean '{right}'?")
    equal(refusal(client, "GET", "/v1/search", {"colour": "x"}), "unknown parameter 'colour'")
    equal(refusal(client, "GET", "/v1/search", [("q", "tea"), ("q", "pot")]),
          "the parameter 'q' comes twice")


@test("values keep to their kind, and an empty one is none")
def values(server):
    client = server.admin()
    wrong = {"/v1/search": {"limit": "101", "page": "0", "prefix": "yes", "out_of_stock": "1"},
             "/v1/recommendations": {"limit": "0", "hide_seen": "TRUE"},
             "/v1/products": {"limit": "201", "cursor": "4294967296"},
             "/v1/jobs": {"limit": "many", "cursor": "-1"},
             "/v1/demo/users": {"limit": "1.5"}}
    for path, pairs in wrong.items():
        for name, value in pairs.items():
            said = refusal(client, "GET", path, {name: value})
            assert said and said.startswith(f"{name}: "), f"{path} {name}={value}: {said}"
            equal(client.call("GET", path, query={name: ""}).status, 200, f"{path} {name}=")
    equal(len(client.get("/v1/search", limit="", q="")["items"]), 24)


@test("a language that the shop does not have is refused, in query and body")
def languages(server):
    client = server.admin()
    for path in ("/v1/search", "/v1/recommendations", "/v1/categories"):
        equal(refusal(client, "GET", path, {"lang": "xx"}),
              "lang: 'xx' is no language of this shop; it has en, zh")
        client.get(path, lang="zh")
        client.get(path, lang="")
    for path in ("/v1/search", "/v1/recommendations"):
        said = client.must(400, "POST", path, {"lang": "xx"})["error"]["message"]
        assert "'xx' is no language of this shop" in said, said
        client.must(200, "POST", path, {"lang": "zh"})


@test("key and token may stand in any query, once")
def who_asks(server):
    client, public = server.client(), server.shop.public
    for path in ("/v1/search", "/v1/shop", "/v1/categories"):
        client.must(200, "GET", path, query={"key": public, "token": "any"})
        equal(refusal(client, "GET", path, [("key", public), ("key", public)]),
              "the parameter 'key' comes twice")


@test("pages, files and probes do not mind what their addresses say")
def pages(server):
    client = server.client()
    page = client.must(200, "GET", "/")
    asset = re.search(rb'/assets/[^"]+\.js', page.body).group().decode()
    picture = server.admin().get("/v1/products", limit=1)["items"][0]["images"][0]
    for path in ("/", "/search", "/cart", "/product/x", asset, picture, "/favicon.svg",
                 "/openapi.yaml", "/healthz", "/readyz", "/metrics"):
        client.must(200, "GET", path, query=[("v", "2"), ("v", "3"), ("limt", "x")])


JSON_TYPES = ("application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json",
              "application/vnd.shop+JSON", "")
FOREIGN = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
           "application/xml", "application/x-ndjson", "application/jsonx", "+json", "json")


@test("a body that is not said to be JSON, or what else a route takes, is 415")
def types(server):
    client = server.admin()
    for method, path, operation, _ in operations():
        if method not in BODIES or path == "/v1/jobs":
            continue
        what = f"{method} {path}"
        assert "415" in operation["responses"], what
        takes = set(operation.get("requestBody", {}).get("content", {"application/json": None}))
        for kind in JSON_TYPES + FOREIGN:
            bare = kind.split(";")[0].lower()
            fits = kind in JSON_TYPES or bare in takes or "*/*" in takes
            answer = client.call(method, path, b"[1", headers={"Content-Type": kind})
            equal(answer.status == 415, not fits, f"{what} {kind}: {answer}")
            if not fits:
                equal(answer.json["error"]["code"], "unsupported")
                assert "application/json" in answer.json["error"]["message"], answer
                equal(API.check(method, path, answer), [])
        assert client.call(method, path, b"[1").status != 415, what


@test("a beacon's event is taken as text, its key and token in the address")
def beacon(server):
    event = json.dumps({"type": "search", "query": "tea", "anonymous_id": guest(3)})
    path = "/v1/events?" + urlencode({"key": server.shop.public, "token": "none"})
    client = server.client()
    client.must(200, "POST", path, event, headers={"Content-Type": "text/plain;charset=UTF-8"})
    client.must(415, "POST", path, event, headers={"Content-Type": "application/x-www-form-urlencoded"})


if __name__ == "__main__":
    run_on_demo()
