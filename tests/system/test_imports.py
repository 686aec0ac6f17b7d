#!/usr/bin/env python3
"""Files imported while the server runs: by the command line, and over HTTP."""

import gzip
import http.client
import json
import os
import signal
import subprocess

from shop import (AISLE, ENVIRONMENT, SANITIZED, Server, Shop, aisle, copy_folder, equal, folder, guest,
                  product, run, test, wait_until)

MANY = 8000 if SANITIZED else 40000


def write_feed(path, n, prefix="feed", word="Feed", **fields):
    with open(path, "w", encoding="utf-8") as f:
        for i in range(n):
            f.write(json.dumps(product(f"{prefix}-{i}", title=f"{word} thing {i}", **fields)) + "\n")
    return path


def shop_in(path, name, **more):
    return Shop(os.path.join(path, name), demo=False, **more)


def job_of(server, number):
    return server.admin().get(f"/v1/jobs/{number}")


def ended(server, number):
    return wait_until(lambda: (j := job_of(server, number))["state"] not in ("queued", "running") and j,
                      f"job {number} ends")


def newest_import(server):
    return next(j for j in server.admin().get("/v1/jobs")["items"] if j["kind"] == "import")


def upload(server, body, status=202, headers=None, **query):
    return server.admin().must(status, "POST", "/v1/imports", body, query=query, headers=headers)


def found(server, q, **query):
    return server.admin().get("/v1/search", q=q, limit=0, **query)["total"]


def uploads(shop):
    return os.listdir(os.path.join(shop.path, ".uploads"))


# --- the command line --------------------------------------------------------------------------

def outcome(path, *words, stdin=None):
    """(status, report or text, messages) of an import, without what differs by nature."""
    done = subprocess.run([AISLE, "import", *words, "--data", path], capture_output=True, text=True,
                          check=False, cwd=os.path.dirname(path), env=ENVIRONMENT, input=stdin)
    out = done.stdout
    if "--json" in words:
        reports = json.loads(out)
        for report in reports if isinstance(reports, list) else [reports]:
            report.pop("seconds")
        out = reports
    else:
        out = "\n".join(line.split(" in ")[0] for line in out.splitlines())
    messages = done.stderr.replace(os.path.dirname(path) + "/", "").splitlines()
    return done.returncode, out, [m for m in messages if not m.startswith("import:")]


