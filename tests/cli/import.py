"""What `aisle import` makes of bad input, and what survives a kill, a full disk and a second process.

Prints TAP. $AISLE is the program. With arguments: only the tests whose names contain one of them.
"""
import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

AISLE = os.path.abspath(os.environ.get("AISLE", "build/release/aisle"))
USAGE, DATA, NO_INPUT, NO_SPACE, BUSY, DENIED = 64, 65, 66, 73, 75, 77
NOBODY = 65534
PATIENCE_S = 300 * float(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))
SANITIZED = "SANITIZER_REPORTS" in os.environ  # under a sanitizer a process holds memory that is none of ours
work = tempfile.mkdtemp(prefix="aisle-import-")
os.chmod(work, 0o755)


def aisle(*args, data, status=0, env=None, **more):
    """Run a command on a shop; its output is (stdout, stderr). status None: any."""
    done = subprocess.run([AISLE, *args, "--data", os.path.join(work, data)], capture_output=True,
                          cwd=work, timeout=PATIENCE_S, check=False, env={**os.environ, **(env or {})},
                          **more)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert status in (None, done.returncode), (
        f"{' '.join(args)}: status {done.returncode}, not {status}\n{err}{out}")
    return out, err


def answer(*args, **kwargs):
    return json.loads(aisle(*args, "--json", "--quiet", **kwargs)[0])


def lines(*args, **kwargs):
    return [json.loads(line) for line in aisle(*args, **kwargs)[0].splitlines()]


def write(name, content):
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    return name


# --- files that cannot be read --------------------------------------------------------------------

