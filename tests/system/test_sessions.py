#!/usr/bin/env python3
"""Session kNN: what a guest does in this visit changes their lists at once, and explain says why."""

from shop import equal, guest, run_on_demo, test


def home(client, who, **more):
    return client.get("/v1/recommendations", anonymous_id=who, limit=20, **more)["items"]


def view(client, who, product_id, **more):
    client.must(200, "POST", "/v1/events", {"type": "view", "anonymous_id": who,
                                            "product_id": product_id, **more})


def said_by_sessions(admin, **request):
    """(product, part of it, (reason, product that it is due to, part)...) of what sessions proposed."""
    answer = admin.must(200, "POST", "/v1/recommendations/explain", {"all": True, **request})
    return [(p["id"], s["part"], [(b["reason"], b["product_id"], b["part"]) for b in s["because"]])
            for p in answer["products"] for s in p["sources"] if s["source"] == "sessions"]


def due_to(said):
    return {product for _, _, because in said for _, product, _ in because}


@test("a guest's second click changes the list, and what this visit proposes is due to both clicks")
def second_click(server):
    client, admin, who = server.backend(), server.admin(), guest("two clicks")
    hot = [p["id"] for p in client.get("/v1/recommendations", placement="trending", limit=20)["items"]]
    equal(said_by_sessions(admin, placement="home", anonymous_id=who), [])
    lists = []
    for n, product in enumerate((hot[0], hot[9])):
        view(client, who, product)
        lists.append([i["id"] for i in home(client, who)])
        said = said_by_sessions(admin, placement="home", anonymous_id=who)
        equal(due_to(said), {hot[0], hot[9]} if n else {hot[0]})
        assert hot[0] not in [p for p, _, _ in said], "they have seen it"
        for _, part, because in said:
            assert abs(sum(b[2] for b in because) - part) <= 1e-5 * part, because
    assert lists[0] != lists[1], lists


@test("a product page goes on from this visit, and says so in both languages")
def product_page(server):
    client, admin = server.backend(), server.admin()
    hot = [p["id"] for p in client.get("/v1/recommendations", placement="trending", limit=20)["items"]]
    named = 0
    for product in hot:
        request = {"placement": "viewed_after", "product_id": product}
        said = said_by_sessions(admin, **request)
        assert due_to(said) <= {product}, said
        lists = {lang: client.get("/v1/recommendations", lang=lang, **request)["items"]
                 for lang in ("en", "zh")}
        equal([i["id"] for i in lists["en"]], [i["id"] for i in lists["zh"]])
        for lang, items in lists.items():
            title = client.get(f"/v1/products/{product}", lang=lang)["title"]
            for item in items:
                if item["reason"]["code"] == "same_visit":
                    equal(item["reason"]["product_id"], product)
                    assert f"“{title}”" in item["reason"]["text"], item["reason"]
                    named += 1
    assert named > 20, named


@test("what was done before a longer pause is no part of this visit's product page")
def pause(server):
    client, admin, who = server.backend(), server.admin(), guest("a pause")
    hot = [p["id"] for p in client.get("/v1/recommendations", placement="trending", limit=20)["items"]]
    view(client, who, hot[1])
    request = {"placement": "viewed_after", "product_id": hot[2]}
    equal(due_to(said_by_sessions(admin, anonymous_id=who, **request)), {hot[1], hot[2]})
    late = guest("a longer pause")
    view(client, late, hot[1], id="late", time="2020-01-01T00:00:00Z")
    equal(due_to(said_by_sessions(admin, anonymous_id=late, **request)), {hot[2]})


run_on_demo()
