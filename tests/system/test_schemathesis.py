#!/usr/bin/env python3
"""An outside judge: schemathesis makes requests from api/openapi.yaml and compares the answers with it,
and the same with Gorse's API and api/gorse.yaml.

EXAMPLES says how many requests it makes up for each operation (15). With SEED=N or SEED=any it makes
up others than those of every run. build/schemathesis is the environment that it runs in, made from the
locked list schemathesis.txt where it is not there.
"""

import os
import subprocess

from shop import ENVIRONMENT, PATIENCE_S, ROOT, Skip, folder, run_on_demo, test

HERE = os.path.join(ROOT, "tests/system")
DIR = os.path.join(ROOT, "build/schemathesis")
UNREACHABLE = 69

# Every check of schemathesis is on. What they must know of this API:
# - 413, 414 and 431 refuse what is too large, 503 a write that finds the queue full;
# - it sends the same Idempotency-Key with other requests: 422;
# - a schema cannot say all that is asked of a value (currencies of ISO 4217, the grammar of filters, one
#   of two ids, no control characters, how deep pages go), so what fits it may still be 400 or 413;
# - TRACE is 501, as RFC 9110 asks of a method that no resource knows, and so is not 405.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 414, 415, 422, 431, 503]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 400, 401, 403, 404, 409, 413, 422, 503]
[phases.coverage]
unexpected-methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""

# each would train, and nothing else would be answered meanwhile; test_openapi.py and test_swap.py start some
LEFT_OUT = ["startJob"]


def make_environment():
    made = subprocess.run([os.path.join(ROOT, "tools/python_env.sh"),
                           os.path.join(HERE, "schemathesis.txt"), DIR],
                          capture_output=True, text=True, check=False)
    if made.returncode == UNREACHABLE:
        raise Skip("schemathesis is not there, and the index of Python packages cannot be reached")
    assert made.returncode == 0, made.stderr


# Of Gorse's protocol: members and parameters that it does not know are passed over, so much that does not
# fit is taken; a list of what is gone is an empty list.
GORSE_CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["2xx", 400, 401, 404, 405, 409, 413, 414, 415, 422, 431, 503]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 404, 409, 413, 422, 503]
[phases.coverage]
unexpected-methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""


@test("schemathesis finds no answer that the description does not allow")
def judge(server):
    run_schemathesis(server, "openapi.yaml", "Authorization: Bearer {}", CONFIG,
                     [x for o in LEFT_OUT for x in ("--exclude-operation-id", o)])


@test("schemathesis finds none in Gorse's API either")
def judge_gorse(server):
    run_schemathesis(server, "gorse.yaml", "X-API-Key: {}", GORSE_CONFIG,
                     ["--exclude-checks", "use_after_free"])


def run_schemathesis(server, description, key, settings, more):
    make_environment()
    with folder() as work:
        config = os.path.join(work, "schemathesis.toml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(settings)
        seed = os.environ.get("SEED")
        command = [os.path.join(DIR, "bin/schemathesis"), "--config-file", config, "run",
                   os.path.join(ROOT, "api", description), "--url", f"http://127.0.0.1:{server.port}",
                   "-H", key.format(server.shop.admin), "--no-color", "--checks", "all",
                   "--max-examples", os.environ.get("EXAMPLES", "15"),
                   "--request-timeout", str(PATIENCE_S)]
        command += ["--generation-deterministic"] if seed is None else ["--generation-database", "none"]
        command += ["--seed", seed] if seed not in (None, "any") else []
        command += more
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, cwd=work,
                              env={**ENVIRONMENT, "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1",
                                   "SCHEMATHESIS_HOOKS": "schemathesis_hooks"})
        print("# " + next((line for line in done.stdout.splitlines() if "generated," in line), ""))
        assert done.returncode == 0, done.stdout[-20000:]


if __name__ == "__main__":
    run_on_demo()
