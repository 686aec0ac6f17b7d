#!/usr/bin/env python3
"""Online Retail, the last month held out: Aisle beside implicit's ALS and its item neighbours, in one run.

  bench/online_retail_rivals.py AISLE online_retail.csv FOLDER [--threads 2]

Shoppers who bought both before and in the last month of the file, and what they bought then that they had not bought
before (case of a product's number aside); lines without a customer, cancellations and quantities below 1 are left
out. Recall@20 is the share of that, NDCG@20 has binary gain and the best possible list as its ideal. What the
rivals can choose (factors, alpha, regularisation, weights; kind, neighbours) is chosen on the month before, with what
lies before that (ALS at 64 factors first, then their number); Aisle runs with its defaults. Writes the splits into FOLDER. Needs numpy, scipy, implicit. Prints
one JSON object a line.
"""
import argparse
import csv
import datetime
import itertools
import json
import os
import subprocess

import numpy as np
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

K, MONTH = 20, 30 * 86400


def read(path):
    """(time, customer, product) of each line that sold something."""
    with open(path, encoding="utf-8-sig", errors="replace") as f:
        for row in csv.DictReader(f):
            customer = (row.get("CustomerID") or row.get("Customer ID") or "").strip()
            number = row.get("InvoiceNo") or row.get("Invoice")
            if not customer or number.startswith("C") or int(row["Quantity"]) < 1:
                continue
            text = row["InvoiceDate"]
            when = None
            for shape in ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S"):
                try:
                    when = datetime.datetime.strptime(text, shape)
                    break
                except ValueError:
                    continue
            if when is None:
                raise SystemExit(f"InvoiceDate: {text!r}")
            yield int(when.replace(tzinfo=datetime.timezone.utc).timestamp()), customer, row["StockCode"].upper()


def split(lines, at, until):
    """What each bought before `at`, with its count, and what was new of what they bought in [at, until)."""
    past, later = {}, {}
    for when, user, item in lines:
        if when < at:
            mine = past.setdefault(user, {})
            mine[item] = mine.get(item, 0) + 1
    for when, user, item in lines:
        if at <= when < until and user in past and item not in past[user]:
            later.setdefault(user, set()).add(item)
    known = {item for mine in past.values() for item in mine}
    return past, {user: items for user, items in later.items()}, known


def matrix(past):
    users = {u: i for i, u in enumerate(sorted(past))}
    items = {p: i for i, p in enumerate(sorted({p for mine in past.values() for p in mine}))}
    cells = [(users[u], items[p], n) for u, mine in past.items() for p, n in mine.items()]
    r, c, v = zip(*cells)
    return users, items, sp.csr_matrix((np.array(v, np.float32), (r, c)), shape=(len(users), len(items)))


def measure(lists, later):
    recall, ndcg = [], []
    gain = 1 / np.log2(np.arange(2, K + 2))
    for user, truth in later.items():
        hits = np.array([p in truth for p in lists[user]] + [False] * (K - len(lists[user])))
        recall.append(hits.sum() / len(truth))
        ndcg.append((hits * gain).sum() / gain[: min(K, len(truth))].sum())
    return float(np.mean(recall)), float(np.mean(ndcg))


def lists_of(model, m, users, items, later):
    names, asked = sorted(items), sorted(later)
    rows = np.array([users[u] for u in asked])
    found = model.recommend(rows, m[rows], N=K, filter_already_liked_items=True)[0]
    return {u: [names[i] for i in row if i >= 0] for u, row in zip(asked, found)}


def weighted(m, how):
    m = m.copy()
    m.data = {"counts": m.data, "log": np.log1p(m.data), "one": np.ones_like(m.data)}[how]
    return m


def als(choice, threads):
    factors, alpha, regularisation, how = choice
    return how, AlternatingLeastSquares(
        factors=factors, alpha=alpha, regularization=regularisation, iterations=15, num_threads=threads, random_state=1
    )


def neighbours(choice, threads):
    kind, keep, how = choice
    return how, (BM25Recommender if kind == "bm25" else CosineRecommender)(K=keep, num_threads=threads)


RIVALS = {
    "implicit_als": (
        als,
        list(itertools.product((64,), (1, 5, 20), (0.01, 1, 10, 100), ("log", "one"))),
        (32, 128),
    ),
    "item_knn": (neighbours, list(itertools.product(("bm25", "cosine"), (20, 50, 100, 400), ("log", "one"))), ()),
}


def try_rival(make, choice, data, threads):
    past, later, _ = data
    users, items, m = matrix(past)
    how, model = make(choice, threads)
    m = weighted(m, how)
    model.fit(m, show_progress=False)
    return measure(lists_of(model, m, users, items, later), later)


def write_pairs(path, rows):
    with open(path, "w") as f:
        f.write("user,item,time\n")
        f.writelines(f"{user},{item},{when}\n" for when, user, item in rows)


def aisle(program, folder, lines, at, later, threads):
    """Its factors, its item neighbours and its propagation on the same split, through `aisle eval recommend`."""
    train, test = os.path.join(folder, "train.csv"), os.path.join(folder, "test.csv")
    write_pairs(train, (line for line in lines if line[0] < at))
    write_pairs(test, ((at, user, item) for user, items in later.items() for item in items))
    for model in ("als", "neighbours", "propagation", "popularity"):
        more = ["--exact"] if model == "als" else []
        out = subprocess.run(
            [program, "eval", "recommend", "--format", "pairs", "--train", train, "--test", test, "--model", model]
            + ["--threads", str(threads)] + more,
            capture_output=True, text=True, check=True,
        )
        r = json.loads(out.stdout)
        print(json.dumps({"model": "aisle " + model, "users": r["users"], "recall": r["recall@20"], "ndcg": r["ndcg@20"]}))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("aisle")
    a.add_argument("csv")
    a.add_argument("folder")
    a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    os.makedirs(o.folder, exist_ok=True)
    lines = sorted(read(o.csv))
    end = lines[-1][0] + 1
    at = end - MONTH
    test, valid = split(lines, at, end), split(lines, at - MONTH, at)
    for name, (make, choices, then) in RIVALS.items():
        found = {c: try_rival(make, c, valid, o.threads)[1] for c in choices}
        best = max(found, key=found.get)
        for first in then:
            found[(first, *best[1:])] = try_rival(make, (first, *best[1:]), valid, o.threads)[1]
        best = max(found, key=found.get)
        recall, ndcg = try_rival(make, best, test, o.threads)
        print(json.dumps({"model": name, "users": len(test[1]), "chosen": best, "recall": round(recall, 5), "ndcg": round(ndcg, 5)}), flush=True)
    aisle(o.aisle, o.folder, lines, at, test[1], o.threads)


if __name__ == "__main__":
    main()
