#!/usr/bin/env python3
"""What the README tells a new user to type works as it stands, but for ports and the files they bring."""

import gzip
import json
import os
import re
import subprocess

from shop import AISLE, ENVIRONMENT, ROOT, Server, Shop, equal, folder, run, test


def block(heading, containing):
    """The commands of the block under a heading that has this text."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        section = f.read().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return next(b for b in re.findall(r"```\n(.*?)```", section, re.S) if containing in b)


def typed(commands, server):
    """Run them as a shell would, where a new user stands; an HTTP error is an error."""
    commands = re.sub(r"localhost:500\d", f"localhost:{server.port}", commands)
    script = ("set -e\ncurl() { command curl -fsS -w '\\n' \"$@\"; }\naisle=build/release/aisle\n" + commands)
    done = subprocess.run(["bash", "-c", script], cwd=os.path.dirname(server.shop.path), text=True,
                          capture_output=True, check=False, env=ENVIRONMENT)
    equal(done.returncode, 0, f"{script}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@test("the API's first steps, while make run serves")
def first_steps(path):
    with Server(Shop(os.path.join(path, "data"), products=2000)) as server:
        search, recommendations, events = [json.loads(line) for line in typed(
            block("The API", "key create"), server).splitlines()]
        assert search["total"] > 0 and recommendations["items"], search
        equal(events["accepted"], 1)


@test("a daily feed, beside the running server and over HTTP")
def daily(path):
    with gzip.open(os.path.join(path, "feed.xml.gz"), "wt", encoding="utf-8") as f:
        f.write('<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>')
        for n in range(20):
            f.write(f"<item><g:id>f{n}</g:id><g:title>Fed {n}</g:title><g:price>1{n}.00 EUR</g:price>"
                    "<g:availability>in stock</g:availability></item>")
        f.write("</channel></rss>")
    shop = Shop(os.path.join(path, "myshop"))
    with Server(shop) as server:
        # the shop's own products are to stay: training needs what was done with them
        commands = block("Your own shop", "kind=products").replace("--full ", "")
        said = typed(commands.replace("&full=true", ""), server)
        assert '"state":"queued"' in said, said
        equal(server.admin().get("/v1/search", q="fed")["total"], 20)


def main():
    with folder() as path:
        os.makedirs(os.path.join(path, "build/release"))
        os.symlink(AISLE, os.path.join(path, "build/release/aisle"))
        run(path)


if __name__ == "__main__":
    main()
