#!/usr/bin/env python3
"""check_layers.py - check the #include lines of src/ and tests/ against tools/layers.txt.

A domain may include itself and the domains named on its line. Its tests may include the same and
tests/support. A header x_int.h is seen only inside its domain and by that domain's tests. Every
file foo.c that has a foo.h includes it first.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def read_layers():
    """{domain: the domains it may include}; a domain stands below those that name it."""
    layers = {}
    for number, line in enumerate((ROOT / "tools/layers.txt").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        domain, _, below = line.partition(":")
        unknown = [name for name in below.split() if name not in layers]
        if unknown:
            sys.exit(f"tools/layers.txt:{number}: {domain} names {unknown[0]}, which no line above it defines")
        layers[domain.strip()] = set(below.split()) | {domain.strip()}
    return layers


def faults_of(path, domain, layers):
    """What is wrong with the includes of one file."""
    included = INCLUDE.findall(path.read_text(encoding="utf-8"))
    in_tests = path.relative_to(ROOT).parts[0] == "tests"
    for name in included:
        other = name.split("/")[0]
        if "/" not in name:
            if (path.parent / name).exists() or not (ROOT / "src" / domain / name).exists():
                continue
            yield f'"{name}" must be written "{domain}/{name}"'
        elif in_tests and (other in ("support", domain) and (ROOT / "tests" / name).exists()):
            continue
        elif other not in layers:
            yield f'"{name}" is of no domain'
        elif other not in layers[domain]:
            yield f'{domain} may not include "{name}"'
        elif other != domain and name.endswith("_int.h"):
            yield f'"{name}" is internal to {other}'
    own = f"{domain}/{path.stem}.h"
    if path.suffix == ".c" and not in_tests and (ROOT / "src" / own).exists() and included[:1] != [own]:
        yield f'"{own}" must be the first include'


def main():
    layers = read_layers()
    bad = 0
    for folder in sorted((ROOT / "src").iterdir()):
        if folder.is_dir() and folder.name not in layers:
            print(f"src/{folder.name}: this domain is not in tools/layers.txt")
            bad += 1
    for domain in layers:
        files = [f for top in ("src", "tests") for f in sorted((ROOT / top / domain).glob("*.[ch]"))]
        for path in files:
            for fault in faults_of(path, domain, layers):
                print(f"{path.relative_to(ROOT)}: {fault}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
