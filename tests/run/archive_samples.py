"""Made-up archives in the formats of their makers: small, seeded, with what is true of them.

Column names are those the makers publish; rows are invented. Where a real sample of a format is at
hand, tests use that too.
"""

import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

START_MS = 1_704_067_200_000  # 2024-01-01


class Print(NamedTuple):
    """One print of a made-up tape."""

    number: int
    ms: int
    price: Decimal
    size: Decimal
    side: int


def tape(count: int, seed: int = 1, step_ms: int = 900) -> list[Print]:
    """Return prints on a grid of 0.1 and 0.001, times never going back."""
    random = Random(seed)
    ms, price = START_MS, 420_000
    found = []
    for number in range(count):
        ms += random.choice((0, 0, random.randrange(step_ms)))
        price += random.choice((-1, 0, 0, 1))
        size = Decimal(random.randrange(1, 5_000)) / 1000
        found.append(Print(1000 + number, ms, Decimal(price) / 10, size, random.choice((-1, 1))))
    return found


def zipped(path: Path, text: str, member: str = "") -> Path:
    """Write a zip of one text, as Binance and Bybit do."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or path.with_suffix(".csv").name, text)
    return path


def gzipped(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def agg_trades(prints: list[Print], header: bool = True, spot: bool = False) -> str:
    """Binance aggTrades."""
    out = io.StringIO()
    if header:
        out.write(
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
        )
    for one in prints:
        maker = "true" if one.side < 0 else "false"
        if spot:  # us since 2025, and one column more
            maker = f"{maker.title()},True"
        stamp = one.ms * 1000 if spot else one.ms
        out.write(f"{one.number},{one.price},{one.size},1,1,{stamp},{maker}\n")
    return out.getvalue()


def trades(prints: list[Print], header: bool = True) -> str:
    """Binance trades."""
    out = "id,price,qty,quote_qty,time,is_buyer_maker\n" if header else ""
    return out + "".join(
        f"{one.number},{one.price},{one.size},{one.price * one.size},{one.ms},"
        f"{'true' if one.side < 0 else 'false'}\n"
        for one in prints
    )


def bybit_trades(prints: list[Print], symbol: str = "BTCUSDT") -> str:
    """Bybit trading/SYMBOL."""
    head = (
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,"
        "foreignNotional,RPI\n"
    )
    return head + "".join(
        f"{Decimal(one.ms) / 1000:.4f},{symbol},{'Buy' if one.side > 0 else 'Sell'},{one.size},"
        f"{one.price},PlusTick,id-{one.number},1e+10,{one.size},1.0,{int(one.number % 5 == 0)}\n"
        for one in prints
    )


def tardis_trades(
    prints: list[Print], exchange: str = "binance-futures", symbol: str = "BTCUSDT"
) -> str:
    """Tardis trades; local_timestamp 5 ms behind the venue's."""
    return "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n" + "".join(
        f"{exchange},{symbol},{one.ms * 1000},{one.ms * 1000 + 5000},{one.number},"
        f"{'buy' if one.side > 0 else 'sell'},{one.price},{one.size}\n"
        for one in prints
    )


Level = tuple[str, Decimal, Decimal]


def tardis_book(messages: list[tuple[int, bool, list[Level]]], symbol: str = "BTCUSDT") -> str:
    """Tardis incremental_book_L2 of messages (us, is a picture, levels)."""
    head = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    return head + "".join(
        f"binance-futures,{symbol},{us - 4000},{us},{str(picture).lower()},{side},{price},{size}\n"
        for us, picture, levels in messages
        for side, price, size in levels
    )


def a_book(
    count: int, seed: int = 1, lost_at: int | None = None
) -> list[tuple[int, bool, list[Level]]]:
    """Return messages of a made-up book: a picture, then changes; another picture at `lost_at`."""
    random = Random(seed)
    us, middle = START_MS * 1000, 420_000
    out: list[tuple[int, bool, list[Level]]] = []
    for number in range(count):
        us += random.randrange(1000, 100_000)
        picture = number in (0, lost_at)
        levels: dict[tuple[str, int], Decimal] = {}
        for _ in range(30 if picture else random.randrange(1, 6)):
            away = random.randrange(1, 20)
            side = random.choice(("bid", "ask"))
            price = middle - away if side == "bid" else middle + away
            size = random.randrange(0 if not picture else 1, 9_000)
            levels[side, price] = Decimal(size) / 1000
        out.append((us, picture, [(s, Decimal(p) / 10, q) for (s, p), q in levels.items()]))
    return out
