#!/usr/bin/env python3
"""Products: written one by one and in bulk, seen at once, gone at once."""

import json

from shop import equal, in_threads, path_of, product, run_on_demo, test, wait_until


def found(client, words, **more):
    return [hit["id"] for hit in client.get("/v1/search", q=words, limit=100, **more)["items"]]


def recommended(client, **query):
    return [item["id"] for item in client.get("/v1/recommendations", limit=100, **query)["items"]]


@test("a product that was put is found and recommended by the next request")
def put(server):
    client = server.admin()
    for n in range(20):
        name = f"zyx{n}"
        client.must(201, "PUT", f"/v1/products/{name}", product(name, title=f"Quorble {name}"))
        assert name in found(client, f"quorble {name}"), name
        assert name in recommended(client, placement="new", filter=f'id = "{name}"'), name
    wait_until(lambda: "zyx19" in recommended(client, placement="new"), "it is a new arrival")


@test("price, stock and status show at once, in lists and in searches")
def live(server):
    client = server.admin()
    client.must(201, "PUT", "/v1/products/flip", product("flip", title="Flobbish thing"))
    for price in (500, 700, 1):
        client.must(200, "PATCH", "/v1/products/flip", {"price": price})
        hits = client.get("/v1/search", q="flobbish", filter=f"price = {price}")["items"]
        equal([h["price"] for h in hits], [price])
    for change, here in (({"stock": 0}, False), ({"stock": 1}, True), ({"status": "inactive"}, False),
                         ({"status": "active"}, True), ({"stock": None}, True)):
        client.must(200, "PATCH", "/v1/products/flip", change)
        equal("flip" in found(client, "flobbish"), here, change)
        equal("flip" in recommended(client, filter='id = "flip"', placement="new"), here, change)


@test("a deleted product is gone at once and stays gone after a model rollback")
def delete(server):
    client = server.admin()
    job = client.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"]
    wait_until(lambda: client.get(f"/v1/jobs/{job}")["state"] == "done", "the job is done")
    gone = client.get("/v1/recommendations")["items"][0]["id"]
    empty = client.get("/v1/recommendations")["items"][1]["id"]
    client.must(204, "DELETE", path_of("v1", "products", gone))
    client.must(200, "PATCH", path_of("v1", "products", empty), {"stock": 0})

    def check():
        client.must(404, "GET", path_of("v1", "products", gone))
        equal(client.get("/v1/products", ids=gone)["items"], [])
        for lost in (gone, empty):
            assert lost not in recommended(client) + recommended(client, placement="trending")
            assert lost not in found(client, "", filter=f'id = "{lost}"')
    check()
    client.must(200, "POST", "/v1/models/recommend/rollback")
    check()


@test("a patch merges: what it names is replaced, null clears, the rest stays")
def patch(server):
    client = server.backend()
    client.must(201, "PUT", "/v1/products/patchy", product("patchy", brand="B", tags=["x"],
                                                           attributes={"a": 1}))
    now = client.must(200, "PATCH", "/v1/products/patchy", {"brand": None, "attributes": {"b": 2}},
                      headers={"Content-Type": "application/merge-patch+json"})
    equal((now["brand"], now["tags"], now["title"], now["price"]),
          (None, ["x"], "Thing patchy", 1000))
    equal(now["attributes"], {"a": 1, "b": 2}, "RFC 7396 merges objects member by member")
    now = client.must(200, "PATCH", "/v1/products/patchy", {"attributes": {"a": None}})
    equal(now["attributes"], {"b": 2})
    client.must(400, "PATCH", "/v1/products/patchy", {"title": None})
    equal(client.get("/v1/products/patchy")["title"], "Thing patchy")
    now = client.must(200, "PATCH", "/v1/products/patchy", {"rating": {"mean": 4.5, "count": 2}})
    now = client.must(200, "PATCH", "/v1/products/patchy", {"rating": {"count": 3}})
    equal(now["rating"], {"mean": 4.5, "count": 3})
    now = client.must(200, "PATCH", "/v1/products/patchy", {"rating": {"mean": 4}, "attributes": None})
    equal((now["rating"], now["attributes"]), ({"mean": 4, "count": 3}, {}))
    now = client.must(200, "PATCH", "/v1/products/patchy", {"rating": None})
    equal(now["rating"], {"mean": 0, "count": 0})
    client.must(400, "PATCH", "/v1/products/patchy", {"price": 5, "currency": None})


