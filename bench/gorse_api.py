#!/usr/bin/env python3
"""gorse_api.py - how fast Gorse's API takes feedback and gives lists, one JSON line a figure.

  bench/gorse_api.py [--batches 200] [--single 500] [--seconds 5] URL KEY

URL is a server on a demonstration shop (`aisle demo`), which gets users and feedback of its own. Lists are asked for
by wrk, of 5,000 users, over 32 connections.
"""
import argparse
import http.client
import json
import re
import subprocess
import tempfile
import time
from urllib.parse import urlsplit

USERS, BATCH = 5000, 1000

LUA = """local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/api/recommend/bench-" .. n %% %d .. "?n=10")
end
""" % USERS


def say(what, count, since, unit):
    print(json.dumps({"figure": what, unit: round(count / (time.perf_counter() - since))}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--single", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("url")
    parser.add_argument("key")
    args = parser.parse_args()
    connection = http.client.HTTPConnection(urlsplit(args.url).netloc)
    headers = {"X-API-Key": args.key, "Content-Type": "application/json"}

    def call(method, path, body=None):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def feedback(k):
        return {"FeedbackType": "read", "UserId": f"bench-{k % USERS}",
                "ItemId": items[(k + k // USERS) % len(items)],
                "Timestamp": f"2026-03-01T{k // 3600 % 24:02}:{k // 60 % 60:02}:{k % 60:02}Z"}

    items = [i["ItemId"] for i in call("GET", "/api/items?n=1000")["Items"]]
    bodies = [json.dumps([feedback(b * BATCH + i) for i in range(BATCH)])
              for b in range(args.batches)]
    since = time.perf_counter()
    for body in bodies:
        call("POST", "/api/feedback", body)
    say(f"feedback in batches of {BATCH}", args.batches * BATCH, since, "rows_per_s")
    since = time.perf_counter()
    for k in range(args.single):
        call("POST", "/api/feedback", json.dumps([{**feedback(k), "FeedbackType": "star"}]))
    say("feedback one by one", args.single, since, "rows_per_s")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA)
        script.flush()
        done = subprocess.run(["wrk", "-t1", "-c32", f"-d{args.seconds}s", "--latency", "-H",
                               f"X-API-Key: {args.key}", "-s", script.name, args.url],
                              capture_output=True, text=True, check=True)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout).group(1)
    p99 = re.search(r"99%\s*([\d.]+\w+)", done.stdout).group(1)
    print(json.dumps({"figure": "recommend n=10, 32 connections", "per_s": round(float(rate)),
                      "p99": p99, "errors": "Non-2xx" in done.stdout}))


if __name__ == "__main__":
    main()
