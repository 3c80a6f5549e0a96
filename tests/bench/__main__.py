"""`python -m tests.bench [PART …]`: all parts, or those that are named; each has a network of its own."""

from __future__ import annotations

import sys

from tests.bench import ansible, delivery, fifty, host, many

PARTS = {"host": host.main, "ansible": ansible.main, "fifty": fifty.main, "many": many.main, "delivery": delivery.main}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"bench: there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for name in names or PARTS:
        print(f"\n{name}: {PARTS[name].__doc__}", flush=True)
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
