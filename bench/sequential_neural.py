#!/usr/bin/env python3
"""Does a sequential neural model add to decayed transitions? Answered on the validation item alone.

  bench/sequential_neural.py FILE [--net sasrec|gru|svd] [--seconds 300] [--threads 1] [--negatives 3000]

FILE: a line is a user and the items in time order. The last item of everybody, the test, is cut off and never looked
at. The one before it is the validation item: models learn from what lies before it, rank all items but the user's own,
and are measured on it. 4,000 users stop the fit in time and choose the share of the blend (tune); all others are
looked at once, with what was chosen (judge). Prints one JSON object. Needs numpy, scipy and torch.

sasrec  two blocks of causal self-attention (Kang, McAuley, ICDM 2018), the loss a softmax over the item that came and
        negatives drawn evenly and shared by the batch, so that no correction is due (the draws do not depend on the item)
gru     the same with one layer of gated recurrent units (Hidasi et al., ICLR 2016) in the place of the blocks
svd     no neural model: what a second opinion of another kind is worth
transitions  as the peer `seq_knn.py` and src/train/transitions.h: decay ** (gap - 1) per pair of a user, divided by powers
        of both items' counts, backwards with a share
--seconds is processor time of fitting, so that other work on the machine takes nothing from it.
"""
import argparse
import json
import os
import time

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn as nn
from scipy.sparse.linalg import svds
import torch.nn.functional as F

K, TUNE_USERS, PATIENCE = 10, 4000, 5


class Block(nn.Module):
    def __init__(self, dim, drop):
        super().__init__()
        self.norm_a, self.norm_f = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.wide, self.narrow, self.drop = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim), nn.Dropout(drop)

    def forward(self, x, mask):
        q, k, v = self.qkv(self.norm_a(x)).chunk(3, -1)
        a = (q @ k.transpose(1, 2)) * x.shape[-1] ** -0.5 + mask
        x = x + self.drop(self.out(a.softmax(-1) @ v))
        return x + self.drop(self.narrow(F.gelu(self.wide(self.norm_f(x)))))


class Net(nn.Module):
    """Item numbers [batch][length], 0 on the left where a sequence is shorter, to states [batch][length][dim]."""

    def __init__(self, items, dim, length, kind, drop):
        super().__init__()
        self.items = nn.Embedding(items, dim, padding_idx=0)
        self.places = nn.Embedding(length, dim)
        nn.init.normal_(self.items.weight, std=dim**-0.5 / 2)
        nn.init.normal_(self.places.weight, std=0.02)
        self.blocks = nn.ModuleList([Block(dim, drop) for _ in range(2)] if kind == "sasrec" else [])
        self.gru = nn.GRU(dim, dim, batch_first=True) if kind == "gru" else None
        self.norm, self.drop, self.length = nn.LayerNorm(dim), nn.Dropout(drop), length

    def forward(self, x):
        n = x.shape[1]
        h = self.items(x)
        if self.gru is not None:
            return self.norm(self.drop(self.gru(self.drop(h))[0]))
        h = self.drop(h + self.places.weight[self.length - n :])
        mask = torch.full((n, n), -1e9).triu(1)[None] + torch.where(x == 0, -1e9, 0.0)[:, None, :]
        mask = mask.masked_fill(torch.eye(n, dtype=torch.bool)[None], 0.0)
        for block in self.blocks:
            h = block(h, mask)
        return self.norm(h)


def padded(sequences, length):
    n = min(length, max(map(len, sequences)))
    rows = np.zeros((len(sequences), n), np.int64)
    for i, s in enumerate(sequences):
        rows[i, n - len(s[-n:]) :] = s[-n:]
    return torch.from_numpy(rows)


def fit_epoch(net, optimizer, sequences, o, rng):
    """One pass over all sequences, those of a like length together."""
    order = np.argsort([min(len(s), o.length) + 3 * rng.random() for s in sequences], kind="stable")
    batches = [order[i : i + o.batch] for i in range(0, len(order), o.batch)]
    rng.shuffle(batches)
    for batch in batches:
        x = padded([sequences[i][-o.length - 1 : -1] for i in batch], o.length)
        y = padded([sequences[i][1:][-o.length :] for i in batch], o.length)
        states, came = net(x)[y > 0], y[y > 0]
        negatives = torch.from_numpy(rng.integers(1, net.items.num_embeddings, o.negatives))
        other = (states @ net.items(negatives).T).masked_fill(came[:, None] == negatives[None], -1e9)
        scores = torch.cat([(states * net.items(came)).sum(1, keepdim=True), other], 1)
        loss = F.cross_entropy(scores, torch.zeros(len(came), dtype=torch.long))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def neural_scores(net, histories, length):
    net.eval()
    scores = (net(padded(histories, length))[:, -1] @ net.items.weight.T).numpy()
    net.train()
    return scores