@test("an import beside a server ends and prints the same as without one")
def same(_server, _shop, path):
    def put(name, text):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            f.write(text)
    put("a.csv", "id,title,price,currency,stock\nx1,One,100,CNY,1\nx2,,100,CNY,1\nx3,Three,cheap,CNY,1\n"
                 "x4,Four,100,CNY\nx5,Five,500,CNY,2\n")
    put("b.csv", "id,title\nx1,One again\nx6,Six\n")
    put("own.yaml", "kind: products\nfields:\n  id: sku\n  title: label\n")
    put("own.csv", "sku;label\no1;Own\n")
    put("users.jsonl", '{"id": "u1", "attributes": {"a": 1}}\n{"id": ""}\n')
    put("events.csv", "time,type,user_id,product_id\n2026-01-02T03:04:05Z,view,u1,x1\n"
                      "2026-01-02T03:04:06Z,view,u1,nothing\n2026-01-02T03:04:07Z,nap,u1,x1\n")
    put("orders.csv", "id,placed_at,user_id,currency,product_id,quantity,unit_price\n"
                      "o1,2026-01-02T03:04:05Z,u1,CNY,x1,2,100\no1,2026-01-02T03:04:05Z,u1,CNY,x5,1,500\n")
    put("broken.json", '[{"id": "j1", "title": "J"}, ')
    shop = shop_in(path, "stopped")
    copy = os.path.join(path, "running")
    copy_folder(shop.path, copy)
    with Server(shop.at(copy)) as server:
        for words in (("products", "a.csv", "--json"), ("products", "a.csv", "--json"),
                      ("products", "a.csv", "b.csv", "--json"), ("products", "a.csv"),
                      ("products", "own.csv", "--mapping", "own.yaml"),
                      ("products", "own.csv", "--mapping", "nothing.yaml"),
                      ("products", "own.csv", "--mapping", "nothing"), ("products", "own.csv"),
                      ("users", "users.jsonl", "--json"), ("events", "events.csv", "--json"),
                      ("events", "events.csv", "--dry-run"), ("orders", "orders.csv", "--json"),
                      ("orders", "orders.csv"), ("products", "b.csv", "--full"),
                      ("products", "b.csv", "--full", "--force", "--json"),
                      ("products", "a.csv", "--format", "pdf"), ("products", "broken.json"),
                      ("products", "nothing.csv", "--json"), ("products", "."),
                      ("products", "a.csv", "nothing.csv", "b.csv", "--json"),
                      ("products", "a.csv", "--currency", "XXQ"), ("users", "users.jsonl", "--full"),
                      ("--quarantine", "list"), ("products", "--quarantine", "retry"),
                      ("--quarantine", "export")):
            with_server, without = outcome(copy, *words), outcome(shop.path, *words)
            if "export" in words:  # its times differ
                with_server, without = len(with_server[1]), len(without[1])
            equal(with_server, without, " ".join(words))
        piped = '{"id": "piped", "title": "Piped"}\n'
        equal(outcome(copy, "products", "-", "--json", stdin=piped),
              outcome(shop.path, "products", "-", "--json", stdin=piped), "standard input")
        equal(uploads(server.shop), [])
        equal(server.stop(), 0)
    for kind in ("products", "users", "events", "orders"):
        equal(*[[json.loads(line) | {"updated_at": None, "created_at": None} for line in
                 aisle("export", kind, "--data", p).stdout.splitlines()] for p in (copy, shop.path)])


@test("what an import brought is found when the command ends, and events go on being acknowledged")
def at_once(_server, _shop, path):
    shop = shop_in(path, "fresh")
    with Server(shop) as server:
        importing = subprocess.Popen([AISLE, "import", "products", write_feed(path + "/f.jsonl", MANY),
                                      "--data", shop.path, "--quiet"], env=ENVIRONMENT, cwd="/",
                                     stdout=subprocess.DEVNULL)
        client, sent = server.backend(), 0
        while importing.poll() is None:
            answer = client.must(200, "POST", "/v1/events", {
                "type": "view", "anonymous_id": guest(sent), "product_id": "first"})
            equal(answer["accepted"], 1)
            sent += 1
        equal(importing.returncode, 0)
        equal(found(server, "feed"), MANY)
        print(f"# {sent} events acknowledged meanwhile")
        assert sent > 0
        equal(server.stop(), 0)
    equal(len(aisle("export", "events", "--data", shop.path).stdout.splitlines()), sent)


def catalogue_seen(client):
    """What a search for everything says: how many, their lowest and highest price, the titles' first word."""
    answer = client.get("/v1/search", q="common", limit=50, facets="price")
    price = answer["facets"]["price"]
    words = {item["title"].split(" ")[0] for item in answer["items"]}
    prices = {item["price"] for item in answer["items"]} | {price["min"], price["max"]}
    return answer["total"], tuple(sorted(prices)), tuple(sorted(words))