@test("every member of a product can be patched alone, and the others stay as they are")
def patch_each(server):
    client = server.backend()
    plain = product("each", group_id="g", brand="B", description="d", list_price=2000, tags=["x"],
                    images=["https://example.org/1.png"], attributes={"a": 1}, supplier_id="s",
                    rating={"mean": 3, "count": 1}, url="https://example.org/", language="en",
                    translations={"zh": {"title": "东西"}}, created_at="2026-01-01T00:00:00Z")
    other = {"group_id": "h", "title": "T", "description": "e", "brand": "C", "category": "Other",
             "price": 1500, "list_price": 3000, "currency": "EUR", "stock": 3, "tags": ["y"],
             "images": ["https://example.org/2.png"], "supplier_id": "t", "status": "inactive",
             "url": "https://example.org/2", "language": "zh", "created_at": "2026-02-01T00:00:00Z",
             "rating": {"mean": 4, "count": 2}}
    client.must(201, "PUT", "/v1/products/each", plain)
    for name, value in other.items():
        before = client.must(200, "PUT", "/v1/products/each", plain)
        after = client.must(200, "PATCH", "/v1/products/each", {name: value})
        changed = {k for k in after if after[k] != before[k]} - {"updated_at", "in_stock"}
        equal((changed, after[name]), ({name}, value), name)


@test("what is wrong with a patch is told without the product, and queues nothing")
def wrong_patches(server):
    client = server.backend()
    for body in ({"price": -1}, {"titel": "x"}, {"title": None}, {"rating": {"mean": 9}},
                 {"currency": "EURO"}, {"price": 5, "currency": None}, {"brand": "b" * 3000},
                 {"id": "other"}, {"stock": "many"}, '{"title": "x"', '{"title": "x"} {}', "[]", ""):
        answer = client.call("PATCH", "/v1/products/never", body)
        assert answer.status in (400, 413), f"{body}: {answer}"
    client.must(404, "PATCH", "/v1/products/never", {"price": 5})
    client.must(404, "PATCH", "/v1/products/never", {"currency": None})


