#!/usr/bin/env python3
"""feedback_matrix.py - an adjacency file (a line is a user and the items) as `aisle bench train --matrix` reads it.

  bench/feedback_matrix.py IN.txt OUT.bin
"""
import array
import sys


def main():
    offsets, columns = array.array("q", [0]), array.array("i")
    with open(sys.argv[1]) as source:
        for line in source:
            columns.extend(sorted(set(map(int, line.split()[1:]))))
            offsets.append(len(columns))
    with open(sys.argv[2], "wb") as out:
        array.array("q", [len(offsets) - 1, max(columns) + 1, len(columns)]).tofile(out)
        offsets.tofile(out)
        columns.tofile(out)


if __name__ == "__main__":
    main()
