#!/usr/bin/env python3
"""Carts and orders: prices from the records, stock never below nothing, each order once."""

from shop import equal, guest, in_threads, path_of, product, run_on_demo, test


def put(server, name, **fields):
    server.backend().must((200, 201), "PUT", f"/v1/products/{name}", product(name, **fields))


def stock(server, name):
    return server.backend().get(f"/v1/products/{name}")["stock"]


def line(name, quantity=1, **more):
    return {"product_id": name, "quantity": quantity, **more}


@test("an order takes its prices from the records and its pieces from stock, and empties the cart")
def buy(server):
    put(server, "o1", price=1999, stock=10)
    put(server, "o2", price=1, stock=None)
    client = server.client(server.shop.public, server.shop.token("buyer"))
    me = {"user_id": "buyer"}
    lines = [line("o1", 3), line("o2", 1000)]
    cart = client.must(200, "PUT", "/v1/carts", {"lines": lines}, query=me)
    equal((cart["total"], [l["amount"] for l in cart["lines"]]), (6997, [5997, 1000]))
    order = client.must(201, "POST", "/v1/orders", {**me, "lines": lines, "address": {"city": "西安"},
                                                    "payment": {"method": "card"}})
    equal((order["total"], order["status"], order["currency"]), (6997, "pending", "CNY"))
    equal([(l["product"]["id"], l["unit_price"], l["amount"]) for l in order["lines"]],
          [("o1", 1999, 5997), ("o2", 1, 1000)])
    equal(order["address"], {"city": "西安"})
    equal(stock(server, "o1"), 7)
    equal(client.get("/v1/carts", **me)["lines"], [])
    put(server, "o1", price=5, stock=7)
    equal(client.get(path_of("v1", "orders", order["id"]), **me)["total"], 6997)


@test("an order that cannot be filled whole takes nothing")
def whole(server):
    put(server, "w1", stock=5)
    put(server, "w2", stock=1)
    put(server, "w3", price=None, currency=None)
    put(server, "w4", status="inactive")
    put(server, "w5", currency="EUR")
    client, me = server.backend(), {"user_id": "whole"}
    for bad in (line("w2", 2), line("w3"), line("w4"), line("w5"), line("nothing")):
        answer = client.must(409, "POST", "/v1/orders", {**me, "lines": [line("w1"), bad]})
        assert bad["product_id"] in answer["error"]["message"], answer
    client.must(409, "POST", "/v1/orders", {**me, "lines": [line("w1", 3), line("w1", 3)]})
    equal((stock(server, "w1"), stock(server, "w2")), (5, 1))
    equal(client.get("/v1/orders", **me)["items"], [])


@test("thirty-two buyers of the last five pieces: five buy, the others hear so")
def oversell(server):
    for _ in range(5):
        put(server, "last", stock=5)

        def buy_one(n):
            return server.client(server.shop.public).call(
                "POST", "/v1/orders", {"anonymous_id": guest(n), "lines": [line("last")]}).status
        statuses = in_threads(32, buy_one)
        equal((statuses.count(201), statuses.count(409)), (5, 27))
        equal(stock(server, "last"), 0)
        equal(server.backend().get("/v1/search", q="", filter='id = "last"')["total"], 0)


@test("the same key and body give the same order again; another body is refused")
def idempotent(server):
    put(server, "idem", stock=100)
    client, head = server.backend(), {"Idempotency-Key": "k-1"}
    body = {"user_id": "idem", "lines": [line("idem")]}
    first = client.call("POST", "/v1/orders", body, headers=head)
    again = client.call("POST", "/v1/orders", body, headers=head)
    equal((first.status, again.status, again.body), (201, 201, first.body))
    client.must(422, "POST", "/v1/orders", {**body, "lines": [line("idem", 2)]}, headers=head)
    answers = in_threads(16, lambda _: server.backend().call(
        "POST", "/v1/orders", body, headers={"Idempotency-Key": "k-2"}))
    placed = [a.body for a in answers if a.status == 201]
    equal(len(set(placed)), 1, "all are told of one order")
    equal({a.json["error"]["code"] for a in answers if a.status != 201} - {"idempotency_key_in_use"},
          set(), "or that it is being placed")
    equal(stock(server, "idem"), 98)
    equal(len(client.get("/v1/orders", user_id="idem")["items"]), 2)
    other = client.must(201, "POST", "/v1/orders", {**body, "user_id": "idem2"}, headers=head)
    assert other["id"] != first.json["id"], "keys of different shoppers do not meet"
    for bad in ("x" * 129, "ä", ""):
        equal(client.call("POST", "/v1/orders", body,
                          headers={"Idempotency-Key": bad.encode("latin-1")}).status, 400)


