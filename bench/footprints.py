"""Footprint with all studies: CPU ns per trade beside DuckDB and Polars, in turn in one process.

    python footprints.py [TRADES]       of the generated set, default 1000000

One-minute bars of the same trades; of each: cells, delta and its extremes, point of control, value
area of 70 %, diagonal imbalances (three times the other side, at least MINIMUM lots more) of both
sides, stacks of three, unfinished auctions at both ends. Ours is the product's path, zones and
their baseline included. SQL and expressions end where a rule must walk: there both peers hand the
cells of a bar to one plain Python loop for the value area, as their users do.

The peers read integer lots from tables that already stand in memory; making these is not timed.
What they find is compared with ours before anything is timed. Freqtrade is measured by the peers'
own script (run.py): it needs an environment of its own, counts trades where others weigh lots, and
knows neither value area, point of control nor auctions.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from generated import peers, trade_events
from measuring import cpu_of, figure, in_turn
from numpy.typing import NDArray

from aggressor.features.auction import AuctionParameters, AuctionState, auction_state, unfinished
from aggressor.features.auction import read_bar as read_auction
from aggressor.features.diagonal import OPPOSED, DiagonalParameters, bar_diagonals
from aggressor.features.footprint import make_room_for
from aggressor.features.footprint_batch import run_footprint
from aggressor.features.series import FootprintState, drain
from aggressor.features.zones import ZonesState, zones_state
from aggressor.features.zones import read_bar as read_zones
from aggressor.kernel import kernel
from aggressor.schema.event import Events
from market import minute_bars

MINUTE = 60_000_000_000
RATIO, MINIMUM, STACK = 3, 500, 3
RULE = DiagonalParameters(
    ratio=float(RATIO),
    minimum_lots=MINIMUM,
    border_rows=True,
    rows_min=STACK,
    row_effective_ticks=0.0,
)
Table = dict[str, NDArray[Any]]
STUDIES = (
    "delta",
    "delta_min",
    "delta_max",
    "poc",
    "val",
    "vah",
    "diagonals",
    "stacks",
    "open_ends",
)


@kernel
def study_closed(state: FootprintState, zones: ZonesState, auction: AuctionState) -> None:
    """Study the bars that closed since the last draining."""
    head, cells = state.head[0], state.cells[0]
    for number in range(head["drained"], head["closed"]):
        bar = state.bars[0, number & (state.bars.shape[1] - 1)]
        read_zones(zones, 0, number, bar, cells, head["row_ticks"], 1, 0)
        read_auction(auction, 0, bar, cells, head["row_ticks"], 1)


def studied(events: Events, row_ticks: int) -> list[Any]:
    """Return the closed bars of a tape after all studies of them."""
    state, start, closed = minute_bars(row_ticks), 0, []
    zones, auction = zones_state(1, RULE), auction_state(1, AuctionParameters())
    while start < events.size:
        start = int(run_footprint(events, start, events.size, state, 0))
        study_closed(state, zones, auction)
        closed.append(drain(state, 0))
        if start < events.size:
            state = make_room_for(state, 0, events[start])
    return closed


def found_by_us(events: Events, row_ticks: int) -> Table:
    """Return what every bar shows, as the peers tell it."""
    rows = []
    for closed in studied(events, row_ticks):
        for bar in closed.bars:
            first = int(bar["first_cell"])
            cells = closed.cells[first : first + int(bar["cells"])]
            kinds = [
                bar_diagonals(cells, side, RULE, row_ticks=row_ticks, minimum=MINIMUM)
                for side in (1, -1)
            ]
            ends = unfinished(cells, row_ticks=row_ticks)
            rows.append(
                (
                    *(int(bar[name]) for name in STUDIES[:3]),
                    *(int(bar[name]) // row_ticks for name in STUDIES[3:6]),
                    sum(int((one["kind"] >= OPPOSED).sum()) for one in kinds),
                    sum(runs(np.sort(one["index"][one["kind"] >= OPPOSED])) for one in kinds),
                    sum(bool(one) for one in ends),
                )
            )
    return dict(zip(STUDIES, np.array(rows).T, strict=True))


def runs(index: NDArray[Any]) -> int:
    """Return how many runs of at least STACK neighbours there are; zones keep the first eight."""
    parts = np.split(index, np.flatnonzero(np.diff(index) > 1) + 1)
    return sum(one.size >= STACK for one in parts)


def value_area(rows: list[int], volumes: list[int], control: int) -> tuple[int, int]:
    """Return (lowest, highest) row of the value area of one bar: two rows at a time (T4.5)."""
    first, last = rows[0], rows[-1]
    held = dict(zip(rows, volumes, strict=True))
    need = -(-7 * sum(volumes) // 10)
    low = high = control
    total = held[control]
    while total < need and (low > first or high < last):
        up, down = min(high + 2, last), max(low - 2, first)
        above = sum(held.get(row, 0) for row in range(high + 1, up + 1))
        below = sum(held.get(row, 0) for row in range(down, low))
        if up > high and (above >= below or down == low):
            high, total = up, total + above
        else:
            low, total = down, total + below
    return low, high


def _with_areas(table: Table, rows: Any, volumes: Any) -> Table:
    """Add the value areas to a table of bars."""
    areas = [value_area(*one) for one in zip(rows, volumes, table["poc"].tolist(), strict=True)]
    table["val"], table["vah"] = np.array(areas).T
    return table


def duckdb_of(
    columns: Table, row_ticks: int, threads: int, extremes: bool = True
) -> Callable[[], Table]:
    """Return DuckDB's way over trades that stand in its memory.

    Without `extremes` the delta's lowest and highest point are left out: SQL has a window over
    every trade for them, which costs more than all the rest.
    """
    import duckdb
    import pyarrow as pa

    tape = pa.table(columns)
    base = duckdb.connect()
    base.execute(f"SET threads = {threads}")
    base.register("tape", tape)
    base.execute("CREATE TABLE trades AS SELECT * FROM tape")
    walk = f"""
      SELECT ts // {MINUTE} AS bar, sum(signed) OVER (PARTITION BY ts // {MINUTE} ORDER BY id
        ROWS UNBOUNDED PRECEDING) AS delta FROM trades"""
    bare = f"SELECT DISTINCT ts // {MINUTE} AS bar, 0 AS delta FROM trades"
    query = f"""
    WITH runs AS ({walk if extremes else bare}),
    ends AS (SELECT bar, least(min(delta), 0) AS delta_min, greatest(max(delta), 0) AS delta_max
      FROM runs GROUP BY bar),
    cells AS (
      SELECT ts // {MINUTE} AS bar, tick // {row_ticks} AS row, sum(bought) AS bought,
        sum(sold) AS sold FROM trades GROUP BY ALL),
    beside AS (
      SELECT *,
        greatest(CASE WHEN lag(row) OVER w = row - 1 THEN lag(sold) OVER w ELSE 0 END, 1) AS down,
        greatest(CASE WHEN lead(row) OVER w = row + 1 THEN lead(bought) OVER w ELSE 0 END, 1) AS up
      FROM cells WINDOW w AS (PARTITION BY bar ORDER BY row)),
    judged AS (
      SELECT *, bought >= {RATIO} * down AND bought - down >= {MINIMUM} AS lifted,
        sold >= {RATIO} * up AND sold - up >= {MINIMUM} AS hit FROM beside),
    chained AS (
      SELECT bar, side, row - row_number() OVER (PARTITION BY bar, side ORDER BY row) AS chain
      FROM (SELECT bar, row, 1 AS side FROM judged WHERE lifted
        UNION ALL SELECT bar, row, -1 FROM judged WHERE hit)),
    stacks AS (SELECT bar, count(*) AS stacks FROM
      (SELECT bar FROM chained GROUP BY bar, side, chain HAVING count(*) >= {STACK}) GROUP BY bar),
    bars AS (
      SELECT bar, sum(bought - sold) AS delta, arg_max(row, bought + sold) AS poc,
        sum(lifted::INT + hit::INT) AS diagonals,
        (arg_max(least(bought, sold), row) > 0)::INT + (arg_min(least(bought, sold), row) > 0)::INT
          AS open_ends,
        list(row ORDER BY row) AS rows, list(bought + sold ORDER BY row) AS volumes
      FROM judged GROUP BY bar)
    SELECT delta, delta_min, delta_max, poc, diagonals, coalesce(stacks, 0) AS stacks, open_ends,
      rows, volumes FROM bars JOIN ends USING (bar) LEFT JOIN stacks USING (bar) ORDER BY bar
    """

    def go() -> Table:
        answer = base.sql(query).to_arrow_table()
        rows, volumes = (answer[name].to_pylist() for name in ("rows", "volumes"))
        volumes = [[int(one) for one in bar] for bar in volumes]
        table = {
            name: answer[name].cast("int64").to_numpy()
            for name in STUDIES
            if name not in ("val", "vah")
        }
        return _with_areas(table, rows, volumes)

    return go


def polars_of(columns: Table, row_ticks: int) -> Callable[[], Table]:
    """Return Polars' way over a frame that stands in memory."""
    import polars as pl

    frame = pl.DataFrame(columns)
    col = pl.col

    def go() -> Table:
        trades = frame.lazy().with_columns(bar=col("ts") // MINUTE, row=col("tick") // row_ticks)
        ends = (
            trades.select("bar", run=col("signed").cum_sum().over("bar"))
            .group_by("bar")
            .agg(
                delta_min=pl.min_horizontal(col("run").min(), 0),
                delta_max=pl.max_horizontal(col("run").max(), 0),
            )
        )
        below = pl.when(col("row").shift(1) == col("row") - 1).then(col("sold").shift(1))
        above = pl.when(col("row").shift(-1) == col("row") + 1).then(col("bought").shift(-1))
        cells = (
            trades.group_by("bar", "row")
            .agg(col("bought").sum(), col("sold").sum())
            .sort("bar", "row")
            .with_columns(
                volume=col("bought") + col("sold"),
                least=pl.min_horizontal("bought", "sold"),
                down=pl.max_horizontal(below.otherwise(0).over("bar").fill_null(0), 1),
                up=pl.max_horizontal(above.otherwise(0).over("bar").fill_null(0), 1),
            )
            .with_columns(
                lifted=(col("bought") >= RATIO * col("down"))
                & (col("bought") - col("down") >= MINIMUM),
                hit=(col("sold") >= RATIO * col("up")) & (col("sold") - col("up") >= MINIMUM),
            )
            .collect()
        )
        sides = [
            cells.lazy().filter(col(name)).select("bar", "row", side=pl.lit(side))
            for name, side in (("lifted", 1), ("hit", -1))
        ]
        stacks = (
            pl.concat(sides)
            .with_columns(chain=col("row") - pl.int_range(pl.len()).over("bar", "side"))
            .group_by("bar", "side", "chain")
            .len()
            .filter(col("len") >= STACK)
            .group_by("bar")
            .agg(stacks=pl.len().cast(pl.Int64))
        )
        bars = (
            cells.lazy()
            .group_by("bar")
            .agg(
                delta=(col("bought") - col("sold")).sum(),
                poc=col("row").get(col("volume").arg_max()),
                diagonals=(col("lifted").cast(pl.Int64) + col("hit").cast(pl.Int64)).sum(),
                open_ends=(col("least").last() > 0).cast(pl.Int64)
                + (col("least").first() > 0).cast(pl.Int64),
                rows=col("row"),
                volumes=col("volume"),
            )
            .join(ends, on="bar")
            .join(stacks, on="bar", how="left")
            .with_columns(col("stacks").fill_null(0))
            .sort("bar")
            .collect()
        )
        table = {name: bars[name].to_numpy() for name in STUDIES if name not in ("val", "vah")}
        return _with_areas(table, bars["rows"].to_list(), bars["volumes"].to_list())

    return go


def agreement(ours: Table, theirs: Table) -> dict[str, float]:
    """Return the share of our closed bars in which each study says the same."""
    count = ours["delta"].size  # theirs has the open bar too
    return {name: round(float((ours[name] == theirs[name][:count]).mean()), 4) for name in STUDIES}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    columns = peers().trades(count)
    events = trade_events(columns)
    lots, buys = events["size"].copy(), events["side"] > 0
    table = {
        "id": np.arange(count),
        "ts": columns["ts"],
        "tick": columns["tick"].astype(np.int64),
        "bought": np.where(buys, lots, 0),
        "sold": np.where(buys, 0, lots),
        "signed": np.where(buys, lots, -lots),
    }
    for row_ticks in (10, 1):
        ours = found_by_us(events, row_ticks)
        ways = {
            "DuckDB, 1 thread": duckdb_of(table, row_ticks, 1),
            "DuckDB, 2 threads": duckdb_of(table, row_ticks, 2),
            "DuckDB, 1 thread, no delta extremes": duckdb_of(table, row_ticks, 1, extremes=False),
            "Polars": polars_of(table, row_ticks),
        }
        for name, way in ways.items():
            same = agreement(ours, way())
            pair = in_turn(lambda: cpu_of(lambda: studied(events, row_ticks)), way)  # noqa: B023
            figure(
                f"footprint with all studies, rows of {row_ticks / 10:g} USD, {count:,} trades",
                pair,
                count,
                "ns/trade",
                name,
                15,
                agrees=same,
            )


if __name__ == "__main__":
    main()
