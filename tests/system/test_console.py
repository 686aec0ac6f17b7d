#!/usr/bin/env python3
"""What the console asks the server for: its page, counts, shoppers by id, quarantine, trainings."""

import sqlite3

from shop import equal, path_of, run_on_demo, test, wait_until

WEIGHTS = "home.trending=0.25,cart.near=2"


def scalar(server, sql):
    with sqlite3.connect(f"file:{server.shop.path}/aisle.db?mode=ro", uri=True) as db:
        return db.execute(sql).fetchone()[0]


def finished(server, job):
    path = path_of("v1", "jobs", str(job["id"]))

    def ended():
        return server.admin().get(path)["state"] not in ("queued", "running")
    wait_until(ended, f"job {job['id']} has ended")
    return server.admin().get(path)


@test("every page of the console is one document that may load and call nothing but this server")
def page(server):
    answers = [server.client().must(200, "GET", path)
               for path in ("/console", "/console/models/recommend/x", "/console?key=ak_x")]
    for answer in answers:
        equal(answer.body, answers[0].body)
        rules = dict(rule.strip().split(" ", 1) for rule in
                     answer.headers["Content-Security-Policy"].split(";"))
        equal(rules["default-src"], "'none'")
        for kind in ("script-src", "style-src", "connect-src"):
            equal(rules[kind], "'self'", kind)
        for kind in ("frame-ancestors", "form-action", "base-uri"):
            equal(rules[kind], "'none'", kind)
        equal(answer.headers["Referrer-Policy"], "no-referrer")
        assert b"unsafe" not in answer.headers["Content-Security-Policy"].encode()
    assert server.client().must(200, "GET", "/").body != answers[0].body


@test("an admin key is refused in a query, and stands in no log")
def key_in_query(server):
    key = server.shop.admin
    server.client().must(401, "GET", f"/v1/overview?key={key}")
    server.admin().must(200, "GET", "/v1/overview")
    assert key not in server.log_text()


@test("the overview counts what the store has")
def overview(server):
    told = server.admin().get("/v1/overview")
    for name, sql in (("products", "SELECT COUNT(*) FROM products"),
                      ("shoppers", "SELECT COUNT(*) FROM user_ids"),
                      ("events", "SELECT COUNT(*) FROM events"),
                      ("orders", "SELECT COUNT(*) FROM orders")):
        equal(told[name], scalar(server, sql), name)
    equal(sum(told["jobs"].values()), scalar(server, "SELECT COUNT(*) FROM jobs"))
    assert told["last_event_at"]
    server.backend().must(403, "GET", "/v1/overview")


@test("shoppers come in the order of their ids, page by page, by how these begin")
def shoppers(server):
    for user in ("zz", "zz-1", "zz-1%", "zz-2", "zz-10", "zy", "Zz", "zz 你好", "zz_"):
        server.admin().must(201, "PUT", path_of("v1", "users", user), {})
    listed, cursor = [], ""
    while True:
        page_ = server.backend().get("/v1/users", prefix="zz", limit=2, cursor=cursor)
        listed += [u["id"] for u in page_["items"]]
        cursor = page_.get("next_cursor", "")
        if not cursor:
            break
    equal(listed, sorted(("zz", "zz-1", "zz-1%", "zz-2", "zz-10", "zz 你好", "zz_")))
    equal(server.backend().get("/v1/users", prefix="there is none")["items"], [])
    equal(len(server.backend().get("/v1/users", limit=200)["items"]), 200)
    server.client(server.shop.public).must(403, "GET", "/v1/users")


