"""Every command on a small demonstration shop, and what wrong input gets.

Prints TAP. $AISLE is the program. With arguments: only the tests whose names contain one of them.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

AISLE = os.environ.get("AISLE", "build/release/aisle")
FAILED, USAGE, DATA, NO_INPUT, BUSY, CONFIG = 1, 64, 65, 66, 75, 78
PATIENCE_S = 60 * float(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))
KINDS = ["products", "users", "events", "orders"]

work = tempfile.mkdtemp(prefix="aisle-cli-")
shop = os.path.join(work, "shop")


def aisle(*args, data=None, status=0, env=None):
    """Run a command on a shop; its output is (stdout, stderr). status None: any."""
    command = [AISLE, *args, "--data", data or shop]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_S, cwd=work,
                          env={**os.environ, **(env or {})})
    assert status in (None, done.returncode), (
        f"{' '.join(args)}: status {done.returncode}, not {status}\n{done.stderr}{done.stdout}")
    return done.stdout, done.stderr


def answer(*args, **kwargs):
    """The JSON that a command prints."""
    return json.loads(aisle(*args, "--json", **kwargs)[0])


def lines(*args, **kwargs):
    """The JSON Lines that a command prints."""
    return [json.loads(line) for line in aisle(*args, **kwargs)[0].splitlines()]


def copy_of_shop(name):
    to = os.path.join(work, name)
    shutil.copytree(shop, to)
    return to


def write(name, text):
    path = os.path.join(work, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Serving:
    """A server on a shop, until the end of the block."""

    def __init__(self, data, *args):
        self.command = [AISLE, "serve", "--data", data, "--address", "127.0.0.1", "--quiet", *args]

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(self.command + ["--port", str(self.port)],
                                        stderr=subprocess.DEVNULL, cwd=work)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server does not listen")

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0


# --- help and wrong command lines ---------------------------------------------------------------

def test_every_command_teaches():
    overview = subprocess.run([AISLE, "help"], capture_output=True, text=True)
    names = [line.split()[0] for line in overview.stdout.splitlines() if line.startswith("  ")]
    assert len(names) >= 15
    for name in names:
        text = aisle(name, "--help")[0]
        assert text.startswith(f"aisle {name}") and "--data DIR" in text
        same = subprocess.run([AISLE, "help", name], capture_output=True, text=True)
        assert same.stdout == text


def test_misspelt_words_get_a_suggestion():
    assert "did you mean 'search'?" in aisle("serach", status=USAGE)[1]
    assert "did you mean 'publish'?" in aisle("models", "publihs", "x", status=USAGE)[1]
    assert "there is no flag '--limti'" in aisle("search", "--limti", "3", status=USAGE)[1]


def test_wrong_arguments_are_told():
    assert "--limit" in aisle("search", "--limit", "many", status=USAGE)[1]
    assert "--limit" in aisle("search", "--limit", "101", status=USAGE)[1]
    assert "usage" in aisle("backup", status=USAGE)[1]
    assert "usage" in aisle("user", "show", "a", "b", status=USAGE)[1]
    assert "expected products" in aisle("export", "carts", status=USAGE)[1]
    assert "expected adjacency or pairs" in aisle(
        "eval", "recommend", "--train", "a", "--test", "b", "--format", "c", status=USAGE)[1]


def test_wrong_settings_are_told_with_their_place():
    assert "did you mean" in aisle("doctor", "--set", "server.prot=1", status=CONFIG)[1]
    assert "AISLE_SERVER_PROT" in aisle("doctor", status=CONFIG, env={"AISLE_SERVER_PROT": "1"})[1]
    config = write("wrong.yaml", "server:\n  port: 5000\n  loops: many\n")
    assert "wrong.yaml:3" in aisle("doctor", "--config", config, status=CONFIG)[1]
    assert "nowhere.yaml" in aisle("doctor", "--config", "nowhere.yaml", status=CONFIG)[1]


def test_a_shop_that_is_not_there_is_told():
    nowhere = os.path.join(work, "nowhere")
    for command in (["search"], ["recommend"], ["models", "list"], ["export", "users"],
                    ["backup", "b"], ["bench", "recommend"]):
        assert "there is no shop" in aisle(*command, data=nowhere, status=NO_INPUT)[1]
    assert not os.path.exists(nowhere)


# --- search and recommend -----------------------------------------------------------------------

def test_search_answers_like_the_api():
    found = answer("search", "--limit", "5", "--facets", "brand,price")
    assert set(found) == {"query", "total", "page", "pages", "relaxed", "items", "facets", "took_us"}
    assert len(found["items"]) == 5 and found["total"] > 5
    assert sum(b["count"] for b in found["facets"]["brand"]) <= found["total"]
    title = found["items"][0]["title"]
    hits = answer("search", title, "--limit", "20")
    assert found["items"][0]["id"] in [item["id"] for item in hits["items"]]


def test_search_sorts_filters_and_pages():
    prices = [item["price"] for item in
              answer("search", "--sort", "price_asc", "--limit", "100")["items"]]
    assert prices == sorted(prices) and len(prices) > 50
    cheap = answer("search", "--filter", f"price < {prices[10]}", "--limit", "0")
    assert cheap["items"] == [] and cheap["total"] == sum(p < prices[10] for p in prices)
    second = answer("search", "--sort", "price_asc", "--limit", "10", "--page", "2")["items"]
    assert [item["price"] for item in second] == prices[10:20]


def test_a_filter_with_a_mistake_is_told_with_its_place():
    for command in ("search", "recommend"):
        assert "character 8" in aisle(command, "--filter", "price <", status=DATA)[1]
        assert "'xx' is no language" in aisle(command, "--lang", "xx", status=DATA)[1]
    assert "ISO 4217" in aisle("search", "--currency", "QQQ", status=DATA)[1]
    assert "relevance" in aisle("search", "--sort", "best", status=DATA)[1]


def of_api(serving, path, **query):
    """What the server answers, without what is of the request alone."""
    address = f"http://127.0.0.1:{serving.port}{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {serving.key}"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
        return re.sub(r'^{"request_id":"[^"]*",', "{", without_time(reply.read().decode()))


def without_time(text):
    return re.sub(r'"took_us":\d+', "", text.removesuffix("\n"))


def test_command_line_and_api_answer_the_same_bytes():
    data = copy_of_shop("compared")
    key = answer("key", "create", "--scope", "server", data=data)["key"]
    cheap = "price < 50000 AND in_stock = true"
    product, other = (i["id"] for i in answer("search", "--limit", "2", data=data)["items"])
    pairs = [
        ("/v1/search", {"q": "tea"}, ["search", "tea"]),
        ("/v1/search", {"q": "茶", "lang": "zh", "facets": "brand,category,price,in_stock,brand,"},
         ["search", "茶", "--lang", "zh", "--facets", "brand,category,price,in_stock,brand,"]),
        ("/v1/search", {"sort": "price_desc", "filter": cheap, "page": 3, "out_of_stock": "true"},
         ["search", "--sort", "price_desc", "--filter", cheap, "--page", "3", "--out-of-stock"]),
        ("/v1/search", {"q": "xqzzy", "facets": "price", "currency": "USD", "prefix": "false"},
         ["search", "xqzzy", "--facets", "price", "--currency", "USD", "--whole-words"]),
        ("/v1/recommendations", {"user_id": "lin-mei"}, ["recommend", "--user", "lin-mei"]),
        ("/v1/recommendations", {"user_id": "lin-mei", "lang": "zh", "hide_seen": "true"},
         ["recommend", "--user", "lin-mei", "--lang", "zh", "--hide-seen"]),
        ("/v1/recommendations", {"placement": "similar", "product_id": product},
         ["recommend", "--product", product]),
        ("/v1/recommendations", {"placement": "cart", "product_ids": other, "filter": cheap},
         ["recommend", "--placement", "cart", "--product", other, "--filter", cheap]),
        ("/v1/recommendations", {"placement": "new"}, ["recommend", "--placement", "new"]),
    ]
    with Serving(data) as serving:
        serving.key = key
        for path, query, command in pairs:
            limit = "30" if path == "/v1/recommendations" else "10"
            printed = aisle(*command, "--limit", limit, "--json", data=data)[0]
            assert without_time(printed) == of_api(serving, path, limit=limit, **query), command
        serving.key = answer("key", "create", "--scope", "admin", data=data)["key"]
        printed = aisle("models", "list", "--json", data=data)[0].removesuffix("\n")
        listed = of_api(serving, "/v1/models")  # beside what this server has loaded
        assert listed.startswith(f'{{"items":{printed},"serving":'), listed


def test_an_explanation_adds_up_and_changes_no_answer():
    user = lines("export", "users")[0]["id"]
    plain = answer("recommend", "--user", user, "--limit", "5")
    told = answer("recommend", "--user", user, "--limit", "5", "--explain")
    assert told["items"] == plain["items"] and told["rules"] == []
    assert [p["id"] for p in told["products"]] == [i["id"] for i in plain["items"]]
    for place, product in enumerate(told["products"], 1):
        assert product["shown"] and product["position"] == place and product["why_not"] is None
        total = sum(s["part"] * s["scale"] for s in product["sources"])
        assert abs(total - product["total"]) < 1e-4, product
        base = product.get("learned", product["total"])
        assert abs(base * product["factor"] - product["score"]) < 1e-4, product
    printed = aisle("recommend", "--user", user, "--limit", "5", "--explain")[0]
    assert told["products"][0]["sources"][0]["source"] in printed


def test_recommendations_have_reasons():
    user = lines("export", "users")[0]["id"]
    for args in (["--user", user], [], ["--placement", "trending"], ["--placement", "new"]):
        found = answer("recommend", "--limit", "5", *args)
        assert len(found["items"]) == 5
        scores = [item["score"] for item in found["items"]]
        assert scores == sorted(scores, reverse=True)
        assert all(item["reason"]["text"] for item in found["items"])
        assert len({item["id"] for item in found["items"]}) == 5


def test_products_beside_a_product_are_others():
    product = lines("export", "products")[0]["id"]
    found = answer("recommend", "--product", product)
    assert found["placement"] == "similar" and found["items"]
    assert product not in [item["id"] for item in found["items"]]


def test_who_and_what_is_unknown_is_told():
    assert "no shopper 'nobody'" in aisle("recommend", "--user", "nobody", status=NO_INPUT)[1]
    assert "no product 'nothing'" in aisle("recommend", "--product", "nothing", status=NO_INPUT)[1]
    assert "needs --product" in aisle("recommend", "--placement", "similar", status=DATA)[1]
    assert "expected home" in aisle("recommend", "--placement", "door", status=DATA)[1]


def test_weights_of_the_settings_say_what_is_shown():
    shown = answer("recommend", "--set", "recommend.weights=home.trending=0, home.arrivals=50")["items"]
    assert shown and {item["reason"]["code"] for item in shown} == {"new_arrival"}
    assert "recommend.weights: 'attic'" in aisle(
        "recommend", "--set", "recommend.weights=attic.near=1", status=DATA)[1]
    assert "recommend.weights" in aisle("train", "--no-publish", "--set", "recommend.weights=home.x=1",
                                        status=USAGE)[1]


# --- models -------------------------------------------------------------------------------------

def live(data):
    return [m["version"] for m in answer("models", "list", data=data) if m["live"]]


def test_a_refused_model_is_published_by_force_alone_and_that_is_no_failure():
    data, useless = copy_of_shop("forced"), "dim=1,iterations=1,regularisation=1000000"
    before = live(data)
    told = aisle("train", "--params", useless, data=data, status=FAILED)[0]
    assert "a gate failed" in told and live(data) == before
    told = aisle("train", "--params", useless, "--force", data=data)[0]
    assert "It is published." in told and live(data) != before


def test_train_looks_for_better_parameters_within_its_budget():
    data = copy_of_shop("searched")
    done = answer("train", "--auto", "--budget", "2", "--no-publish", data=data)
    trials = done["search"]["trials"]
    assert trials[0]["parameter"] is None and trials[0]["kept"]
    assert max(t["ndcg"] for t in trials if t["kept"]) == [t for t in trials if t["kept"]][-1]["ndcg"]
    assert done["search"]["split"] < done["metrics"]["split"]
    manifest = json.load(open(os.path.join(data, "models/recommend", done["version"], "manifest.json"),
                              encoding="utf-8"))
    assert manifest["parameters"] == done["search"]["best"]
    assert "(the start)" in aisle("train", "--auto", "--budget", "1", "--no-publish", data=data)[0]
    assert "--budget is for --auto" in aisle("train", "--budget", "5", data=data, status=USAGE)[1]


def test_models_are_published_rolled_back_and_cleared():
    data = copy_of_shop("models")
    first = live(data)
    assert len(first) == 1
    aisle("train", "--force", data=data)
    second = live(data)
    assert len(second) == 1 and second != first
    assert answer("models", "rollback", data=data)["version"] == first[0] and live(data) == first
    assert answer("models", "publish", second[0], "--force", data=data) == {"published": True}
    assert live(data) == second
    aisle("train", "--no-publish", data=data)
    assert answer("models", "gc", "--keep", "0", data=data)["removed"] >= 0
    assert set(first + second) <= {m["version"] for m in answer("models", "list", data=data)}
    shown = answer("models", "show", second[0], data=data)
    assert shown["live"] and shown["previous"] == first[0] and shown["manifest"]["family"] == "recommend"


def test_unknown_versions_are_told():
    data = copy_of_shop("unknown-version")
    aisle("models", "show", "20000101T000000-1", status=NO_INPUT)
    aisle("models", "publish", "20000101T000000-1", data=data, status=NO_INPUT)
    aisle("models", "rollback", data=data, status=NO_INPUT)


# --- keys, tokens, shoppers ---------------------------------------------------------------------

def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_tokens_are_signed_by_the_hash_of_a_server_key():
    data = copy_of_shop("token")
    key = answer("key", "create", "--scope", "server", "--name", "backend", data=data)
    token = answer("token", "sign", "--user", "u1", "--key-no", str(key["no"]), "--ttl", "2h",
                   data=data)["token"]
    head, body, signature = token.split(".")
    secret = hashlib.sha256(key["key"].encode()).digest()
    want = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert unpadded(signature) == want
    assert json.loads(unpadded(head)) == {"alg": "HS256", "kid": str(key["no"])}
    claims = json.loads(unpadded(body))
    assert claims["sub"] == "u1" and 7100 < claims["exp"] - time.time() < 7300


def test_tokens_need_a_server_key_and_a_short_life():
    data = copy_of_shop("token-wrong")
    aisle("token", "sign", "--user", "u1", "--key-no", "9", data=data, status=NO_INPUT)
    assert "from 1s to 31d" in aisle("token", "sign", "--user", "u", "--key-no", "1", "--ttl",
                                     "10000h", data=data, status=USAGE)[1]
    assert "needs --user" in aisle("token", "sign", data=data, status=USAGE)[1]


def test_keys_are_listed_without_their_text_and_revoked():
    data = copy_of_shop("keys")
    key = answer("key", "create", "--scope", "admin", data=data)
    assert "last admin key" in aisle("key", "revoke", str(key["no"]), data=data, status=BUSY)[1]
    aisle("key", "revoke", str(key["no"]), "--force", data=data)
    listed = [k for k in answer("key", "list", data=data) if k["no"] == key["no"]]
    assert listed[0]["revoked"] and key["key"] not in json.dumps(listed)
    assert "public, server or admin" in aisle("key", "create", "--scope", "root", data=data,
                                              status=USAGE)[1]


def test_shoppers_are_joined_parted_and_erased():
    data = copy_of_shop("users")
    user = lines("export", "users", data=data)[0]["id"]
    guest = "0" * 32
    assert answer("user", "join", user, guest, data=data) == {"joined": True}
    assert guest in answer("user", "show", user, data=data)["anonymous_ids"]
    aisle("user", "join", user, guest, data=data, status=FAILED)
    aisle("user", "part", guest, data=data)
    assert guest not in answer("user", "show", user, data=data)["anonymous_ids"]
    mine = [e for e in lines("export", "events", data=data) if e.get("user_id") == user]
    assert answer("user", "delete", user, data=data)["events_removed"] == len(mine)
    aisle("user", "show", user, data=data, status=NO_INPUT)
    aisle("user", "delete", user, data=data, status=NO_INPUT)
    assert user not in json.dumps(lines("export", "events", data=data))
    assert user not in json.dumps(lines("export", "orders", data=data))


# --- export, import, backup ---------------------------------------------------------------------

def export_all(data):
    return {kind: lines("export", kind, data=data) for kind in KINDS}


def without_joined_guests(events):
    """Joined guests' events come back as the shopper's own."""
    return [{k: v for k, v in e.items() if k != "anonymous_id" or "user_id" not in e}
            for e in events]


def test_what_is_exported_imports_as_the_same_shop():
    was = export_all(shop)
    again = os.path.join(work, "again")
    for kind in KINDS:
        path = write(f"{kind}.jsonl", aisle("export", kind)[0])
        report = answer("import", kind, path, data=again)
        assert report["accepted"] == report["lines"] == len(was[kind]) > 0, report
    now = export_all(again)
    for kind in ("products", "users", "orders"):
        assert now[kind] == was[kind], kind
    assert now["events"] == without_joined_guests(was["events"])
    for kind in KINDS:
        assert answer("import", kind, os.path.join(work, f"{kind}.jsonl"), data=again)["again"]


def test_prices_of_a_tenth_of_a_penny_survive_an_export():
    data = os.path.join(work, "tenth")
    order = {"id": "o1", "placed_at": "2026-01-02T03:04:05Z", "currency": "GBP",
             "lines": [{"product_id": "p1", "quantity": 3000, "unit_price_micro": 1000},
                       {"product_id": "p1", "quantity": 2, "unit_price": 250, "discount": 1},
                       {"product_id": "p1", "quantity": 1, "unit_price": 250, "kind": "return"}]}
    aisle("import", "products", write("p1.jsonl", '{"id":"p1","title":"Screw"}\n'), data=data)
    aisle("import", "orders", write("o1.jsonl", json.dumps(order) + "\n"), data=data)
    got = lines("export", "orders", data=data)[0]["lines"]
    assert [line.get("unit_price_micro", line.get("unit_price")) for line in got] == [1000, 250, 250]
    assert [line["kind"] for line in got] == ["sale", "sale", "return"]


def test_rows_that_break_a_rule_are_quarantined_with_their_place():
    data = os.path.join(work, "quarantine")
    path = write("bad.csv", "id,title,price,currency\na,Kettle,1200,EUR\nb,,1,EUR\nc,Cup,x,EUR\n")
    report = answer("import", "products", path, data=data)
    assert (report["lines"], report["accepted"], report["quarantined"]) == (3, 1, 2)
    assert {q["reason"]: q["rows"] for q in answer("import", "--quarantine", "list", data=data)} == {
        "missing": 1, "bad_number": 1}
    rows = lines("import", "--quarantine", "export", data=data)
    assert [(q["source"], q["line"], q["column"]) for q in rows] == [(path, 3, 2), (path, 4, 3)]
    assert "expected products" in aisle("import", "sweets", path, data=data, status=USAGE)[1]
    assert "nowhere.csv" in aisle("import", "products", "nowhere.csv", data=data,
                                  status=NO_INPUT)[1]


def test_compacting_takes_out_an_erased_shopper_and_nothing_else():
    data = os.path.join(work, "compacted")
    events = write("erased.jsonl", "".join(
        json.dumps({"user_id": user, "type": "search", "query": f"zq {user}",
                    "time": "2026-01-01T00:00:00Z"}) + "\n" for user in ("ann", "bob", "zqann")))
    answer("import", "events", events, data=data)
    assert answer("user", "delete", "ann", data=data) == {"events_removed": 1}
    report = answer("compact", data=data)
    assert report["log_emptied"] and report["events"] == 0
    with open(os.path.join(data, "aisle.db"), "rb") as f:
        found = f.read()
    assert b"zq ann" not in found and b"zq bob" in found and b"zq zqann" in found
    assert "Removed 0 events" in aisle("compact", data=data)[0]


def test_a_backup_restores_the_same_shop():
    to, back = os.path.join(work, "backup"), os.path.join(work, "restored")
    assert answer("backup", to)["files"] >= 3
    assert answer("restore", to, "--verify")["files"] >= 3
    aisle("restore", to, data=back)
    assert export_all(back) == export_all(shop)
    aisle("restore", to, data=back, status=BUSY)
    aisle("backup", to, status=BUSY)


def test_a_damaged_backup_is_refused():
    to = os.path.join(work, "damaged")
    aisle("backup", to)
    with open(os.path.join(to, "aisle.db"), "r+b") as f:
        f.seek(5000)
        byte = f.read(1)
        f.seek(5000)
        f.write(bytes([byte[0] ^ 1]))
    assert "aisle.db" in aisle("restore", to, "--verify", status=DATA)[1]
    back = os.path.join(work, "from-damaged")
    aisle("restore", to, data=back, status=DATA)
    assert not os.path.exists(os.path.join(back, "aisle.db"))
    aisle("restore", work, data=back, status=NO_INPUT)


# --- doctor, and beside a server ----------------------------------------------------------------

def states(data, status=0, deep=False):
    found = answer("doctor", *(["--deep"] if deep else []), data=data, status=status)
    assert found["healthy"] == (status == 0)
    return {f["name"]: f["state"] for f in found["findings"]}


def test_doctor_is_content_with_a_healthy_shop():
    found = states(shop, deep=True)
    assert found["store"] == found["model"] == found["catalogue"] == found["ready"] == "fine"
    text = aisle("doctor", "--set", "server.port=8080")[0]
    assert "port: 8080" in text and "--set" in text


def test_doctor_names_what_is_damaged():
    assert states(os.path.join(work, "nowhere"), status=FAILED) == {"folder": "wrong"}
    data = copy_of_shop("sick")
    model = os.path.join(data, "models", "recommend", live(data)[0], "recommend.model")
    size = os.path.getsize(model)
    with open(model, "r+b") as f:
        f.seek(size - 100)
        f.write(b"damage")
    assert states(data, status=FAILED, deep=True)["model"] == "wrong"
    os.truncate(model, size // 2)
    assert states(data, status=FAILED)["model"] == "wrong"


def test_doctor_reports_on_the_data():
    report = answer("doctor", "--data-quality", status=None)
    assert report["products"] == 200 and report["orders"] > 0
    problem = any(f["severity"] == "problem" for f in report["findings"])
    text = aisle("doctor", "--data-quality", status=FAILED if problem else 0)[0]
    assert "active products" in text


def test_a_second_process_on_the_folder_is_refused_and_readers_are_not():
    data = copy_of_shop("served")
    with Serving(data) as server:
        for command in (["demo"], ["serve", "--port", "0"]):
            told = aisle(*command, data=data, status=BUSY)[1]
            assert f"in use by process {server.process.pid}" in told, told
        assert answer("search", data=data)["total"] > 0
        assert answer("recommend", data=data)["items"]
        assert states(data)["lock"] == "note"
        answer("backup", os.path.join(work, "backup-of-served"), data=data)
        port = f"server.port={server.port}"
        assert '"healthy":true' in aisle("doctor", "--health", "--set", port, data=data)[0]
    assert "no server answers" in aisle("doctor", "--health", "--set", port, data=data,
                                        status=FAILED)[1]


def test_a_port_in_use_is_told():
    data = copy_of_shop("port")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([AISLE, "serve", "--data", data, "--address", "127.0.0.1", "--port",
                               str(port)], capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode not in (0, 70), done
        assert str(port) in done.stderr, done.stderr


# --- eval and bench -----------------------------------------------------------------------------

def planted(lacking):
    """40 users of two tastes: all items of the taste but one, or that one."""
    text = ""
    for user in range(40):
        mine = [f"{'ab'[user % 2]}{i}" for i in range(8)]
        gap = mine[user // 2 % 8]
        kept = [item for item in mine if (item == gap) == lacking]
        text += " ".join([f"user{user}", *kept]) + "\n"
    return text


def test_eval_finds_planted_tastes():
    train, test = write("train.txt", planted(False)), write("test.txt", planted(True))
    got = answer("eval", "recommend", "--train", train, "--test", test, "--k", "1", "--params",
                 "dim=4")
    assert got["users"] == 40 and got["items"] == 16 and got["interactions"] == 280
    assert got["recall@1"] == got["ndcg@1"] == got["hit@1"] == 1
    assert got["coverage"] == 1 and got["gini"] < 0.2


def test_eval_measures_other_models_beside_the_factors():
    train, test = write("train.txt", planted(False)), write("test.txt", planted(True))
    evaluate = ("eval", "recommend", "--train", train, "--test", test, "--k", "1", "--model")
    for model, params in (("propagation", "keep=8,dim=2"), ("propagation", "keep=0,dim=2,flat=0"),
                          ("propagation", "keep=8,dim=0"), ("neighbours", "neighbours=8")):
        got = answer(*evaluate, model, "--params", params)
        assert got["model"] == model and got["recall@1"] == 1 and got["users"] == 40, got
        assert got["dim"] == ("dim=2" in params) * 2 and got["peak_memory_bytes"] > 1 << 20
    assert answer(*evaluate, "propagation")["dim"] == 16  # the default, cut to the items
    assert answer(*evaluate, "popularity")["recall@1"] < 1
    assert answer(*evaluate, "als", "--params", "dim=4")["model"] == "als"
    for model, params, said in (
            ("magic", "", "'magic': expected als, propagation, neighbours or popularity"),
            ("neighbours", "dim=2", "this model has no parameter 'dim'"),
            ("propagation", "keep=-1", "keep: not between 0 and 100000"),
            ("propagation", "keep=0,dim=0", "one of keep and dim must be above 0"),
            ("popularity", "keep=1", "this model has no parameter 'keep'")):
        assert said in aisle(*evaluate, model, "--params", params, status=USAGE)[1], (model, params)
    assert "dim 100: at most 16 for 40 users and 16 items" in aisle(
        *evaluate, "propagation", "--params", "dim=100", status=DATA)[1]


def test_eval_reads_pairs_with_and_without_a_header():
    results = []
    for name, header in (("plain", ""), ("headed", "user_id,item_id\n")):
        files = []
        for part in (False, True):
            pairs = [f"{line.split()[0]},{item}" for line in planted(part).splitlines()
                     for item in line.split()[1:]]
            files.append(write(f"{name}{part}.csv", header + "\n".join(pairs) + "\n"))
        got = answer("eval", "recommend", "--format", "pairs", "--train", files[0], "--test",
                     files[1], "--k", "2", "--params", "dim=4")
        results.append((got["users"], got["items"], got["recall@2"]))
    assert results[0] == results[1] == (40, 16, 1)
    bad = write("bad-pairs.csv", "u,i,1\nu\n")
    assert "line 2" in aisle("eval", "recommend", "--format", "pairs", "--train", bad, "--test",
                             bad, status=DATA)[1]


def test_eval_orders_judged_titles():
    rows = ["search_term,product_title,relevance"]
    for query, good, fair in (("red kettle", "Red kettle", "Blue kettle"),
                              ("oak table", "Oak table", "Glass table")):
        rows += [f"{query},{good},3", f"{query},{fair},2", f"{query},Garden hose,1"]
    path = write("judged.csv", "\n".join(rows) + "\n")
    got = answer("eval", "search", "--judgements", path)
    assert (got["queries"], got["titles"], got["judgements"]) == (2, 5, 6)
    assert got["spearman"] == got["ndcg@10"] == got["mrr@10"] == 1
    worse = write("worse.csv", "\n".join(rows).replace(",3", ",0"))
    assert answer("eval", "search", "--judgements", worse)["ndcg@10"] < 0.9


def test_eval_foretells_what_comes_next():
    """A circle of ten items: what follows an item is the next one."""
    lines = [" ".join([f"user{u}", *(f"i{(u + n) % 10}" for n in range(5))]) for u in range(30)]
    path = write("sequences.txt", "\n".join(lines) + "\n")
    attributes = write("attributes.json", json.dumps({f"i{n}": [n % 3, "all"] for n in range(10)}))
    for more in ([], ["--attributes", attributes], ["--validate"], ["--keep-seen"]):
        got = answer("eval", "next", "--sequences", path, "--k", "1", "--params", "back=0", *more)
        assert got["users"] == 30 and got["items"] == 10
        assert got["events"] == (90 if "--validate" in more else 120)
        assert got["hit@1"] == got["ndcg@1"] == got["mrr@1"] == 1
        assert got["popularity"]["hit@1"] <= 0.5
    bad = write("bad-sequences.txt", "ann a b\nbob\n")
    assert "line 2: 'bob' has no items" in aisle("eval", "next", "--sequences", bad,
                                                 status=DATA)[1]
    assert "--params: window: not between" in aisle("eval", "next", "--sequences", path,
                                                    "--params", "window=0", status=USAGE)[1]
    aisle("eval", "next", status=USAGE)


def test_eval_foretells_what_comes_next_in_sessions():
    def clicks(name, first, last):
        lines = ["SessionId\tItemId\tTime"]
        lines += [f"{u}\ti{(u + n) % 10}\t{u * 100 + n}.5" for u in range(first, last)
                  for n in range(4)]
        return write(name, "\n".join(lines) + "\n")
    train, test = clicks("known.tsv", 0, 50), clicks("coming.tsv", 50, 60)
    got = answer("eval", "sessions", "--train", train, "--test", test, "--k", "1", "--params",
                 "back=0,idf_power=0")
    assert (got["sessions"], got["known_sessions"], got["events"], got["items"]) == (10, 50, 30, 10)
    assert got["hit@1"] == got["mrr@1"] == 1 and got["popularity"]["hit@1"] < 0.5
    assert 0 < got["p50_us"] <= got["p99_us"]
    events = write("events.csv", "SessionId;Position\n50;0\n51;2\n")
    assert answer("eval", "sessions", "--train", train, "--test", test, "--events",
                  events)["events"] == 2
    bad = write("bad-clicks.tsv", "SessionId\tItemId\tTime\n1\ta\tNaN\n")
    assert "line 2: time: 'NaN'" in aisle("eval", "sessions", "--train", bad, "--test", test,
                                          status=DATA)[1]
    aisle("eval", "sessions", "--train", train, status=USAGE)


def test_lists_for_all_are_those_that_each_would_get():
    out = os.path.join(work, "all.jsonl")
    got = answer("recommend", "--all", "--limit", "6", "--out", out)
    users = [user["id"] for user in lines("export", "users")
             if user.get("personalise", True)]
    with open(out, encoding="utf-8") as file:
        letters = [json.loads(line) for line in file]
    assert [letter["user_id"] for letter in letters] == users
    assert got["shoppers"] == len(users) and got["shoppers_per_s"] > 0
    assert got["products"] == sum(len(letter["items"]) for letter in letters)
    for user in users[:3]:
        one = answer("recommend", "--user", user, "--limit", "6")
        letter = letters[users.index(user)]
        assert [item["id"] for item in letter["items"]] == [item["id"] for item in one["items"]]
    with open(out, "rb") as file:
        before = file.read()
    alone = os.path.join(work, "alone.jsonl")
    answer("recommend", "--all", "--limit", "6", "--threads", "1", "--out", alone)
    assert len(before.splitlines()) == len(open(alone, "rb").read().splitlines())
    aisle("recommend", "--all", status=USAGE)
    aisle("recommend", "--out", out, status=USAGE)
    aisle("recommend", "--all", "--out", out, "--user", users[0], status=USAGE)
    aisle("recommend", "--all", "--out", out, "--placement", "similar", status=DATA)
    assert open(out, "rb").read() == before
    aisle("recommend", "--all", "--out", os.path.join(work, "no", "x"), status=NO_INPUT)


def test_eval_measures_what_is_bought_again():
    got = answer("eval", "again")
    assert got["shoppers"] > 0 and got["bought_again"] >= got["shoppers"]
    for name in ("again", "most_recently_bought", "most_often_bought"):
        assert 0 <= got[name]["recall@5"] <= got[name]["recall@10"] <= got[name]["recall@20"] <= 1
    aisle("eval", "again", "--test-share", "2", status=USAGE)


def test_eval_estimates_a_policy_from_the_log_of_another():
    # Two actions, drawn evenly; "a" always pays. The target takes "a" three times in four.
    rows = [{"shopper": f"s{i}", "action": "ab"[i % 2], "propensity": 0.5, "reward": 1 - i % 2,
             "target_propensity": 0.75 - 0.5 * (i % 2)} for i in range(200)]
    log = write("decisions.jsonl", "\n".join(map(json.dumps, rows)))
    got = answer("eval", "ope", "--log", log, "--columns", "context=shopper")
    assert (got["decisions"], got["contexts"], got["matched"]) == (200, 200, 200)
    assert got["logged"]["value"] == 0.5 and got["weight"]["value"] == 1
    assert got["ips"]["value"] == got["snips"]["value"] == 0.75
    assert got["ips"]["low"] < 0.75 < got["ips"]["high"]
    assert got["plausible"] and got["reliable"] and "dr" not in got
    assert answer("eval", "ope", "--log", log, "--clip", "1")["clipped"] == 100
    rows[4]["propensity"] = 0
    bad = write("bad_decisions.jsonl", "\n".join(map(json.dumps, rows)))
    assert "line 5: propensity: 0" in aisle("eval", "ope", "--log", bad, status=DATA)[1]
    aisle("eval", "ope", status=USAGE)
    aisle("eval", "ope", "--log", log, "--clip", "x", status=USAGE)
    aisle("eval", "ope", "--log", log, "--level", "2", status=DATA)
    aisle("eval", "ope", "--log", "nowhere", status=NO_INPUT)


def test_eval_measures_whole_lists_of_the_shop_s_past():
    got = answer("eval", "lists")
    assert list(got["placements"]) == ["home", "home_guest", "similar", "viewed_after",
                                       "bought_together", "cart"]
    for name, lists in got["placements"].items():
        assert lists["lists"] > 0 and 0 <= lists["ndcg@20"] <= lists["hit@20"] <= 1, name
    home = ["eval", "lists", "--placement", "home", "--k", "10", "--lists", "50"]
    whole = answer(*home)["placements"]["home"]
    assert whole["lists"] == 50
    nothing = answer(*home, "--weights", "home.factors=0,home.profile_near=0,home.profile_with=0,"
                     "home.profile_next=0,home.profile_alike=0,home.sessions=0,"
                     "home.trending=0")["placements"]["home"]
    assert nothing["weights"]["factors"] == 0 and nothing["ndcg@10"] < whole["ndcg@10"]
    tuned = answer(*home, "--tune")["placements"]["home"]
    assert tuned["ndcg@10"] >= whole["ndcg@10"]
    assert "home.x" not in aisle("eval", "lists", "--weights", "home.x=1", status=USAGE)[0]
    assert "'attic'" in aisle("eval", "lists", "--weights", "attic.near=1", status=USAGE)[1]
    aisle("eval", "lists", "--placement", "new", status=USAGE)
    aisle("eval", "lists", "--test-share", "1", status=USAGE)
    aisle("eval", "lists", "--until", "1999-01-01T00:00:00Z", status=DATA)


def test_eval_lists_the_header_where_a_column_is_missing():
    path = write("odd.csv", "q,t,g\nkettle,Kettle,1\n")
    assert "the header is: q, t, g" in aisle("eval", "search", "--judgements", path,
                                             status=DATA)[1]
    got = answer("eval", "search", "--judgements", path, "--columns", "query=q,title=t,grade=g")
    assert got["judgements"] == 1
    assert "there is no 'grad'" in aisle("eval", "search", "--judgements", path, "--columns",
                                         "grad=g", status=DATA)[1]


def test_bench_prints_figures_with_their_limits():
    small = {"ingest": ["--events", "2000", "--singles", "200", "--products", "50"],
             "recommend": ["--requests", "100"], "search": ["--requests", "100"], "train": []}
    before = set(os.listdir(shop))
    for name, args in small.items():
        figures = lines("bench", name, *args)
        assert figures and all(f["bench"] == name and f["value"] >= 0 for f in figures)
        assert name == "train" or figures[0]["limit_value"] > 0
    assert set(os.listdir(shop)) <= before | {"aisle.db-wal", "aisle.db-shm"}


def matrix(columns, rows, cells, offsets):
    path = os.path.join(work, "matrix.bin")
    with open(path, "wb") as f:
        f.write(struct.pack("<3q", rows, columns, len(cells)))
        f.write(struct.pack(f"<{len(offsets)}q{len(cells)}i", *offsets, *cells))
    return path


ALS_FIGURES = {"cells", "sweep_ms", "sweep_gflops", "peak_mib", "loss_per_1000_cells", "lists_per_s",
               "fold_in_p50", "fold_in_p99"}


def test_bench_draws_a_matrix_that_depends_on_the_seed_alone():
    def drawn(*more):
        figures = lines("bench", "train", "--users", "500", "--items", "300", "--cells", "9000", "--dim", "8", *more)
        assert {f["figure"] for f in figures} == ALS_FIGURES
        return {f["figure"]: f["value"] for f in figures}
    one, two, other = drawn("--threads", "1"), drawn("--threads", "2"), drawn("--seed", "2")
    assert 7000 < one["cells"] < 11000
    for same in ("cells", "loss_per_1000_cells"):
        assert one[same] == two[same] != other[same]
    aisle("bench", "train", "--users", "0", status=USAGE)


def test_refits_need_something_that_serves_and_take_no_parameters():
    aisle("train", "--refit", "--params", "dim=8", status=USAGE)
    aisle("train", "--refit", "--auto", status=USAGE)
    got = answer("train", "--refit")
    assert got["refit"]["full"] is False and got["refit"]["skipped"] is True, got["refit"]
    assert got["version"] is None and "came back" in got["refit"]["why"]
    told = answer("eval", "refit", "--rounds", "2", "--every", "48")
    assert len(told["rounds"]) == 2 and told["shoppers"] > 0
    assert told["full"]["ndcg@20"] > 0 and told["refit"]["ndcg@20"] > told["full"]["ndcg@20"] / 2
    assert told["stale"]["ndcg@20"] > 0


def test_bench_times_als_on_a_matrix_and_refuses_what_is_none():
    good = {"columns": 3, "rows": 3, "cells": [0, 2, 1, 0, 1, 2], "offsets": [0, 2, 3, 6]}
    for block in ("0", "16"):
        figures = lines("bench", "train", "--matrix", matrix(**good), "--dim", "20", "--block", block)
        assert {f["figure"] for f in figures} == ALS_FIGURES
    for wrong, says in (({"offsets": [0, 2, 1, 6]}, "row 1"), ({"offsets": [1, 2, 3, 6]}, "span"),
                        ({"offsets": [0, 2, 3, 5]}, "span"), ({"offsets": [0, 2, 3]}, "not rows"),
                        ({"cells": [0, 2, 1, 0, 1, 3]}, "column 3 of row 2"),
                        ({"cells": [0, 2, -1, 0, 1, 2]}, "column -1 of row 1"),
                        ({"cells": [2, 2, 1, 0, 1, 2]}, "column 2 of row 0"),
                        ({"rows": 0}, "not rows"), ({"rows": 2 ** 62}, "not rows"),
                        ({"columns": 2 ** 40}, "not rows"), ({"columns": 0}, "not rows")):
        told = aisle("bench", "train", "--matrix", matrix(**{**good, **wrong}), status=DATA)[1]
        assert "matrix.bin" in told and says in told, (wrong, told)
    assert "not rows" in aisle("bench", "train", "--matrix", write("short.bin", "x"), status=DATA)[1]


# --- running ------------------------------------------------------------------------------------

def main():
    wanted = sys.argv[1:]
    tests = [(name[5:].replace("_", " "), fn) for name, fn in globals().items()
             if name.startswith("test_") and (not wanted or any(w in name for w in wanted))]
    print(f"1..{len(tests)}")
    failed = 0
    try:
        demo = ["demo", "--products", "200", "--users", "300", "--events", "5000", "--quiet"]
        aisle(*demo)
        for n, (name, fn) in enumerate(tests, 1):
            try:
                fn()
                print(f"ok {n} - {name}", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {n} - {name}", flush=True)
                where = e.__traceback__
                while where.tb_next and where.tb_next.tb_frame.f_code.co_name == fn.__name__:
                    where = where.tb_next
                print(f"# line {where.tb_lineno}: {type(e).__name__}: {e}".replace("\n", "\n# "),
                      flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
