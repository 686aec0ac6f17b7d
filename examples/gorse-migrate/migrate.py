#!/usr/bin/env python3
"""migrate.py FROM TO - copy users, items and feedback from a Gorse server to Aisle, through the API of both.

    GORSE_KEY=... AISLE_KEY=... migrate.py http://gorse:8088 http://aisle:5000

Needs Python 3.9 and nothing else. May be run again: what is there already stays the same. A record that
Aisle refuses is told with its reason and left out; the exit status is then 1.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

PAGE = 1000
KINDS = (("users", "Users", "POST", "/api/users"), ("items", "Items", "POST", "/api/items"),
         ("feedback", "Feedback", "PUT", "/api/feedback"))


def call(base, key, method, path, body=None, **query):
    url = base.rstrip("/") + path + ("?" + urllib.parse.urlencode(query) if query else "")
    request = urllib.request.Request(url, method=method, headers={
        "X-API-Key": key, "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def pages(base, key, kind, member):
    """Every page of a kind of record."""
    cursor = ""
    while True:
        page = call(base, key, "GET", "/api/" + kind, n=PAGE, cursor=cursor)
        if page[member]:
            yield page[member]
        cursor = page["Cursor"]
        if not cursor:
            return


def put(base, key, method, path, records):
    """Write records; those that are refused, with the reason."""
    try:
        call(base, key, method, path, records)
        return []
    except urllib.error.HTTPError as why:
        reason = why.read().decode(errors="replace")
        if why.code not in (400, 413):
            raise SystemExit(f"{method} {path}: {why.code} {reason}") from why
        if len(records) == 1:
            return [(records[0], reason)]
    half = len(records) // 2
    return put(base, key, method, path, records[:half]) + put(base, key, method, path,
                                                              records[half:])


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    source, target = sys.argv[1:]
    refused = 0
    for kind, member, method, path in KINDS:
        seen = 0
        for records in pages(source, os.environ.get("GORSE_KEY", ""), kind, member):
            left_out = put(target, os.environ["AISLE_KEY"], method, path, records)
            for record, reason in left_out:
                print(f"refused: {json.dumps(record, ensure_ascii=False)}: {reason}",
                      file=sys.stderr)
            seen += len(records)
            refused += len(left_out)
        print(f"{kind}: {seen}")
    sys.exit(refused != 0)


if __name__ == "__main__":
    main()
