"""A shop in a folder of its own, a server on it, and a client: what the system tests stand on.

A test file is a list of functions decorated with @test; run() prints TAP. The program under test is
$AISLE_BIN or $AISLE, else build/release/aisle.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from urllib.parse import quote, urlencode

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AISLE = os.path.abspath(os.environ.get("AISLE_BIN") or os.environ.get("AISLE")
                        or os.path.join(ROOT, "build/release/aisle"))
# AISLE_... in the environment are settings: what the caller has set is none of the tests' business.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AISLE")}
PATIENCE_S = 60 * float(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))
# under a sanitizer the process holds memory that is none of ours
SANITIZED = "SANITIZER_REPORTS" in os.environ


class Skip(Exception):
    """This machine cannot tell."""


_tests = []


def test(sentence):
    """The decorated function is a test; its name is a sentence."""
    def keep(fn):
        _tests.append((sentence, fn))
        return fn
    return keep


def run(*args):
    """Run every test with args and end the process: 1 if one failed."""
    wanted = sys.argv[1:]
    chosen = [t for t in _tests if not wanted or any(w in t[0] for w in wanted)]
    print(f"1..{len(chosen)}")
    failed = 0
    for number, (sentence, fn) in enumerate(chosen, 1):
        try:
            fn(*args)
            print(f"ok {number} - {sentence}", flush=True)
        except Skip as why:
            print(f"ok {number} - {sentence} # SKIP {why}", flush=True)
        except Exception:  # a test may fail in any way
            failed += 1
            print(f"not ok {number} - {sentence}")
            print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    sys.exit(1 if failed else 0)


def equal(got, expected, what=""):
    assert got == expected, f"{what}: got {got!r}, expected {expected!r}"


def wait_until(condition, what, seconds=PATIENCE_S):
    """Wait for something that must come; give its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not after {seconds} s"
        time.sleep(0.01)


# --- command line ------------------------------------------------------------------------------

def aisle(*args, check=True):
    """Run a command to its end."""
    done = subprocess.run([AISLE, *args], capture_output=True, text=True, check=False, cwd="/",
                          env=ENVIRONMENT)
    if check and done.returncode != 0:
        raise AssertionError(f"aisle {' '.join(args)}: {done.returncode}\n{done.stderr}")
    return done


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="aisle-system-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def copy_folder(path, to):
    """A data folder as it lies there; a running server's socket is no part of it."""
    shutil.copytree(path, to, ignore=shutil.ignore_patterns("*.sock"))


