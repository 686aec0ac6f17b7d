#!/usr/bin/env python3
"""split_feedback.py - a validation part out of a training file, so that nothing is chosen on the test file.

Of each user of an adjacency file (a line is a user and the items) a share of the items, drawn with a
seed of its own and the user's id, goes to VALID and the others to TRAIN; a user of fewer than two items
stays whole.

  bench/split_feedback.py [--share 0.2] [--seed 1] FILE TRAIN VALID
"""
import argparse
import random


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("file")
    parser.add_argument("train")
    parser.add_argument("valid")
    args = parser.parse_args()
    with open(args.file) as lines, open(args.train, "w") as train, open(args.valid, "w") as valid:
        for line in lines:
            user, *items = line.split()
            held = round(len(items) * args.share) if len(items) > 1 else 0
            drawn = set(random.Random(f"{args.seed}/{user}").sample(range(len(items)), held))
            for part, inside in ((train, False), (valid, True)):
                mine = [item for i, item in enumerate(items) if (i in drawn) == inside]
                if mine:
                    part.write(" ".join([user, *mine]) + "\n")


if __name__ == "__main__":
    main()
