"""Split, causality, mirror, twin and balanced books on a minute of a real recording."""

import numpy as np
import pytest

from aggressor.run.imports.importing import import_files
from aggressor.schema.event import NO_PRICE, Events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import FILL
from aggressor.store.reader import Store
from tests.detectors.scene import mirrored
from tests.engine.course import driven, engine_of, kinds, outcome, stepped
from tests.engine.trader import Trader
from tests.properties.tapes import within
from tests.properties.test_mirror import as_sets, prices, turned_signals
from tests.recordings import recording

pytestmark = pytest.mark.recording

NAME = "binance-usdm:BTCUSDT"
SECONDS = 60.0
TICKS = 300

Tape = tuple[Instrument, Events]


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    root = tmp_path_factory.mktemp("recording")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGGRESSOR_CACHE", str(root / "cache"))
        import_files(
            [recording("binance-usdm/btcusdt_20240808.gz")], "binance-usdm", root / "store"
        )
        store = Store(root / "store")
        events = within(store.source(NAME).read_all(), SECONDS).copy()
        return store.definition(NAME), events


def run(tape: Tape, limit: int = 0, mirror: int = 1, events: Events | None = None):
    instrument, rows = tape
    engine = engine_of([instrument], [Trader(9, mirror=mirror, ticks=TICKS)], profile="perp")
    rows = rows if events is None else events
    exchange = stepped(engine, [rows], limit) if limit else driven(engine, [rows])
    return engine, outcome(engine, exchange)


def test_split(tape: Tape) -> None:
    engine, whole = run(tape)
    counts = kinds(engine.journal.reports)
    assert counts[FILL] > 5
    assert engine.journal.placed > 20
    assert engine.journal.signal_count > 0
    for limit in (1, 7, 1000, 10**6):
        assert run(tape, limit)[1] == whole
    assert run(tape)[1] == whole


def test_causality(tape: Tape) -> None:
    whole = run(tape)[0].journal
    events = tape[1]
    for share in (0.5, 0.8):
        cut_ns = int(events["ts_recv"][int(share * events.size)])
        keep = int(np.searchsorted(events["ts_recv"], cut_ns, side="right"))
        other = events.copy()
        rest = other[keep:]
        rest["size"] = rest["size"][::-1]
        known = rest["price"] != NO_PRICE
        rest["price"][known] += np.resize(np.arange(-25, 26, dtype=np.int32), int(known.sum()))
        found = run(tape, events=other)[0].journal
        for rows, name in (
            ("commands", "ts_send"),
            ("signals", "ts_known"),
            ("reports", "ts_recv"),
        ):
            mine, theirs = getattr(found, rows), getattr(whole, rows)
            before = theirs[theirs[name] <= cut_ns]
            assert mine[mine[name] <= cut_ns].tobytes() == before.tobytes(), rows


def test_mirror(tape: Tape) -> None:
    ours = run(tape)[0].journal
    theirs = run(tape, mirror=-1, events=mirrored(tape[1]))[0].journal
    assert as_sets(ours.signals) == as_sets(turned_signals(theirs.signals))
    assert ours.commands.size == theirs.commands.size > 20
    for name in ("ts_send", "order", "parent", "size", "kind", "type", "tif", "flags"):
        np.testing.assert_array_equal(ours.commands[name], theirs.commands[name], name)
    placed = ours.commands["kind"] < 3
    for name in ("price", "trigger"):
        turned = prices(theirs.commands[name][placed])
        np.testing.assert_array_equal(ours.commands[name][placed], turned, name)
    assert ours.reports.size == theirs.reports.size


def test_books_balance(tape: Tape) -> None:
    engine, _ = run(tape)
    fills = engine.journal.reports[engine.journal.reports["kind"] == FILL]
    currency = engine.desk.books.currency(0)
    assert engine.desk.books.identity(currency)
    assert engine.desk.books.total(currency) == 0
    held = int((fills["size"] * fills["side"].astype(np.int64)).sum())
    assert engine.desk.position(0).lots == held