@test("what was refused is listed with its place and reason until somebody dismisses it")
def quarantine(server):
    body = "id,title,price\nq-1,One,12\nq-2,Two,cheap\nq-3,Three,dear\n"
    job = server.admin().must(202, "POST", "/v1/imports", body,
                              query={"kind": "products", "name": "feed.csv", "currency": "CNY"})
    equal(finished(server, job)["result"]["quarantined"], 2)
    rows = server.admin().get("/v1/quarantine", kind="products")["items"]
    equal([(r["source"], r["line"], r["column"], r["reason"]) for r in rows],
          [("feed.csv", 3, 3, "bad_number"), ("feed.csv", 4, 3, "bad_number")])
    assert "cheap" in rows[0]["raw"] and rows[0]["message"]
    first = server.admin().get("/v1/quarantine", kind="products", limit=1)
    equal([r["id"] for r in first["items"]], [rows[0]["id"]])
    second = server.admin().get("/v1/quarantine", kind="products", limit=1,
                                cursor=first["next_cursor"])
    equal([r["id"] for r in second["items"]], [rows[1]["id"]])
    equal(server.admin().get("/v1/quarantine", kind="products", reason="missing")["items"], [])
    count = {"kind": "products", "reason": "bad_number"}
    assert {**count, "rows": 2} in server.admin().get("/v1/overview")["quarantine"]
    server.admin().must(204, "DELETE", f"/v1/quarantine/{rows[0]['id']}")
    equal([r["id"] for r in server.admin().get("/v1/quarantine", kind="products")["items"]],
          [rows[1]["id"]])
    assert {**count, "rows": 1} in server.admin().get("/v1/overview")["quarantine"]
    server.backend().must(403, "GET", "/v1/quarantine")


@test("an import job tells what was asked for, but not where things lie on the machine")
def arguments(server):
    job = server.admin().must(202, "POST", "/v1/imports", "id,title\na-1,One\n",
                              query={"kind": "products", "name": "today.csv", "dry_run": "true"})
    told = finished(server, job)["arguments"]
    equal({k: told[k] for k in ("kind", "name", "dry_run")},
          {"kind": "products", "name": "today.csv", "dry_run": True})
    assert "path" not in told and server.shop.path not in str(told), told


@test("a training takes parameters by name, and its version has them; what is none is refused")
def parameters(server):
    start = server.admin()
    for wrong in ({"dimm": 8}, {"dim": -1}, {"dim": "8"}, {"dim": [8]}, {"dim": 1e99}, [], 7,
                  {"dim": True}):
        start.must(400, "POST", "/v1/jobs", {"kind": "train", "parameters": wrong})
    start.must(400, "POST", "/v1/jobs", '{"kind": "train", "parameters": {"dim": 8, "dim": 9}}')
    start.must(400, "POST", "/v1/jobs", {"kind": "compact", "parameters": {"dim": 8}})
    start.must(400, "POST", "/v1/jobs", {"kind": "compact", "refit": True})
    start.must(400, "POST", "/v1/jobs", {"kind": "train", "refit": True, "parameters": {"dim": 8}})
    start.must(400, "POST", "/v1/jobs", {"kind": "train", "refit": 1})
    for asked in ({"dim": 8, "alpha": 1.5, "iterations": 2}, {}):
        job = start.must(202, "POST", "/v1/jobs", {"kind": "train", "parameters": asked})
        ended = finished(server, job)
        equal(ended["state"], "done", ended["message"])
        equal(ended["arguments"], {"parameters": asked} if asked else None)
        version = ended["result"]["version"]
        models = start.get("/v1/models/recommend")["items"]
        used = next(m for m in models if m["version"] == version)["manifest"]["parameters"]
        equal({name: used[name] for name in asked}, asked)


@test("settings are told with where they come from, and the weights they make; what is the machine's is not")
def settings(server):
    told = server.admin().get("/v1/settings")
    rows = {(s["section"], s["name"]): s for s in told["settings"]}
    equal(rows["recommend", "weights"],
          {"section": "recommend", "name": "weights", "value": WEIGHTS, "default": "",
           "origin": "flag", "where": "--set"})
    equal(rows["shop", "name_en"]["origin"], "default")
    equal({section for section, _ in rows}, {"shop", "recommend", "gorse"})
    changed = {(p, name) for p, weights in told["weights"].items()
               for name, value in weights.items() if value != told["default_weights"][p][name]}
    equal(changed, {("home", "trending"), ("cart", "near")})
    equal((told["weights"]["home"]["trending"], told["weights"]["cart"]["near"]), (0.25, 2))
    assert server.shop.path not in str(told)
    server.backend().must(403, "GET", "/v1/settings")


if __name__ == "__main__":
    run_on_demo(settings=(f"recommend.weights={WEIGHTS}",))
