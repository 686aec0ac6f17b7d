#!/usr/bin/env python3
"""Bodies, headers and values that are too large, too deep or not JSON: a clear 4xx, and the server goes on."""

import socket

from shop import equal, product, run_on_demo, test

BODIES = {
    "nothing": "", "half": '{"title": "a', "an array": "[]", "text": '"a"', "null": "null",
    "NaN": '{"title": "a", "price": NaN}', "infinity": '{"title": "a", "price": 1e999}',
    "a fraction of a cent": '{"title": "a", "price": 1.5, "currency": "EUR"}',
    "two values": '{"title": "a"} {}', "a comment": '{"title": "a"} // x',
    "a key twice": '{"title": "a", "title": "b"}', "an unknown key": '{"title": "a", "titel": "b"}',
    "depth": '{"title": "a", "attributes": ' + '{"a":' * 100 + "1" + "}" * 101,
    "deep arrays": '{"title": "a", "tags": ' + "[" * 100000, "a lone surrogate": '{"title": "\\ud800"}',
    "a NUL": '{"title": "a\\u0000b"}', "bytes": b'{"title": "\xff\xfe"}', "a BOM": b'\xef\xbb\xbf{"title": "a"}',
    "a long title": '{"title": "' + "a" * 3000 + '"}', "no title": "{}", "an unknown currency":
    '{"title": "a", "price": 1, "currency": "XXZ"}', "a price alone": '{"title": "a", "price": 1}',
    "another id": '{"title": "a", "id": "other"}', "tags of numbers": '{"title": "a", "tags": [1]}',
    "many stars": '{"title": "a", "rating": {"mean": 7, "count": 1}}',
    "a broken time": '{"title": "a", "created_at": "soon"}',
}


@test("a product body that is wrong is a 4xx that says where, for put, patch, bulk and search alike")
def bodies(server):
    client = server.backend()
    client.must(201, "PUT", "/v1/products/limits", product("limits"))
    for name, body in BODIES.items():
        for method, path in (("PUT", "/v1/products/limits"), ("PATCH", "/v1/products/limits"),
                             ("PUT", "/v1/users/limits"), ("PUT", "/v1/carts?user_id=x"),
                             ("POST", "/v1/orders"), ("POST", "/v1/search"),
                             ("POST", "/v1/recommendations"), ("POST", "/v1/users/x/joins")):
            fine = (method == "PATCH" and name in ("no title", "a price alone")) or (
                name == "no title" and ("search" in path or "recommend" in path or "users/l" in path))
            answer = client.call(method, path, body)
            assert answer.status in ((200, 201) if fine else (400, 413)), f"{name} {path}: {answer}"
            if not fine:
                message = answer.json["error"]["message"]
                assert message and "\n" not in message and len(message) < 300, f"{name}: {message}"
        if name not in ("nothing", "two values", "another id"):
            text = body if isinstance(body, bytes) else body.encode()
            done = client.must(200, "POST", "/v1/products/bulk", text + b'\n{"id":"fine","title":"Fine"}\n')
            equal((len(done["rejected"]), done["refused"]), (1, 1), name)


@test("ids of ten thousand bytes, empty ones and those with control characters are refused")
def ids(server):
    client = server.backend()
    for bad in ("x" * 10000, "x" * 129, "%00", "%0a", "%7f", "%ff"):
        for method, path, body in (("PUT", f"/v1/products/{bad}", {"title": "a"}),
                                   ("PUT", f"/v1/users/{bad}", {}),
                                   ("GET", f"/v1/carts?user_id={bad}", None),
                                   ("GET", f"/v1/recommendations?user_id={bad}", None)):
            status = client.call(method, path, body).status
            assert status in (400, 413, 414), f"{method} {path[:60]}: {status}"
        for method, path in (("GET", f"/v1/products/{bad}"), ("DELETE", f"/v1/products/{bad}"),
                             ("GET", f"/v1/orders/{bad}"), ("GET", f"/v1/users/{bad}"),
                             ("DELETE", f"/v1/users/{bad}"), ("GET", f"/v1/models/{bad}")):
            status = server.admin().call(method, path).status
            assert status in (400, 404, 414), f"{method} {path[:60]}: {status}"


@test("numbers in the query that are none, or out of range, are 400 and name the parameter")
def numbers(server):
    client = server.admin()
    for path in ("/v1/products", "/v1/search", "/v1/recommendations", "/v1/jobs"):
        for bad in ("-1", "1000000", "x", "1e3", "99999999999999999999", "1.5", "０"):
            answer = client.call("GET", path, query={"limit": bad})
            equal(answer.status, 400, f"{path} {bad}")
            assert "limit" in answer.json["error"]["message"], answer
    assert client.call("GET", "/v1/search", query={"page": 5000, "limit": 100}).status in (400, 413)
    for bad in ("yes", "1", "TRUE"):
        equal(client.call("GET", "/v1/search", query={"prefix": bad}).status, 400)


@test("a body, a target or a head that is too long is 413, 414 or 431, and ends its connection alone")
def sizes(server):
    client = server.backend()
    huge = '{"title": "' + "a" * (20 << 20) + '"}'
    try:
        equal(client.call("PUT", "/v1/products/huge", huge).status, 413)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server may stop reading before the client has sent all
    answer = server.backend().call("GET", "/v1/search?q=" + "a" * 100000)
    equal((answer.status, answer.headers["Connection"]), (414, "close"))
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(b"GET /v1/shop HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"b" * 200000)
        assert s.recv(100).startswith(b"HTTP/1.1 431"), "header"
    server.backend().must(200, "GET", "/v1/shop")


@test("a body with too many things in it is 413, and its connection is of use after it")
def many(server):
    client = server.backend()
    client.must(200, "GET", "/v1/shop")
    connection = client.conn.sock
    for method, path, body in (
            ("POST", "/v1/events", [{"type": "nap"}] * 20001),
            ("PUT", "/v1/carts?user_id=x", {"lines": [{"product_id": "fine", "quantity": 1}] * 501})):
        client.must(413, method, path, body)
        client.must(200, "GET", "/v1/shop")
        assert client.conn.sock is connection, f"{method} {path} closed its connection"


@test("after all that the server is healthy")
def healthy(server):
    client = server.client()
    equal(client.get("/healthz"), {"healthy": True})
    equal(client.get("/readyz")["store"], "ok")


if __name__ == "__main__":
    run_on_demo()