@test("somebody else's order is not found, and no order tells that it exists")
def others(server):
    put(server, "mine", stock=100)
    shop, g = server.shop, guest("owner")
    owner = server.client(shop.public, shop.token("owner"))
    order = owner.must(201, "POST", "/v1/orders", {"user_id": "owner", "lines": [line("mine")]})
    path = path_of("v1", "orders", order["id"])
    owner.must(200, "GET", path)
    thief = server.client(shop.public, shop.token("thief"))
    none = thief.call("GET", "/v1/orders/O-000000000000")
    for answer in (thief.call("GET", path), thief.call("GET", path, query={"user_id": "thief"}),
                   thief.call("GET", path, query={"anonymous_id": g}),
                   thief.call("GET", path, query={"user_id": "owner"})):
        equal((answer.status, answer.json["error"]["message"]),
              (404, none.json["error"]["message"]))
    mine = owner.must(201, "POST", "/v1/orders", {"anonymous_id": g, "lines": [line("mine")]})
    path = path_of("v1", "orders", mine["id"])
    server.client(shop.public).must(200, "GET", path, query={"anonymous_id": g})
    for query in ({"anonymous_id": guest("other")}, {}):
        assert server.client(shop.public).call("GET", path, query=query).status in (401, 404)
    equal(thief.get("/v1/orders", user_id="thief")["items"], [])


@test("an order moves along the allowed ways; cancelled, its pieces are back")
def moves(server):
    put(server, "move", stock=10)
    client = server.backend()

    def order():
        return path_of("v1", "orders", client.must(
            201, "POST", "/v1/orders", {"user_id": "mover", "lines": [line("move", 2)]})["id"])
    path = order()
    for status in ("paid", "shipped", "delivered", "returned"):
        moved = client.must(200, "PATCH", path, {"status": status})
        equal(moved["status"], status)
        equal(client.must(200, "PATCH", path, {"status": status})["status"], status)
    for stamp in ("paid_at", "shipped_at", "delivered_at"):
        assert stamp in moved["times"], moved
    equal(stock(server, "move"), 8)
    path = order()
    client.must(409, "PATCH", path, {"status": "delivered"})
    client.must(200, "PATCH", path, {"status": "paid"})
    equal(stock(server, "move"), 6)
    in_threads(8, lambda _: server.backend().must(200, "PATCH", path, {"status": "cancelled"}))
    equal(stock(server, "move"), 8)
    client.must(409, "PATCH", path, {"status": "paid"})
    client.must(204, "DELETE", "/v1/products/move")
    equal(client.get(path)["lines"][0]["product"], {"id": "move"})


@test("a backend may dictate id, time, status and price; the same id twice is a conflict")
def dictated(server):
    put(server, "dict", stock=10)
    client = server.backend()
    body = {"user_id": "dict", "id": "ERP-1", "placed_at": "2026-01-02T03:04:05+08:00",
            "status": "shipped", "lines": [line("dict", 2, unit_price=1)]}
    order = client.must(201, "POST", "/v1/orders", body)
    equal((order["id"], order["status"], order["total"], order["placed_at"]),
          ("ERP-1", "shipped", 2, "2026-01-01T19:04:05Z"))
    client.must(409, "POST", "/v1/orders", body)
    equal(stock(server, "dict"), 8)


