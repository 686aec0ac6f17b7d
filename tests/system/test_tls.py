#!/usr/bin/env python3
"""Certificates are replaced while the server serves: by SIGHUP, and by looking at the files."""

import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time

from shop import PATIENCE_S, Server, Shop, equal, folder, run, test, wait_until


def make_pair(path, name):
    """A certificate of its own for localhost, named by its CN, as a folder with tls.crt and tls.key."""
    os.makedirs(path)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", f"{path}/tls.key", "-out", f"{path}/tls.crt", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)


class Secret:
    """A folder as Kubernetes mounts a secret: tls.crt -> ..data/tls.crt, and ..data -> a folder of a version."""

    def __init__(self, path):
        self.path, self.made = path, 0
        os.makedirs(path)
        self.put("one")
        for name in ("tls.crt", "tls.key"):
            os.symlink(os.path.join("..data", name), os.path.join(path, name))

    def put(self, name, spoil=None):
        """Swap in a new pair at once; spoil(folder) breaks it before."""
        self.made += 1
        version = os.path.join(self.path, f"..version-{self.made}")
        make_pair(version, name)
        if spoil:
            spoil(version)
        fresh = os.path.join(self.path, "..data_tmp")
        os.symlink(os.path.basename(version), fresh)
        os.rename(fresh, os.path.join(self.path, "..data"))

    def file(self, name):
        return os.path.join(self.path, name)


class TlsServer(Server):
    def _ready(self):
        assert self.process.poll() is None, f"the server ended: {self.log_text()}"
        try:
            return presented(self) is not None
        except OSError:
            return False

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)


def presented(server):
    """The CN that a new connection of openssl's own client sees."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername",
                           "localhost"], input="", capture_output=True, text=True, check=False)
    found = re.search(r"subject=.*?CN ?= ?(\S+)", done.stdout)
    return found and found.group(1)


def connect(server):
    anything = ssl.create_default_context()
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    conn = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE_S, context=anything)
    conn.connect()
    return conn


def ask(conn):
    conn.request("GET", "/readyz")
    reply = conn.getresponse()
    reply.read()
    return reply.status


@test("SIGHUP reads the pair again; what is connected goes on, and curl trusts the new one")
def by_signal(server, secret):
    kept = connect(server)
    equal((ask(kept), presented(server)), (200, "one"))
    sock = kept.sock
    secret.put("two")
    server.hang_up()
    wait_until(lambda: presented(server) == "two", "the new certificate is shown")
    equal((ask(kept), kept.sock is sock), (200, True), "the same connection")
    if shutil.which("curl"):
        done = subprocess.run(["curl", "-sf", "--cacert", secret.file("tls.crt"), "--resolve",
                               f"localhost:{server.port}:127.0.0.1",
                               f"https://localhost:{server.port}/healthz"], capture_output=True,
                              text=True, check=False)
        equal((done.returncode, done.stdout), (0, '{"healthy":true}'), done.stderr)
    kept.close()


@test("a pair that is broken in any way is logged, and the old one stays until a good one comes")
def broken(server, secret):
    def other_key(version):
        make_pair(version + "-other", "other")
        shutil.copy(f"{version}-other/tls.key", f"{version}/tls.key")

    def empty(version):
        with open(f"{version}/tls.crt", "w", encoding="utf-8"):
            pass

    def no_key(version):
        os.remove(f"{version}/tls.key")

    for number, spoil in enumerate((other_key, empty, no_key)):
        said = server.log_text().count("the old one stays")
        secret.put(f"bad-{number}", spoil)
        server.hang_up()
        wait_until(lambda said=said: server.log_text().count("the old one stays") == said + 1, "it is said")
        equal(presented(server), "two")
    assert "tls.key" in server.log_text() and "tls.crt" in server.log_text()
    secret.put("three")
    server.hang_up()
    wait_until(lambda: presented(server) == "three", "a good one is taken")
    text = server.log_text()
    for line in text.splitlines():
        assert "PRIVATE" not in line, line


@test("without a signal the files are looked at, and a broken pair is told once")
def by_looking(server, secret):
    server.stop()
    server.settings = (*server.settings, "server.tls_reload=100ms")
    server.start()
    kept = connect(server)
    equal(ask(kept), 200)
    secret.put("four")
    wait_until(lambda: presented(server) == "four", "it was seen")
    said = server.log_text().count("the old one stays")
    secret.put("bad", lambda version: os.remove(f"{version}/tls.key"))
    wait_until(lambda: server.log_text().count("the old one stays") > said, "it is said")
    time.sleep(1)
    equal(server.log_text().count("the old one stays"), said + 1)
    equal(presented(server), "four")
    # written in place, the certificate first and the key later, as a careless script does
    target = os.path.realpath(secret.file("tls.crt"))
    make_pair(secret.file("careless"), "five")
    shutil.copy(secret.file("careless/tls.crt"), target)
    time.sleep(0.3)
    equal(presented(server), "four")
    shutil.copy(secret.file("careless/tls.key"), os.path.join(os.path.dirname(target), "tls.key"))
    wait_until(lambda: presented(server) == "five", "the pair is whole")
    equal(ask(kept), 200)
    kept.close()


@test("swapped fifty times under connections that come and go, none fails")
def under_load(server, secret):
    versions = []
    for n in range(5):
        make_pair(secret.file(f"load-{n}"), f"load-{n}")
        versions.append(f"load-{n}")
    ended, wrong, count = threading.Event(), [], [0] * 4

    def work(n):
        while not ended.is_set():
            try:
                conn = connect(server)
                statuses = [ask(conn), ask(conn)]
                conn.close()
                if statuses != [200, 200]:
                    wrong.append(statuses)
                count[n] += 1
            except Exception as why:
                wrong.append(why)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for n in range(50):
        fresh = secret.file("..data_tmp")
        os.symlink(versions[n % 5], fresh)
        os.rename(fresh, secret.file("..data"))
        server.hang_up()
        time.sleep(0.02)
    ended.set()
    for t in threads:
        t.join()
    equal(wrong, [])
    assert min(count) > 0, count
    wait_until(lambda: presented(server) == "load-4", "the last one is shown")
    equal(server.stop(), 0)


@test("without a certificate a hang-up ends the process, as that of a terminal should")
def plain(server, _secret):
    # what nohup sets is inherited
    with Server(server.shop, wrap=("env", "--default-signal=HUP")) as other:
        other.process.send_signal(signal.SIGHUP)
        equal(other.process.wait(PATIENCE_S), -signal.SIGHUP)
        other.process.returncode = 0  # as it was meant


def main():
    if not shutil.which("openssl"):
        print("1..0 # SKIP openssl is not here")
        return
    with folder() as path:
        shop = Shop(os.path.join(path, "shop"), demo=False)
        secret = Secret(os.path.join(path, "secret"))
        settings = (f"server.tls_cert={secret.file('tls.crt')}", f"server.tls_key={secret.file('tls.key')}",
                    "server.tls_reload=0s")
        with TlsServer(shop, settings=settings) as server:
            run(server, secret)


if __name__ == "__main__":
    main()
