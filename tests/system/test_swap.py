#!/usr/bin/env python3
"""Models swapped under load: no error, no memory kept, no old file left mapped.

SWAPS says how many times (20); LOAD_THREADS how many clients ask meanwhile (4). SWAP_SECONDS spreads the swaps
over so long, with 1,000 requests/s more on a fixed schedule (0: as fast as they go, and no more).
"""

import json
import os
import subprocess
import threading
import time

from shop import AISLE, ENVIRONMENT, SANITIZED, equal, run_on_demo, test, wait_until

SWAPS = int(os.environ.get("SWAPS", "20"))
LOAD_THREADS = int(os.environ.get("LOAD_THREADS", "4"))
SWAP_SECONDS = float(os.environ.get("SWAP_SECONDS", "0"))
RATE = 1000


class Load:
    """Clients that ask without rest; every answer that is not 200 is kept."""

    def __init__(self, server):
        self.server, self.ended, self.asked, self.wrong = server, False, 0, []
        self.versions = set()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(LOAD_THREADS)]

    def _run(self, n):
        client, asked = self.server.client(self.server.shop.public), 0
        paths = ["/v1/recommendations?limit=5", "/v1/search?q=tea&limit=5",
                 "/v1/recommendations?placement=similar&product_id=oolong-tea-0001-50g&limit=5"]
        while not self.ended:
            try:
                answer = client.call("GET", paths[(n + asked) % 3])
                if answer.status != 200 or not answer.json["items"]:
                    self.wrong.append(answer)
                elif "models" in answer.json:
                    self.versions.add(answer.json["models"]["recommend"])
            except Exception as why:
                self.wrong.append(why)
            asked += 1
        self.asked += asked

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.ended = True
        for t in self.threads:
            t.join()


class Schedule:
    """RATE requests/s for as long as the swaps take, by `aisle bench http`; nothing where they have no time."""

    def __init__(self, server):
        self.server, self.process = server, None

    def __enter__(self):
        if SWAP_SECONDS:
            paths = self.server.shop.path + ".paths"
            with open(paths, "w", encoding="utf-8") as f:
                f.write("/v1/recommendations?limit=10\n/v1/search?q=tea&limit=10\n")
            self.process = subprocess.Popen(
                [AISLE, "bench", "http", "--port", str(self.server.port), "--key",
                 self.server.shop.public, "--paths", paths, "--rate", str(RATE), "--seconds",
                 str(int(SWAP_SECONDS)), "--connections", "16"],
                stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        return self

    def __exit__(self, *exc):
        if self.process:
            lines, _ = self.process.communicate()
            equal(self.process.returncode, 0, "aisle bench http")
            figures = {f["figure"]: f["value"] for f in map(json.loads, lines.splitlines())}
            equal((figures["errors"], figures["unsent"]), (0, 0), figures)
            print(f"# {figures}")


def resident_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def mapped_models(server):
    """Versions whose files the process has mapped; a deleted one keeps its name in maps."""
    with open(f"/proc/{server.process.pid}/maps", encoding="utf-8") as f:
        return {line.split("/models/")[1].split("/")[1] for line in f if "/models/" in line}


def versions(admin):
    return [m["version"] for m in admin.get("/v1/models/recommend")["items"] if m["state"] == "passed"]


def train(admin):
    job = admin.must(202, "POST", "/v1/jobs", {"kind": "train"})["id"]
    done = wait_until(lambda: (j := admin.get(f"/v1/jobs/{job}"))["state"] in ("done", "failed") and j,
                      "the training ends")
    equal(done["state"], "done", done["message"])


@test(f"{SWAPS} swaps under load: no error, memory flat, one model mapped")
def swaps(server):
    admin = server.admin()
    train(admin)
    pair = versions(admin)[:2]
    equal(len(pair), 2)
    begin = time.monotonic()
    with Load(server) as load, Schedule(server):
        for n in range(SWAPS):
            time.sleep(max(0, begin + n * SWAP_SECONDS / SWAPS - time.monotonic()))
            if n % 2:
                admin.must(200, "POST", "/v1/models/recommend/rollback")
            else:
                live = next(m["version"] for m in admin.get("/v1/models")["items"] if m["live"])
                other = pair[live == pair[0]]
                admin.must(200, "POST", "/v1/models/recommend/publish", {"version": other,
                                                                         "force": True})
                equal(admin.get("/v1/recommendations")["models"]["recommend"], other)
            if n == SWAPS // 4:
                before = resident_kb(server)
    equal(load.wrong[:3], [])
    equal(load.versions, set(pair))
    grown = resident_kb(server) - before
    assert grown < 16 * 1024 or SANITIZED, f"{grown} KiB more after {SWAPS} swaps"
    wait_until(lambda: len(mapped_models(server)) == 1, "the old model is unmapped")
    print(f"# {SWAPS} swaps, {load.asked} requests, resident memory {grown:+} KiB")


@test("a training job publishes under load without an error")
def training(server):
    with Load(server) as load:
        train(server.admin())
    equal(load.wrong[:3], [])


if __name__ == "__main__":
    run_on_demo()
