"""The command: `python -m scripts.servers record|page`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import anyio

from scripts.servers.rollouts import recorded, server_names


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.servers", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/servers"))
    parser.add_argument("--only", nargs="+", choices=server_names())
    parser.add_argument("--variants", nargs="+", default=[])
    asked = parser.parse_args(arguments)
    for name in asked.only or server_names():
        print(name, anyio.run(partial(recorded, name, asked.out, tuple(asked.variants))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