class Shop:
    """A data folder with a key of each scope: a demonstration shop, or one with a single product."""

    def __init__(self, path, demo=True, products=300, users=300, events=5000):
        self.path = path
        if demo:
            aisle("demo", "--data", path, "--products", str(products), "--users", str(users),
                  "--events", str(events), "--quiet")
        else:
            feed = path + ".jsonl"
            with open(feed, "w", encoding="utf-8") as f:
                f.write('{"id": "first", "title": "First thing"}\n')
            aisle("import", "products", "--data", path, feed)
        self.server = self._make_key("server")
        self.admin = self._make_key("admin")
        self.public = self._make_key("public")

    def at(self, path):
        """The same shop, copied to a folder: its keys are those."""
        copy = Shop.__new__(Shop)
        copy.__dict__.update(self.__dict__, path=path)
        return copy

    def _make_key(self, scope):
        made = json.loads(aisle("key", "create", "--scope", scope, "--data", self.path,
                                "--json").stdout)
        if scope == "server":
            self.server_no = made["no"]
        return made["key"]

    def token(self, user_id, life_s=3600, alg="HS256", key=None):
        """A shopper token as a shop's backend signs it (docs/http-api.md)."""
        def b64(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        head = b64(json.dumps({"alg": alg, "kid": str(self.server_no)}).encode())
        body = b64(json.dumps({"sub": user_id, "exp": int(time.time()) + life_s}).encode())
        secret = hashlib.sha256((key or self.server).encode()).digest()
        mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        return f"{head}.{body}.{b64(mac)}"


# --- server and client -------------------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Client:
    """One connection; kept alive, opened again where the server closed it."""

    def __init__(self, port, key=None, token=None):
        self.port, self.key, self.token = port, key, token
        self.conn = None

    def call(self, method, path, body=None, query=None, headers=None, key="", token=""):
        """body: bytes or text as it is, anything else as JSON. key, token: None for none."""
        head = dict(headers or {})
        key = self.key if key == "" else key
        token = self.token if token == "" else token
        if key:
            head["Authorization"] = f"Bearer {key}"
        if token:
            head["X-Shopper-Token"] = token
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            head.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        if query:
            path += "?" + urlencode(query)
        if self.conn is None:
            self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            self.conn.request(method, path, body, head)
            reply = self.conn.getresponse()
            answer = Answer(reply.status, reply.headers, reply.read())
        except BaseException:
            self.close()
            raise
        if reply.will_close:
            self.close()
        return answer

    def close(self):
        if self.conn:
            self.conn.close()
            self.conn = None

    def must(self, status, method, path, body=None, **more):
        """Call and expect a status; gives the JSON where there is some."""
        answer = self.call(method, path, body, **more)
        expected = status if isinstance(status, tuple) else (status,)
        assert answer.status in expected, f"{method} {path}: {answer} (expected {status})"
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.json if is_json and answer.body else answer

    def get(self, path, **query):
        return self.must(200, "GET", path, query=query)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """aisle serve on a shop."""

    def __init__(self, shop, *flags, settings=(), wrap=()):
        self.shop, self.port = shop, free_port()
        self.flags, self.settings, self.wrap = flags, settings, wrap
        self.process = None
        self.start()

    def start(self):
        command = [*self.wrap, AISLE, "serve", "--data", self.shop.path, "--port", str(self.port),
                   "--address", "127.0.0.1", *self.flags]
        for setting in ("server.access_log=false", *self.settings):
            command += ["--set", setting]
        self.log = open(os.path.join(os.path.dirname(self.shop.path) or "/tmp",
                                     f"serve-{self.port}.log"), "ab+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd="/",
                                        env=ENVIRONMENT)
        wait_until(self._ready, "the server is ready")

    def _ready(self):
        assert self.process.poll() is None, f"the server ended: {self.log_text()}"
        try:
            return self.client().call("GET", "/readyz").status == 200
        except OSError:
            return False

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def client(self, key=None, token=None):
        return Client(self.port, key, token)

    def admin(self):
        return self.client(self.shop.admin)

    def backend(self):
        return self.client(self.shop.server)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        """It ends well, also where a test before has failed: that is when a sanitizer tells of leaks."""
        if self.process.poll() is None:
            if kind in (None, SystemExit):
                self.stop()
            else:
                self.kill()
        status, said = self.process.returncode, self.log_text()
        self.log.close()
        if status not in (0, -signal.SIGKILL):
            raise AssertionError(f"the server ended with {status}: {said[-10000:]}")


def run_on_demo(settings=(), **sizes):
    """Run every test of the file on one demonstration shop with a server."""
    with folder() as path:
        shop = Shop(os.path.join(path, "shop"), **sizes)
        with Server(shop, settings=settings) as server:
            run(server)


def in_threads(n, fn):
    """Run fn(0) .. fn(n - 1) at once; their results in order. Raises what the first one raised."""
    results, errors = [None] * n, []
    gate = threading.Barrier(n)

    def work(i):
        try:
            gate.wait()
            results[i] = fn(i)
        except Exception as why:
            errors.append(why)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results


def path_of(*parts):
    return "/" + "/".join(quote(p, safe="") for p in parts)


def product(product_id, **fields):
    """A product to write; what is not given is plain."""
    return {"id": product_id, "title": f"Thing {product_id}", "category": "Test > Things",
            "price": 1000, "currency": "CNY", "stock": 10, **fields}


def guest(n):
    """An anonymous id."""
    return hashlib.md5(f"guest {n}".encode()).hexdigest()