@test("a product was made between 1990 and a day ahead: nothing from the future leads what is new")
def created_at(server):
    client = server.backend()
    path = "/v1/products/timed"
    for bad in ("1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "soon", 0, None):
        answer = client.must(400, "PUT", path, product("timed", created_at=bad))
        assert bad in (0, None) or "created_at" in answer["error"]["message"], answer
    client.must(201, "PUT", path, product("timed", created_at="2020-02-02T00:00:00Z"))
    equal(client.get(path)["created_at"], "2020-02-02T00:00:00Z")
    client.must(400, "PATCH", path, {"created_at": "2999-01-01T00:00:00Z"})


@test("a page is never given an address that a browser would run")
def addresses(server):
    client = server.backend()
    path = "/v1/products/linked"
    for bad in ("javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example/x",
                "/\\evil.example", "http:///x", "https://", "shop.example/x", "https://x/\ny", "vbscript:x", "x"):
        client.must(400, "PUT", path, product("linked", url=bad))
        client.must(400, "PUT", path, product("linked", images=["/fine.png", bad]))
    for good in ("https://shop.example/a?b=c#d", "HTTP://shop.example", "/", "/media/a b.png"):
        stored = client.must((200, 201), "PUT", path, product("linked", url=good, images=[good]))
        equal((stored["url"], stored["images"]), (good, [good]))
    client.must(400, "PATCH", path, {"url": "javascript:alert(1)"})


@test("variants are the living products of one group, from old and new segments alike")
def variants(server):
    client = server.backend()
    for name in ("va", "vb", "vc", "vd"):
        client.must(201, "PUT", f"/v1/products/{name}", product(name, group_id="vgroup"))
    client.must(200, "PATCH", "/v1/products/vd", {"stock": 0})
    equal(sorted(v["id"] for v in client.get("/v1/products/va")["variants"]), ["vb", "vc"])
    client.must(200, "PATCH", "/v1/products/vb", {"group_id": "other"})
    equal([v["id"] for v in client.get("/v1/products/va")["variants"]], ["vc"])
    equal(client.get("/v1/products/vb")["variants"], [])


@test("ten thousand lines in one body: counted, found, and one bad line refused alone")
def bulk(server):
    client = server.backend()
    lines = [json.dumps(product(f"bulk-{n}", title=f"Bulkware number {n}")) for n in range(10000)]
    lines[7000] = '{"id": "bulk-7000", "title": "Bulkware", "price": 1e400}'
    ndjson = {"Content-Type": "application/x-ndjson"}
    done = client.must(200, "POST", "/v1/products/bulk", "\n".join(lines), headers=ndjson)
    equal((done["created"], done["changed"], done["unchanged"], done["refused"]), (9999, 0, 0, 1))
    equal([r["line"] for r in done["rejected"]], [7001])
    equal(client.get("/v1/search", q="bulkware")["total"], 9999)
    done = client.must(200, "POST", "/v1/products/bulk", "\n".join(lines), headers=ndjson)
    equal((done["created"], done["changed"], done["unchanged"], done["refused"]), (0, 0, 9999, 1))
    for n in range(0, 10000, 1000):
        client.must(200 if n != 7000 else 404, "GET", f"/v1/products/bulk-{n}")


@test("pages by cursor hold every product once, whatever is written meanwhile")
def pages(server):
    client = server.backend()
    seen, query = [], {"limit": 200}
    while True:
        page = client.get("/v1/products", **query)
        seen += [p["id"] for p in page["items"]]
        if "next_cursor" not in page:
            break
        query["cursor"] = page["next_cursor"]
        client.must((200, 201), "PUT", "/v1/products/meanwhile", product("meanwhile"))
    equal(len(seen), len(set(seen)))
    assert "bulk-9999" in seen and "oolong-tea-0001-50g" in seen
    for cursor in ("x", "-1", "99999999999999999999", "4294967296"):
        equal(client.call("GET", "/v1/products", query={"cursor": cursor}).status, 400, cursor)


@test("an unchanged product is 304, a changed one is not")
def etag(server):
    client = server.backend()
    client.must(201, "PUT", "/v1/products/tagged", product("tagged"))
    first = client.call("GET", "/v1/products/tagged")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = client.call("GET", "/v1/products/tagged", headers=tag)
    equal((again.status, again.body), (304, b""))
    client.must(200, "PATCH", "/v1/products/tagged", {"stock": 3})
    equal(client.call("GET", "/v1/products/tagged", headers=tag).status, 200)


@test("texts come in the language asked for, and in the product's own without a translation")
def language(server):
    client = server.backend()
    chinese = {"zh": {"title": "绿茶壶", "description": "好壶", "brand": "北壶",
                      "category": "测试 > 东西", "attributes": {"color": "绿"}}}
    client.must(201, "PUT", "/v1/products/pot",
                product("pot", title="Verdant pot", language="en", translations=chinese))
    for lang, title in (("zh", "绿茶壶"), ("en", "Verdant pot"), ("", "Verdant pot")):
        equal(client.get("/v1/products/pot", lang=lang)["title"], title, lang)
        hits = client.get("/v1/search", q="verdant pot", lang=lang)["items"]
        equal([h["title"] for h in hits if h["id"] == "pot"], [title], lang)
    assert "pot" in found(client, "绿茶壶", lang="zh")
    equal(client.get("/v1/products/pot", lang="zh")["category_label"], "测试 > 东西")


@test("prices of different currencies are never filtered or sorted together")
def currencies(server):
    client = server.backend()
    for code, price in (("EUR", 100), ("CNY", 900), ("JPY", 50)):
        client.must(201, "PUT", f"/v1/products/cur-{code}",
                    product(f"cur-{code}", title="Currentia coin", price=price, currency=code))
    equal(found(client, "currentia", filter="price < 1000"), ["cur-CNY"])
    equal(found(client, "currentia", filter="price < 1000", currency="EUR"), ["cur-EUR"])
    facet = client.get("/v1/search", q="currentia", facets="price", currency="JPY")["facets"]["price"]
    equal((facet["currency"], facet["min"], facet["max"]), ("JPY", 50, 50))
    answer = client.call("GET", "/v1/search", query={"q": "x", "currency": "XXZ"})
    equal(answer.status, 400)
    assert "currency" in answer.json["error"]["message"], answer


@test("a filter that is wrong is 400 with its place")
def filters(server):
    client = server.backend()
    for text in ("price <", "price < 'a'", "nothing = 1", "brand = \"a", "(price = 1", "price = 1 AND",
                 "a" * 5000, " OR ".join(["price = 1"] * 100), "(" * 1000, "price = 1e999"):
        for path in ("/v1/search", "/v1/recommendations"):
            answer = client.call("GET", path, query={"filter": text})
            assert answer.status in (400, 413), f"{text[:40]}: {answer}"
            assert "filter" in answer.json["error"]["message"], answer
    message = client.call("GET", "/v1/search", query={"filter": "price = 1 AND nix = 2"}).json
    assert "15" in message["error"]["message"], message


@test("two backends that write one product leave one whole version")
def race(server):
    def write(n):
        client = server.backend()
        for k in range(20):
            client.must((200, 201), "PUT", "/v1/products/race",
                        product("race", title=f"Race {n}", brand=f"Brand {n}", price=n + k * 100))
    in_threads(8, write)
    last = server.backend().get("/v1/products/race")
    equal((last["title"][5:], last["brand"][6:]), (str(last["price"] % 100),) * 2)


if __name__ == "__main__":
    run_on_demo()
