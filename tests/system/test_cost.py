#!/usr/bin/env python3
"""What a product costs the shop: kept, weighed in lists, and told to nobody but the shop's administrators."""
import json
import os

from shop import Server, Shop, aisle, equal, folder, product, run, test, wait_until

COST = 734621  # found nowhere else in an answer
CODES = (str(COST), '"cost"', '"margin"')


def browser(server):
    return server.client(server.shop.public)


def shop_with_costs(server):
    client = server.backend()
    for i in range(12):
        client.must((200, 201), "PUT", f"/v1/products/costly-{i}", product(
            f"costly-{i}", group_id="g" if i < 2 else None, title=f"Lantern {i}", price=9000000,
            category="Home > Light", cost=COST, tags=["t"]))
    client.must((200, 201), "PUT", "/v1/products/plain", product("plain", title="Lantern plain"))


@test("an administrator reads a cost, and no other key is told that there is one")
def who_sees(server):
    shop_with_costs(server)
    admin = server.admin()
    equal(admin.get("/v1/products/costly-3")["cost"], COST)
    equal(admin.get("/v1/products/plain")["cost"], None)
    items = admin.get("/v1/products", ids="costly-1,costly-2")["items"]
    equal([p["cost"] for p in items], [COST, COST])
    for client in (server.backend(), browser(server)):
        equal("cost" in client.get("/v1/products/costly-3"), False)
    put = server.backend().must(200, "PATCH", "/v1/products/costly-3", {"stock": 9})
    equal("cost" in put, False, "nor who may write it")


@test("a cost stays where it is not named, null clears it, another currency does too")
def writes(server):
    backend, admin, path = server.backend(), server.admin(), "/v1/products/kept"
    cost = lambda: admin.get(path)["cost"]
    backend.must(201, "PUT", path, product("kept", cost=55))
    backend.must(200, "PUT", path, product("kept", title="Other"))
    equal(cost(), 55, "put without a cost")
    backend.must(200, "PATCH", path, {"price": 990})
    equal(cost(), 55, "patched without")
    backend.must(200, "PATCH", path, {"cost": None})
    equal(cost(), None)
    backend.must(200, "PATCH", path, {"cost": 56})
    equal(cost(), 56)
    backend.must(200, "PATCH", path, {"currency": "CHF"})
    equal(cost(), None, "of another currency")
    backend.must(200, "PATCH", path, {"currency": "JPY", "cost": 7})
    equal(cost(), 7)
    for wrong in (0, -1, "5", 1.5, 1e300):
        backend.must(400, "PATCH", path, {"cost": wrong})


def everything_public(server):
    """Every answer that a browser may ask for, as bytes."""
    client = browser(server)
    answers = []
    for path, query in (
            ("/v1/products", {"limit": "50"}), ("/v1/products/costly-3", {}),
            ("/v1/products", {"ids": "costly-1,costly-4"}),
            ("/v1/recommendations", {"placement": "trending"}),
            ("/v1/recommendations", {"placement": "home"}),
            ("/v1/recommendations", {"placement": "similar", "product_id": "costly-3"}),
            ("/v1/recommendations/rows", {"page": "home"}),
            ("/v1/search", {"q": "lantern"}),
            ("/v1/search", {"q": "lantern", "facets": "category"}),
            ("/v1/shop", {})):
        answer = client.call("GET", path, query=query)
        equal(answer.status, 200, path)
        answers.append((path, answer.body))
    for path in ("/", "/product/costly-3", "/search?q=lantern"):
        answer = client.call("GET", path, headers={"Accept": "text/html"}, key=None)
        equal(answer.status, 200, path)
        answers.append((path, answer.body))
    return answers


@test("no answer that a browser can get holds a cost, nor what is made of it")
def nothing_leaks(server):
    shop_with_costs(server)
    wait_until(lambda: len(browser(server).get("/v1/search", q="lantern")["items"]) > 9,
               "the products are found")
    for path, raw in everything_public(server):
        for code in CODES:
            assert code.encode() not in raw, f"{path}: {code} in {raw[:2000]}"
    client = browser(server)
    for wrong in ("cost > 5", "margin > 0.5", "attributes.cost > 5"):
        answer = client.call("GET", "/v1/recommendations", query={"placement": "trending", "filter": wrong})
        assert answer.status == 400 or not answer.json["items"], answer
    for sort in ("cost", "margin"):
        assert client.call("GET", "/v1/search", query={"q": "lantern", "sort": sort}).status == 400
    assert client.call("POST", "/v1/recommendations/explain", {"placement": "trending"}).status == 403
    assert server.backend().call("POST", "/v1/recommendations/explain", {"placement": "trending"}).status == 403


@test("a list is pulled to margins by the placement's weight, and explained by parts that add up")
def weighs(server):
    server.stop()
    server.settings = ("recommend.weights=trending.margin=1,trending.novelty=0.25",)
    server.start()
    backend, admin = server.backend(), server.admin()
    ask = lambda: {p["id"]: p["mix"] for p in admin.must(
        200, "POST", "/v1/recommendations/explain",
        {"placement": "trending", "limit": 5, "all": True})["products"] if "mix" in p}
    pool = sorted(ask())
    assert len(pool) >= 10, pool
    for i, no in enumerate(pool):
        backend.must(200, "PATCH", f"/v1/products/{no}", {"price": 1000, "cost": 1 + 60 * i})
    mixed = ask()
    for no, mix in mixed.items():
        parts = sum(v for k, v in mix.items() if k != "worth")
        assert abs(parts - mix["worth"]) < 1e-4, mix
        if no in pool:
            share = 1 - (1 + 60 * pool.index(no)) / 1000
            assert abs(mix["margin"] - share) < 1e-4, (no, mix, share)
    shown = browser(server).get("/v1/recommendations", placement="trending", limit=5)["items"]
    worth = sorted((m["worth"] for m in mixed.values()), reverse=True)
    equal([mixed[p["id"]]["worth"] for p in shown], worth[:5], "the list has what is worth most")


@test("a cost is imported, and exported by who has the files; a file without one leaves it")
def imports(server):
    path = os.path.join(os.path.dirname(server.shop.path), "costs.csv")
    with open(path, "w") as out:
        out.write("id,title,price,currency,cost\nimp-1,Lamp one,1000,CNY,400\n"
                  "imp-2,Lamp two,1000,CNY,\nimp-3,Lamp three,1000,CNY,0\n")
    aisle("import", "products", "--data", server.shop.path, path)
    admin = server.admin()
    cost = lambda i: admin.get(f"/v1/products/imp-{i}")["cost"]
    equal([cost(1), cost(2), cost(3)], [400, None, None])
    with open(path, "w") as out:
        out.write("id,title,price,currency\nimp-1,Lamp one,900,CNY\n")
    aisle("import", "products", "--data", server.shop.path, path)
    equal((admin.get("/v1/products/imp-1")["price"], cost(1)), (900, 400))
    said = aisle("export", "products", "--data", server.shop.path).stdout.splitlines()
    costs = {p["id"]: p.get("cost") for p in map(json.loads, said) if p["id"].startswith("imp-")}
    equal(costs, {"imp-1": 400, "imp-2": None, "imp-3": None})


with folder() as at:
    with Server(Shop(os.path.join(at, "shop"))) as it:
        run(it)