class Transitions:
    """With the defaults of `aisle eval next`."""

    def __init__(self, sequences, items, decay=0.85, back=0.2, out=0.25, into=0.05, window=20, recency=0.6):
        rows, columns, values = [], [], []
        for s in sequences:
            for i in range(len(s)):
                for gap in range(1, min(window, len(s) - 1 - i) + 1):
                    rows.append(s[i])
                    columns.append(s[i + gap])
                    values.append(decay ** (gap - 1))
        m = sp.csr_matrix((values, (rows, columns)), shape=(items, items), dtype=np.float32)
        m = m + back * m.T
        count = np.maximum(np.bincount(np.concatenate(sequences), minlength=items), 1).astype(np.float32)
        self.m = sp.diags(count**-out) @ m @ sp.diags(count**-into)
        self.recency = recency

    def scores(self, histories):
        w = sp.lil_matrix((len(histories), self.m.shape[0]), dtype=np.float32)
        for i, h in enumerate(histories):
            for back, item in enumerate(reversed(h[-20:])):
                w[i, item] = w[i, item] + self.recency**back
        return np.asarray((w.tocsr() @ self.m).todense())


class Factors:
    """No neural model, the control: singular vectors of who had what (PureSVD, Cremonesi et al., RecSys 2010)."""

    def __init__(self, sequences, items, dim=128):
        rows = np.repeat(np.arange(len(sequences)), [len(s) for s in sequences])
        m = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, np.concatenate(sequences))), shape=(len(sequences), items))
        m.data[:] = 1
        count = np.maximum(np.asarray(m.sum(0)).ravel(), 1)
        self.v = np.ascontiguousarray(svds(m @ sp.diags(count**-0.25), k=dim, random_state=1)[2].T.astype(np.float32))

    def scores(self, histories):
        return np.stack([self.v[np.unique(h)].sum(0) for h in histories]) @ self.v.T


def ranks(scores, histories, targets):
    """Place of each target, from 0, among the items that the user has not had; ties count against it."""
    out = np.empty(len(targets), np.int64)
    for i, (s, h, t) in enumerate(zip(scores, histories, targets)):
        s[0] = -np.inf
        at = s[t]
        s[np.unique(h)] = -np.inf
        s[t] = -np.inf
        out[i] = (s >= at).sum()
    return out


def figures(places):
    hit = places < K
    return float(hit.mean()), float((hit / np.log2(places + 2)).mean())


def standard(scores):
    """Of mean 0 and deviation 1 for each user, so that one share serves all."""
    return (scores - scores.mean(1, keepdims=True)) / (scores.std(1, keepdims=True) + 1e-9)


def measure(model, users, cut, blocks=500):
    """HR and NDCG of a function from histories to scores."""
    places = [
        ranks(model([cut[i][:-1] for i in part]), [cut[i][:-1] for i in part], [cut[i][-1] for i in part])
        for part in (users[at : at + blocks] for at in range(0, len(users), blocks))
    ]
    return figures(np.concatenate(places))


def fit_neural(net, sequences, tune, cut, o, rng):
    optimizer = torch.optim.Adam(net.parameters(), lr=o.rate, betas=(0.9, 0.98))
    best, state, bad, epochs, spent = -1.0, None, 0, 0, 0.0
    while spent < o.seconds and bad < PATIENCE:
        begin = time.process_time()
        fit_epoch(net, optimizer, sequences, o, rng)
        spent += time.process_time() - begin
        epochs += 1
        if epochs % 2 and spent < o.seconds:
            continue
        ndcg = measure(lambda h: neural_scores(net, h, o.length), tune, cut)[1]
        if ndcg > best:
            best, bad, state = ndcg, 0, {k: v.clone() for k, v in net.state_dict().items()}
        else:
            bad += 1
    net.load_state_dict(state)
    return {"epochs": epochs, "fit_s": round(spent, 1), "ended": "patience" if bad >= PATIENCE else "time"}


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("file")
    a.add_argument("--net", choices=("sasrec", "gru", "svd"), default="sasrec")
    a.add_argument("--seconds", type=float, default=300)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--negatives", type=int, default=3000)
    a.add_argument("--dim", type=int, default=64)
    a.add_argument("--length", type=int, default=30)
    a.add_argument("--batch", type=int, default=256)
    a.add_argument("--rate", type=float, default=2e-3)
    a.add_argument("--drop", type=float, default=0.4)
    a.add_argument("--seed", type=int, default=1)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    rng = np.random.default_rng(o.seed)
    with open(o.file) as f:
        cut = [[int(word) for word in line.split()[1:-1]] for line in f]  # without the test item
    cut = [s for s in cut if len(s) > 1]
    items = 1 + max(map(max, cut))
    sequences = [s[:-1] for s in cut if len(s) > 2]
    order = rng.permutation(len(cut))
    tune, judge = order[:TUNE_USERS], order[TUNE_USERS:]
    steps = Transitions([s[:-1] for s in cut], items)
    if o.net == "svd":
        other, fit = Factors([s[:-1] for s in cut], items).scores, {}
    else:
        net = Net(items, o.dim, o.length, o.net, o.drop)
        fit = fit_neural(net, sequences, tune, cut, o, rng)

        def other(histories):
            return neural_scores(net, histories, o.length)

    def blend(share):
        return lambda h: standard(steps.scores(h)) + share * standard(other(h))

    shares = {s: measure(blend(s), tune, cut)[1] for s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)}
    share = max(shares, key=shares.get)
    judged = {
        "transitions": measure(steps.scores, judge, cut),
        o.net: measure(other, judge, cut),
        "blend": measure(blend(share), judge, cut),
    }
    print(
        json.dumps(
            {
                "data": os.path.basename(o.file),
                "users": len(judge),
                **{name: {"hr": round(v[0], 4), "ndcg": round(v[1], 4)} for name, v in judged.items()},
                "share": share,
                **fit,
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
