#!/usr/bin/env python3
"""Commands that write do and print the same whether a server holds the folder or not."""

import json
import os
import re
import socket
import stat
import subprocess

from shop import (AISLE, ENVIRONMENT, Server, Shop, aisle, copy_folder, equal, folder, guest, product,
                  run, test, wait_until)

USER, OTHER = "lin-mei", "somebody"


def run_command(path, *words):
    """(status, output, messages) of a command, without what differs by nature."""
    done = aisle(*words, "--data", path, check=False)
    text = re.sub(r"[aps]k_[\w-]{32}", "KEY", done.stdout)
    text = re.sub(r"[aps]k_[\w-]{4}", "HINT", text)
    text = re.sub(r"\d{8}T\d{6}-\d+", "VERSION", text)
    text = re.sub(r'"(changes|jobs|log_emptied)":\w+', "", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    return done.returncode, text, done.stderr.replace(path, "DIR")


COMMANDS = [
    ("key", "create", "--scope", "admin", "--name", "ops"),
    ("key", "create", "--scope", "server", "--json"),
    ("key", "create", "--scope", "king"),
    ("key", "list"),
    ("key", "revoke", "3"),
    ("key", "revoke", "3"),
    ("key", "revoke", "x"),
    ("key", "revok", "4"),
    ("key", "revoke"),
    ("key", "list", "--json"),
    ("user", "join", USER, guest(1)),
    ("user", "join", OTHER, guest(1)),
    ("user", "join", OTHER, guest(2), "--json"),
    ("user", "show", USER),
    ("user", "part", guest(1)),
    ("user", "part", guest(1)),
    ("user", "part", guest(2), "--json"),
    ("user", "delete", "nobody"),
    ("user", "delete", USER, "--json"),
    ("user", "show", USER),
    ("models", "rollback"),
    ("models", "publish", "x"),
    ("models", "gc", "--keep", "1"),
    ("models", "gc", "--keep", "-1"),
    ("import", "events", "--quarantine", "retry", "--json"),
    ("import", "events", "--quarantine", "retry", "--mapping", "/nothing.yaml"),
    ("import", "--quarantine", "retry"),
    ("import", "--quarantine", "list"),
    ("compact", "--json"),
]


@test("every command ends and prints the same beside a server as without one")
def same(path):
    shop = Shop(os.path.join(path, "stopped"))
    copy = os.path.join(path, "running")
    copy_folder(shop.path, copy)
    original, shop.path = shop.path, copy
    with Server(shop) as server:
        for words in COMMANDS:
            equal(run_command(copy, *words), run_command(original, *words), " ".join(words))
        assert server.process.poll() is None
        equal(server.stop(), 0)
    # and what stands in the record is the same
    for words in (("key", "list"), ("user", "show", OTHER), ("models", "list")):
        equal(run_command(copy, *words), run_command(original, *words), " ".join(words))


@test("a server without any key gets its first admin key from its machine, and the key counts at once")
def first_key(path):
    bare = os.path.join(path, "bare")
    feed = os.path.join(path, "bare.jsonl")
    with open(feed, "w", encoding="utf-8") as f:
        f.write(json.dumps(product("first")) + "\n")
    aisle("import", "products", feed, "--data", bare)
    shop = Shop.__new__(Shop)
    shop.path = bare
    with Server(shop) as server:
        for _ in range(10):
            made = json.loads(aisle("key", "create", "--scope", "admin", "--json", "--data",
                                    bare).stdout)
            server.client(made["key"]).must(200, "GET", "/v1/keys")
            aisle("key", "revoke", str(made["no"]), "--force", "--data", bare)
            server.client(made["key"]).must(401, "GET", "/v1/keys")


@test("the next request of a shopper sees what a command did")
def fresh(path):
    shop = Shop(os.path.join(path, "fresh"))
    with Server(shop) as server:
        backend = server.backend()
        for n in range(5):
            backend.must(201, "PUT", f"/v1/users/u{n}", {})
            aisle("user", "delete", f"u{n}", "--data", shop.path)
            backend.must(404, "GET", f"/v1/users/u{n}")


@test("training beside a server: this process trains, the server publishes and serves it")
def training(path):
    shop = Shop(os.path.join(path, "train"))
    with Server(shop) as server:
        before = server.admin().get("/v1/models/recommend")["items"]
        done = aisle("train", "--data", shop.path)  # with the live parameters: no gate can fail
        assert "It is published." in done.stdout, done.stdout
        after = server.admin().get("/v1/models/recommend")["items"]
        equal(len(after), len(before) + 1)
        live = next(m["version"] for m in after if m["live"])
        assert live in done.stdout
        wait_until(lambda: server.client().get("/readyz")["view"]["model"] == live, "it serves")
        server.admin().must(200, "POST", "/v1/models/recommend/rollback")
        aisle("models", "publish", live, "--data", shop.path)
        wait_until(lambda: server.client().get("/readyz")["view"]["model"] == live, "it serves")


@test("the socket is its owner's alone, asks for no key, and goes with the server")
def socket_file(path):
    shop = Shop(os.path.join(path, "socket"))
    at = os.path.join(shop.path, "control.sock")
    with Server(shop) as server:
        equal(stat.S_IMODE(os.stat(at).st_mode), 0o600)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(at)
            s.sendall(b"GET /v1/keys HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 200"), answer
        equal(server.stop(), 0)
    assert not os.path.exists(at)


@test("through a port there is no command, with whatever key")
def not_by_port(path):
    shop = Shop(os.path.join(path, "port"))
    with Server(shop) as server:
        body = {"command": "key", "words": ["list"]}
        for key in (None, shop.admin, shop.server):
            answer = server.client(key).call("POST", "/control/command", body)
            equal(answer.status, 404)
            assert b"control" not in server.client(key).call("OPTIONS", "/control/command").body
        server.client().must(401, "GET", "/v1/keys")


@test("what a killed server left is replaced; another file in the way is left alone, and told")
def stale(path):
    shop = Shop(os.path.join(path, "stale"))
    at = os.path.join(shop.path, "control.sock")
    with Server(shop) as server:
        server.kill()
        assert os.path.exists(at)
        aisle("key", "create", "--scope", "server", "--data", shop.path)  # nobody holds the folder
        server.start()
        aisle("key", "create", "--scope", "server", "--data", shop.path)
        equal(server.stop(), 0)
        with open(at, "w", encoding="utf-8") as f:
            f.write("mine")
        server.start()
        assert "no control socket" in server.log_text()
        done = aisle("key", "create", "--scope", "server", "--data", shop.path, check=False)
        equal(done.returncode, 75)
        with open(at, encoding="utf-8") as f:
            equal(f.read(), "mine")


@test("a folder with a path longer than a socket's address has a control socket too")
def long_path(path):
    deep = os.path.join(path, *[f"a-folder-with-a-rather-long-name-{n}" for n in range(5)])
    os.makedirs(deep)
    shop = Shop(os.path.join(deep, "shop"), demo=False)
    assert len(os.path.join(shop.path, "control.sock")) > 108
    with Server(shop) as server:
        made = json.loads(aisle("key", "create", "--scope", "admin", "--json", "--data",
                                shop.path).stdout)
        server.client(made["key"]).must(200, "GET", "/v1/keys")


@test("beside a holder that is no server a command is refused, and told to wait")
def no_server(path):
    shop = Shop(os.path.join(path, "held"), demo=False)
    holder = subprocess.Popen([AISLE, "import", "events", "-", "--data", shop.path], env=ENVIRONMENT,
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, cwd="/")
    lock = os.path.join(shop.path, "lock")
    try:
        def held():
            with open(lock, encoding="utf-8") as f:
                return f.read().strip() == str(holder.pid)
        wait_until(held, "the folder is held")
        for words in (("key", "create", "--scope", "admin"), ("train",), ("models", "gc"),
                      ("user", "part", guest(1))):
            done = aisle(*words, "--data", shop.path, check=False)
            equal(done.returncode, 75, done.stderr)
            assert str(holder.pid) in done.stderr and "wait until" in done.stderr, done.stderr
    finally:
        holder.stdin.close()
        holder.wait()


@test("beside a read-only server a command writes by itself, and the server knows a new key")
def read_only(path):
    shop = Shop(os.path.join(path, "read-only"))
    with Server(shop, "--read-only") as server:
        assert not os.path.exists(os.path.join(shop.path, "control.sock"))
        made = json.loads(aisle("key", "create", "--scope", "admin", "--json", "--data",
                                shop.path).stdout)
        client = server.client(made["key"])
        wait_until(lambda: client.call("GET", "/v1/keys").status == 200, "the key counts")
        error = client.must(503, "POST", "/v1/keys", {"scope": "server"})["error"]
        assert "aisle" in error["message"], error


@test("a command line that is none of ours is refused and changes nothing")
def nonsense(path):
    shop = Shop(os.path.join(path, "nonsense"))
    with Server(shop) as server:
        for body in (b"", b"{}", b"[]", b'{"command":"serve"}', b'{"command":"nothing"}',
                     b'{"words":["create"],"command":"key"}', b'{"command":"key"}',
                     b'{"command":"key","words":[' + b'"a",' * 70 + b'"b"]}',
                     b'{"command":"key","words":["list"],"flags":{"--nothing":"x"}}',
                     b'{"command":"key","words":["list"],"x":1}',
                     b'{"command":"key","words":[1]}', b'{"command":"key","words":"list"}'):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.path.join(shop.path, "control.sock"))
                s.sendall(b"POST /control/command HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                          b"Content-Length: %d\r\n\r\n" % len(body) + body)
                answer = s.recv(65536)
            assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 413", b"HTTP/1.1 415"), (body, answer)
        server.client().get("/readyz")


if __name__ == "__main__":
    with folder() as where:
        run(where)
