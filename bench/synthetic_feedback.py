#!/usr/bin/env python3
"""synthetic_feedback.py - a large adjacency file (a line is a user and the items) of no meaning, for time and memory.

Items are drawn by popularity ~ 1 / (rank + 100), half of each user's from a neighbourhood of their own.

  bench/synthetic_feedback.py [--users 500000] [--items 1000000] [--each 10] [--seed 1] FILE
"""
import argparse
import random


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("users", 500000), ("items", 1000000), ("each", 10), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("file")
    args = parser.parse_args()
    draw = random.Random(args.seed).random
    ratio = (args.items + 100) / 100
    with open(args.file, "w") as out:
        for user in range(args.users):
            home = int(draw() * args.items)
            mine = {int(100 * ratio ** draw() - 100) for _ in range(args.each // 2)}
            mine |= {(home + int(draw() * 50)) % args.items for _ in range(args.each - len(mine))}
            out.write(" ".join(map(str, (user, *sorted(mine)))) + "\n")


if __name__ == "__main__":
    main()