@test("readers see the catalogue before a full feed or after it, never a mix, and others' writes go on")
def whole(_server, _shop, path):
    shop, n = shop_in(path, "whole"), MANY // 4
    feeds, states = [], []
    for number, (word, price, first, count) in enumerate((("Old", 1000, 0, n), ("New", 2000, n // 2, n),
                                                          ("Newest", 3000, n // 4, n + 7))):
        feeds.append(os.path.join(path, f"whole-{number}.jsonl"))
        with open(feeds[-1], "w", encoding="utf-8") as f:
            for i in range(first, first + count):
                f.write(json.dumps(product(f"w{i}", title=f"{word} common {i}", price=price)) + "\n")
        states.append((count, (price,), (word,)))
    aisle("import", "products", feeds[0], "--data", shop.path)
    with Server(shop) as server:
        clients = [server.admin() for _ in range(4)]
        backend, sent = server.backend(), 0
        equal(catalogue_seen(clients[0]), states[0])
        for before, after in ((0, 1), (1, 2), (2, 0)):
            importing = subprocess.Popen([AISLE, "import", "products", feeds[after], "--full", "--force",
                                          "--quiet", "--data", shop.path], env=ENVIRONMENT, cwd="/",
                                         stdout=subprocess.DEVNULL)
            seen = []
            while importing.poll() is None:
                seen += [catalogue_seen(client) for client in clients]
                sent += backend.must(200, "POST", "/v1/events", {
                    "type": "search", "query": "common", "anonymous_id": guest(1)})["accepted"]
            equal(importing.returncode, 0)
            equal(catalogue_seen(clients[0]), states[after])
            mixed = [s for s in seen if s not in (states[before], states[after])]
            equal(mixed, [], f"{len(mixed)} of {len(seen)} searches")
            assert states[before] in seen
        assert sent > 0
        print(f"# {sent} events acknowledged meanwhile")
        # a product put during a feed, and one that is deleted, are seen at once
        last = newest_import(server)["id"]
        importing = subprocess.Popen([AISLE, "import", "products", feeds[1], "--full", "--force", "--quiet",
                                      "--data", shop.path], env=ENVIRONMENT, cwd="/",
                                     stdout=subprocess.DEVNULL)
        wait_until(lambda: newest_import(server)["id"] != last, "it is there")
        backend.must(201, "PUT", "/v1/products/by-hand", product("by-hand", title="Handmade"))
        equal(found(server, "handmade"), 1)
        equal(importing.wait(), 0)


def interrupted(server, shop, path, word, interrupt):
    """An import into the running server that is interrupted in its middle. One that had ended before it was
    shows nothing: again, with a feed four times as long. Gives the feed, its length, the exit status and what
    was printed."""
    for number, length in enumerate((MANY, 4 * MANY, 16 * MANY)):
        word += "x" * number
        feed = write_feed(f"{path}/{word}.jsonl", length, prefix=word, word=word)
        importing = subprocess.Popen([AISLE, "import", "products", feed, "--data", shop.path, "--json"],
                                     env=ENVIRONMENT, cwd="/", stdout=subprocess.PIPE, text=True,
                                     stderr=subprocess.PIPE)
        wait_until(lambda w=word: found(server, w) > 0, "something is stored")
        interrupt(importing)
        out, messages = importing.communicate()
        if importing.returncode:
            return feed, word, length, importing.returncode, out, messages
        server.stop()
        server.start()
    raise AssertionError("three imports ended before they could be interrupted")


@test("Ctrl-C cancels the job, what was stored stays, and the next run goes on there")
def cancelled(_server, _shop, path):
    shop = shop_in(path, "cancelled")
    with Server(shop) as server:
        feed, word, length, status, out, messages = interrupted(
            server, shop, path, "cancel", lambda importing: importing.send_signal(signal.SIGINT))
        equal(status, 130, messages)
        equal(newest_import(server)["state"], "cancelled")
        stored = json.loads(out)["created"]
        assert 0 < stored < length, stored
        report = json.loads(aisle("import", "products", feed, "--data", shop.path, "--json").stdout)
        assert report["resumed"], report
        equal((report["lines"], report["created"], found(server, word)), (length, length, length))


@test("an import whose server is killed goes on when it is run again; one whose server stops, by itself")
def killed(_server, _shop, path):
    shop = shop_in(path, "killed")
    with Server(shop) as server:
        for end in ("kill", "stop"):
            feed, word, length, status, _out, messages = interrupted(
                server, shop, path, end, lambda _importing, end=end: getattr(server, end)())
            equal(status, 69, messages)
            assert "the server has ended" in messages, messages
            server.start()
            job = newest_import(server)
            if end == "kill":
                job = ended(server, job["id"])  # which the runner sees soon after it begins
                equal((job["state"], job["message"]), ("failed", "its runner died"))
                report = json.loads(aisle("import", "products", feed, "--data", shop.path,
                                          "--json").stdout)
            else:
                report = ended(server, job["id"])["result"]
            equal((report["resumed"], report["lines"], report["created"]), (True, length, length), end)
            equal(found(server, word), length)


# --- over HTTP ---------------------------------------------------------------------------------

@test("an uploaded file is imported by a job that tells the result, and leaves nothing behind")
def uploaded(server, shop, _path):
    feed = "".join(json.dumps(product(f"up-{n}", title=f"Upload {n}")) + "\n" for n in range(3000))
    job = upload(server, feed + "{\n", kind="products", name="monday.jsonl")
    equal((job["kind"], job["state"]), ("import", "queued"))
    done = ended(server, job["id"])
    equal(done["state"], "done", done)
    result = done["result"]
    equal((result["lines"], result["created"], result["quarantined"]), (3001, 3000, 1))
    equal(found(server, "upload"), 3000)
    equal(uploads(shop), [])
    rows = [json.loads(r) for r in aisle("import", "--quarantine", "export", "--data",
                                         shop.path).stdout.splitlines()]
    equal([(r["source"], r["line"]) for r in rows], [("monday.jsonl", 3001)])
    again = ended(server, upload(server, feed + "{\n", kind="products")["id"])["result"]
    equal((again["again"], again["created"]), (True, 3000))
    csv = gzip.compress("sku,name\ng1,Zipped\n".encode())
    failed = ended(server, upload(server, csv, kind="products", name="z.csv.gz")["id"])
    equal(failed["state"], "failed")
    assert failed["message"].startswith("z.csv.gz: "), failed
    equal(failed["result"]["error"], "invalid")
    dry = ended(server, upload(server, '{"id": "dry", "title": "Dry"}\n', kind="products",
                               dry_run="true")["id"])["result"]
    equal((dry["dry_run"], dry["created"], found(server, "dry")), (True, 1, 0))


@test("a body of any length in chunks is taken, and one that is cut leaves no job and no file")
def streamed(server, shop, _path):
    size = 20000
    conn = http.client.HTTPConnection("127.0.0.1", server.port)
    head = {"Authorization": f"Bearer {shop.admin}"}

    def pieces():
        for n in range(size):
            yield json.dumps(product(f"st-{n}", title=f"Streamed {n}")).encode() + b"\n"
    conn.request("POST", "/v1/imports?kind=products", pieces(), head, encode_chunked=True)
    job = json.loads(conn.getresponse().read())
    result = ended(server, job["id"])["result"]
    equal((result["lines"], found(server, "streamed")), (size, size))
    conn.close()
    before = newest_import(server)["id"]
    for sent in (0, 1000, 3 << 20):
        conn = http.client.HTTPConnection("127.0.0.1", server.port)
        conn.putrequest("POST", "/v1/imports?kind=products")
        for name, value in {**head, "Content-Length": str(5 << 20)}.items():
            conn.putheader(name, value)
        conn.endheaders()
        conn.send(b"x" * sent)
        if sent > 1 << 20:
            wait_until(lambda: uploads(shop), "the file is begun")
        conn.close()
    wait_until(lambda: not uploads(shop), "the file is gone")
    equal(newest_import(server)["id"], before)


@test("what cannot be done is refused before any of the body is read")
def refused(server, shop, _path):
    for query, status in (({}, 400), ({"kind": "cats"}, 400), ({"kind": "users", "full": "true"}, 400),
                          ({"kind": "products", "full": "maybe"}, 400),
                          ({"kind": "products", "format": "pdf"}, 400),
                          ({"kind": "products", "currency": "QQQ"}, 400),
                          ({"kind": "products", "mapping": "nothing"}, 404),
                          ({"kind": "orders", "mapping": "shopify"}, 400),
                          ({"kind": "products", "mapping": "/etc/passwd"}, 403),
                          ({"kind": "products", "mapping": "../x.yaml"}, 403),
                          ({"kind": "products", "name": "n" * 201}, 413),
                          ({"kind": "products", "path": "/etc/passwd"}, 403)):
        conn = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        conn.putrequest("POST", "/v1/imports?" + "&".join(f"{k}={v}" for k, v in query.items()))
        conn.putheader("Authorization", f"Bearer {shop.admin}")
        conn.putheader("Content-Length", "1000000")
        conn.endheaders()  # and nothing of the body
        reply = conn.getresponse()
        body = reply.read()
        equal(reply.status, status, f"{query}: {body}")
        conn.close()


@test("a mapping of the shop's own is found by its name in the data folder")
def own_mapping(server, shop, _path):
    os.makedirs(os.path.join(shop.path, "mappings"))
    with open(os.path.join(shop.path, "mappings", "till.yaml"), "w", encoding="utf-8") as f:
        f.write("kind: products\nfields:\n  id: sku\n  title: label\n")
    job = upload(server, "sku;label\nt1;From the till\n", kind="products", mapping="till", name="t.csv")
    equal(ended(server, job["id"])["result"]["created"], 1)
    equal(found(server, "till"), 1)


@test("jobs are cancelled, queued ones at once; imports wait for each other and for no training")
def jobs(server, shop, _path):
    admin = server.admin()
    first = upload(server, "".join(json.dumps(product(f"q-{n}", title=f"Queue {n}")) + "\n"
                                   for n in range(8 * MANY)), kind="products")["id"]
    second = upload(server, '{"id": "second", "title": "Second"}\n', kind="products")["id"]
    equal(job_of(server, second)["state"], "queued")
    admin.must(204, "DELETE", f"/v1/jobs/{second}")
    equal(job_of(server, second)["state"], "cancelled")
    admin.must(409, "DELETE", f"/v1/jobs/{second}")
    progress = wait_until(lambda: job_of(server, first)["progress"], "it tells how far it is")
    assert 0 < progress < 1
    train = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"]
    wait_until(lambda: job_of(server, train)["started_at"], "the training begins")
    assert job_of(server, first)["state"] == "running"
    admin.must(204, "DELETE", f"/v1/jobs/{first}")
    done = ended(server, first)
    equal(done["state"], "cancelled", done)
    equal(found(server, "second"), 0)
    for number in ("0", "x", "999999"):
        admin.must(404, "DELETE", f"/v1/jobs/{number}")
    equal(uploads(shop), [])


@test("what a killed server had not begun is done by the next one; what nobody wants is removed")
def swept(server, shop, _path):
    big = "".join(json.dumps(product(f"s-{n}", title=f"Sweep {n}")) + "\n" for n in range(4 * MANY))
    running = upload(server, big, kind="products")["id"]
    waiting = upload(server, '{"id": "kept", "title": "Kept upload"}\n', kind="products")["id"]
    wait_until(lambda: job_of(server, running)["state"] == "running", "it runs")
    server.kill()
    with open(os.path.join(shop.path, ".uploads", "nobodys"), "w", encoding="utf-8") as f:
        f.write("x")
    server.start()
    equal(job_of(server, running)["state"], "failed")
    equal(ended(server, waiting)["state"], "done")
    equal(found(server, "kept"), 1)
    equal(uploads(shop), [])


def main():
    with folder() as path:
        shop = shop_in(path, "shop")
        with Server(shop) as server:
            run(server, shop, path)


if __name__ == "__main__":
    main()