@test("an order is placed between 1990 and a day ahead, or without a time now")
def placed_at(server):
    put(server, "timed", stock=None)
    client = server.backend()
    body = {"user_id": "timed", "lines": [line("timed")]}
    for bad in ("1970-01-01T00:00:00Z", "1989-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", ""):
        answer = client.must(400, "POST", "/v1/orders", {**body, "placed_at": bad})
        assert "placed_at" in answer["error"]["message"], answer
    equal(client.must(201, "POST", "/v1/orders", {**body, "placed_at": "1990-01-01T00:00:00Z"})["placed_at"],
          "1990-01-01T00:00:00Z")
    now = client.must(201, "POST", "/v1/orders", body)["placed_at"]
    assert now > "2025", now


@test("orders come newest first, page by page, each once")
def pages(server):
    put(server, "paged", stock=None)
    client, placed = server.backend(), []
    for _ in range(25):
        placed.append(client.must(201, "POST", "/v1/orders",
                                  {"user_id": "pager", "lines": [line("paged")]})["id"])
    seen, query = [], {"user_id": "pager", "limit": 10}
    while True:
        page = client.get("/v1/orders", **query)
        seen += [o["id"] for o in page["items"]]
        if "next_cursor" not in page:
            break
        query["cursor"] = page["next_cursor"]
    equal(seen, placed[::-1])


@test("a cart is replaced whole, and only the version that was seen")
def carts(server):
    put(server, "c1", price=100, stock=3)
    put(server, "c2", price=50, currency="EUR")
    client, me = server.backend(), {"anonymous_id": guest("cart")}
    cart = client.must(200, "PUT", "/v1/carts", {"lines": [line("c1", 2), line("c2")]}, query=me)
    equal((cart["total"], cart["lines"][1]["amount"], cart["lines"][1]["available"]),
          (200, None, False))
    newer = client.must(200, "PUT", "/v1/carts", {"lines": [line("c1", 4)],
                                                  "version": cart["version"]}, query=me)
    equal((newer["lines"][0]["available"], newer["total"]), (False, 0))
    client.must(409, "PUT", "/v1/carts", {"lines": [], "version": cart["version"]}, query=me)
    client.must(204, "DELETE", "/v1/products/c1")
    equal(client.get("/v1/carts", **me)["lines"], [])
    answers = in_threads(8, lambda n: server.backend().call(
        "PUT", "/v1/carts", {"lines": [], "version": newer["version"]}, query=me).status)
    equal(answers.count(200), 1, "of eight writers that saw one version, one wins")


@test("a guest who joins brings the cart along, and takes it back when parted")
def joined_carts(server):
    for name in ("j1", "j2"):
        put(server, name, price=100, stock=50)
    client, me, other = server.backend(), {"user_id": "carrier"}, {"anonymous_id": guest("carrier")}

    def lines(who):
        return sorted((l["product"]["id"], l["quantity"]) for l in client.get("/v1/carts", **who)["lines"])

    client.must(201, "PUT", "/v1/users/carrier", {})
    client.must(200, "PUT", "/v1/carts", {"lines": [line("j1", 2), line("j2", 1)]}, query=other)
    seen = client.must(200, "PUT", "/v1/carts", {"lines": [line("j1", 1)]}, query=me)["version"]
    client.must(204, "POST", "/v1/users/carrier/joins", other)
    equal((lines(me), lines(other)), ([("j1", 3), ("j2", 1)], []))
    client.must(409, "PUT", "/v1/carts", {"lines": [], "version": seen}, query=me)
    client.must(204, "POST", "/v1/users/carrier/joins", other)
    equal(lines(me), [("j1", 3), ("j2", 1)], "joined twice, brought along once")
    client.must(204, "DELETE", f"/v1/users/carrier/joins/{guest('carrier')}")
    equal((lines(me), lines(other)), ([("j1", 1)], [("j1", 2), ("j2", 1)]))
    client.must(204, "POST", "/v1/users/carrier/joins", other)
    client.must(201, "POST", "/v1/orders", {**me, "lines": [line("j1", 3), line("j2", 1)]})
    client.must(204, "DELETE", f"/v1/users/carrier/joins/{guest('carrier')}")
    equal((lines(me), lines(other)), ([], []), "what was bought does not come back")


if __name__ == "__main__":
    run_on_demo()
