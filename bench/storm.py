"""Storms at local venues: every kind of fault many times, then what we believe against the truth.

    python -m bench.storm [--venue NAME]... [--minutes 10] [--least 50] [--speed 20] [--seed 1]

From the project's root. One line a venue: minutes of its market, orders, fills, lost connections,
reports that had to be asked for, orders that reached the matching twice, prints missing of all, by
how many seconds the loop was late at most (the market of that speed is made in it), and whether
book, orders, position and money agree at the end: if not, the fills that only one side has, and
what was said last. Exits with 1 where they do not.
"""

import argparse
import asyncio
import sys

from tests.run.storm import KINDS, Outcome, storm

from aggressor.venues.dialects import DIALECTS


def _line(one: Outcome) -> str:
    agree = {
        "book": one.book,
        "orders": one.orders_agree,
        "position": one.position_agrees,
        "money": one.money_agrees,
    }
    parted = [name for name, good in agree.items() if not good]
    return (
        f"{one.venue:14} {one.market_minutes:8.1f} {one.orders:7d} {one.fills:7d} "
        f"{one.losses:7d} {one.asked:7d} {one.doubles:8d} "
        f"{one.late_s:6.2f} "
        f"{'all agree' if not parted else 'parted: ' + ', '.join(parted)}"
    )


def main() -> int:
    """Run storms and print what they left."""
    parser = argparse.ArgumentParser(description="Storms at local venues.")
    parser.add_argument("--venue", action="append", choices=sorted(DIALECTS))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--least", type=int, default=50)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(
        f"{'venue':14} {'minutes':>8} {'orders':>7} {'fills':>7} {'losses':>7} {'asked':>7} "
        f"{'doubles':>8} {'late s':>6}"
    )
    outcomes = []
    for name in chosen.venue or sorted(DIALECTS):
        one = asyncio.run(
            storm(
                name,
                minutes=chosen.minutes,
                least=chosen.least,
                seed=chosen.seed,
                speed=chosen.speed,
            )
        )
        outcomes.append(one)
        print(_line(one), flush=True)
        tape = one.tape._asdict().items()
        print("    tape: " + ", ".join(f"{name} {count}" for name, count in tape), flush=True)
        print("    " + ", ".join(f"{kind} {one.faults[kind]}" for kind in KINDS), flush=True)
        print("".join(f"    {words}\n" for words in one.parted), end="", flush=True)
    return 0 if all(one.good for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