def test_a_file_that_breaks_off_is_told_with_its_place_and_what_came_before_is_kept():
    head = '[{"id":"a","title":"t"},\n{"id":"b","title":"t"},\n'
    packed = gzip.compress(b"id,title\n" + b"".join(
        b"p%d,Thing %d\n" % (i, random.Random(i).randrange(1 << 30)) for i in range(50000)))
    cases = [
        ("broken.json", head + '{"id":"c","title"', DATA, "line 3: the JSON array", 2),
        ("open.xml", "<rss><item><id>a</id><title>t</title></item>\n<item><id>b</id>", DATA,
         "line 2, column", 1),
        ("deep.xml", "<rss><item>" + "<a>" * 99, DATA, "line 1, column", 0),
        ("entity.xml", '<!DOCTYPE r [<!ENTITY a "b">]><rss/>', DATA, "declares entities", 0),
        ("cut.csv.gz", packed[:len(packed) // 2], DATA, "cut short after byte", 1),
        ("header.csv", b"id,title,\xff\n", DATA, "line 1: the header is not UTF-8", 0),
        ("quote.csv", 'id,"title\na,b\n', DATA, "line 1: the header cannot be read", 0),
        ("sku.csv", "sku,name\na,b\n", DATA, "'id' is missing; the file has: sku, name", 0),
        ("zeros.csv", b"\0" * 4096, DATA, "line 1", 0),
        ("noise.csv", random.Random(1).randbytes(4096), DATA, "noise.csv", 0),
        (".", None, DATA, ". is a folder", 0),
        ("nowhere.csv", None, NO_INPUT, "nowhere.csv", 0),
    ]
    for name, content, status, says, least in cases:
        if content is not None:
            write(name, content)
        data = "of-" + name.strip(".")
        out, err = aisle("import", "products", name, "--json", "--quiet", data=data, status=status)
        assert says in err and name in err and err.count("\n") == 1, err
        report = json.loads(out)
        assert report["accepted"] >= least, report
        kept = lines("export", "products", data=data) if report["accepted"] else []
        assert len(kept) == report["accepted"], name


def test_rows_of_every_badness_are_refused_alone_with_line_column_and_reason():
    nest = '{"a":' * 100 + "1" + "}" * 100
    rows = [
        ('{"id":"1","title":"fine"}', None, 0),
        ('{"id":"2","title":"t"', "broken_row", 0),
        ('{"id":"3","title":"t","attributes":%s}' % nest, "too_deep", 0),
        ('{"id":"4","id":"5","title":"t"}', "duplicate_key", 0),
        ('{"id":"6","title":"t","attributes":{"a":1,"a":2}}', "duplicate_key", None),
        ('{"id":"7","title":"t","price":NaN,"currency":"EUR"}', "broken_row", 0),
        ('{"id":"8","title":"t","price":99999999999999999999,"currency":"EUR"}', "out_of_range", None),
        ('{"id":"9","title":"t","price":5,"currency":"QQQ"}', "unknown_currency", None),
        ('{"id":"10","title":"t","created_at":"2999-01-01"}', "future_time", None),
        ('{"id":"11","title":"t","created_at":"1970-01-01T00:00:00Z"}', "ancient_time", None),
        ('{"id":"%s","title":"t"}' % ("x" * 10240), "bad_id", None),
        ('{"id":"13","title":"\udcff"}', "bad_text", 0),
        ('{"id":"14"}', "missing", None),
        ('{"id":"15","title":"fine too"}', None, 0),
    ]
    write("rows.jsonl", "\n".join(r[0] for r in rows).encode("utf-8", "surrogateescape"))
    report = answer("import", "products", "rows.jsonl", data="rows")
    assert report["accepted"] == 2, report
    refused = {q["line"]: q for q in lines("import", "--quarantine", "export", data="rows")}
    for n, (row, reason, column) in enumerate(rows, 1):
        assert (reason is None) == (n not in refused), row[:80]
        if reason:
            got = refused[n]
            assert got["reason"] == reason, (row[:80], got)
            assert got["source"] == "rows.jsonl" and got["message"], got
            assert (got["column"] == 0) == (column == 0), got


def test_endless_lines_cost_themselves_and_no_memory():
    block = b"y" * (1 << 20)
    for name, head, tail in [
            ("csv", b"id,title\na,x\nb,", b"\nc,z\n"),
            ("quoted.csv", b'id,title\na,x\nb,"', b'"\nc,z\n'),
            ("jsonl", b'{"id":"a","title":"x"}\n{"id":"b","title":"', b'"}\n{"id":"c","title":"z"}\n'),
            ("xml", b"<r><item><id>a</id><title>x</title></item><item><id>b</id><title>",
             b"</title></item><item><id>c</id><title>z</title></item></r>")]:
        process = subprocess.Popen([AISLE, "import", "products", "-", "--json", "--quiet", "--data",
                                    os.path.join(work, "long-" + name)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(head)
        for _ in range(100):
            process.stdin.write(block)
        process.stdin.write(tail)
        report = json.loads(process.communicate()[0])
        assert process.returncode == 0
        assert (report["accepted"], report["reasons"]) == (2, {"too_long": 1}), (name, report)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak < 90 << 10 or SANITIZED, f"{peak} KiB"


def test_a_bomb_is_refused_before_it_is_unpacked():
    with gzip.open(os.path.join(work, "bomb.csv.gz"), "wb", 9) as f:
        f.write(b"id,title\n")
        for _ in range(300):
            f.write(b"a,b\n" * (1 << 18))
    out, err = aisle("import", "products", "bomb.csv.gz", "--json", "--quiet", data="bomb",
                     status=None)
    assert "bomb.csv.gz" in err and "bomb" in err.replace("bomb.csv.gz", ""), err
    assert json.loads(out)["bytes"] < 80 << 20, out


# --- folders and processes ------------------------------------------------------------------------

def as_nobody():
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def test_a_folder_that_cannot_be_written_is_refused_and_named():
    aisle("import", "products", write("one.csv", "id,title\na,b\n"), data="closed")
    folder = os.path.join(work, "closed")
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o444)
    os.chmod(folder, 0o555)
    write("two.csv", "id,title\nc,d\n")
    err = aisle("import", "products", "two.csv", data="closed", status=None,
                preexec_fn=as_nobody)[1]
    assert "closed" in err and "Permission denied" in err, err
    os.chmod(folder, 0o755)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)
    assert [p["id"] for p in lines("export", "products", data="closed")] == ["a"]


def test_a_second_import_into_the_same_shop_is_refused():
    first = subprocess.Popen([AISLE, "import", "products", "-", "--quiet", "--data",
                              os.path.join(work, "shared")], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL)
    first.stdin.write(b"id,title\na,b\n")
    first.stdin.flush()
    for _ in range(200):
        if os.path.exists(os.path.join(work, "shared", "aisle.db")):
            break
        time.sleep(0.02)
    err = aisle("import", "products", write("late.csv", "id,title\nc,d\n"), data="shared",
                status=BUSY)[1]
    assert "in use by process %d" % first.pid in err, err
    first.communicate()
    assert first.returncode == 0
    aisle("import", "products", "late.csv", data="shared")
    assert [p["id"] for p in lines("export", "products", data="shared")] == ["a", "c"]


# --- kills and full disks -------------------------------------------------------------------------

def make_orders(name, seed, orders=1500):
    r = random.Random(seed)
    text = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n"]
    for i in range(orders):
        for _ in range(r.randint(1, 6)):
            back = r.random() < 0.1
            text.append("%s%d,S%d,THING,%s%d,2011-01-%02d 10:00:00,%s,%d\n" % (
                "C" if back else "", i, r.randrange(30), "-" if back else "", r.randint(1, 3),
                1 + i * 28 // orders, r.choice(["2.55", "1.005", "2.55", "?"]), i % 40))
    return write(name, "".join(text))


def counted(report):
    return {k: v for k, v in report.items() if k not in ("seconds", "resumed", "again", "skipped")}


def test_an_import_that_is_killed_again_and_again_ends_as_if_it_had_not_been():
    path = make_orders("orders.csv", 1)
    want = answer("import", "orders", "--mapping", "online-retail", path, data="whole")
    r = random.Random(2)
    killed, shops = 0, 0
    while killed <= 5:  # in one shop or several: an import may come through soon
        shops += 1
        data, ended = f"killed{shops}", False
        while not ended and killed < 300:  # at the n-th call that writes, whatever it is
            process = subprocess.run([AISLE, "import", "orders", "--mapping", "online-retail", path,
                                      "--quiet", "--data", os.path.join(work, data)], cwd=work,
                                     stdout=subprocess.DEVNULL, check=False,
                                     env={**os.environ, "FS_FAIL_AT": str(r.randint(1, 400)),
                                          "FS_FAIL_ERRNO": "KILL"})
            killed += process.returncode == -signal.SIGKILL
            ended = process.returncode == 0
        assert ended, killed
        got = answer("import", "orders", "--mapping", "online-retail", path, data=data)
        assert counted(got) == counted(want), (got, want)
        for kind in ("products", "orders"):
            assert lines("export", kind, data=data) == lines("export", kind, data="whole"), kind
        assert len(lines("import", "--quarantine", "export", data=data)) == want["quarantined"]


def test_a_disk_that_fills_up_is_told_and_the_same_command_goes_on():
    path = make_orders("full.csv", 3)
    want = answer("import", "orders", "--mapping", "online-retail", path, data="roomy")
    told = 0
    for at in (40, 300, 700, 1100):
        out, err = aisle("import", "orders", "--mapping", "online-retail", path, "--json", "--quiet",
                         data="full", status=None,
                         env={"FS_FAIL_AT": str(at), "FS_FAIL_ERRNO": "ENOSPC"})
        if err:
            told += 1
            assert "disk is full" in err, err
        if err and out:
            kept = sum(len(o["lines"]) for o in lines("export", "orders", data="full"))
            assert kept >= json.loads(out)["accepted"], (kept, out)
    got = answer("import", "orders", "--mapping", "online-retail", path, data="full")
    assert told > 0
    assert counted(got) == counted(want), (got, want)
    assert lines("export", "orders", data="full") == lines("export", "orders", data="roomy")


# --- quarantine and full feeds --------------------------------------------------------------------

def test_a_refused_line_is_retried_into_its_order():
    path = write("lines.csv", "id,product_id,quantity,unit_price,currency,placed_at,user_id\n"
                 "o,p,2,150,EUR,2026-01-01,u\no,q,1,99,EUR,2026-01-01,u\n"
                 "o,p,1,5,EUR,2026-01-01,u\n")
    aisle("import", "products", write("p.csv", "id,title\np,Pot\n"), data="retry")
    report = answer("import", "orders", path, data="retry")
    assert (report["accepted"], report["reasons"]) == (2, {"unknown_product": 1}), report
    os.remove(os.path.join(work, path))
    assert answer("import", "orders", "--quarantine", "retry", data="retry")["refused"] == 1
    aisle("import", "products", write("q.csv", "id,title\nq,Quill\n"), data="retry")
    assert answer("import", "orders", "--quarantine", "retry", data="retry")["taken"] == 1
    order = lines("export", "orders", data="retry")[0]
    assert [line["product_id"] for line in order["lines"]] == ["p", "q", "p"], order
    assert answer("import", "--quarantine", "list", data="retry") == []


def test_a_full_feed_that_lacks_too_much_is_refused_with_the_numbers():
    feed = ["p%d,Pot %d\n" % (i, i) for i in range(20)]
    aisle("import", "products", "--full", write("f1.csv", "id,title\n" + "".join(feed)), data="feed")
    short = write("f2.csv", "id,title\n" + "".join(feed[:14]))
    err = aisle("import", "products", "--full", short, data="feed", status=None)[1]
    assert "6 of 20 active products" in err and "--force" in err and "f2.csv" in err, err
    report = answer("import", "products", "--full", "--force", short, data="feed")
    assert report["deactivated"] == 6, report
    aisle("import", "products", "--full", "-", data="feed", status=DATA, stdin=subprocess.DEVNULL)


def main():
    wanted = sys.argv[1:]
    tests = [(name[5:].replace("_", " "), fn) for name, fn in globals().items()
             if name.startswith("test_") and (not wanted or any(w in name for w in wanted))]
    print(f"1..{len(tests)}")
    failed = 0
    try:
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
