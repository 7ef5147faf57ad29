"""The journal: one digest stands for every command; records are kept up to a bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.engine.journal import Journal
from aggressor.engine.reading import count_signals, said
from aggressor.schema.command import COMMAND, PLACE, Commands, empty_commands
from aggressor.schema.report import FILL, MAKER, empty_reports
from aggressor.schema.signal import CONFIRMED, PULL, REJECTED, WALL, empty_signals


def commands(count: int, seed: int = 1) -> Commands:
    raw = np.random.default_rng(seed).integers(0, 256, count * COMMAND.itemsize, np.uint8)
    return raw.view(COMMAND)


def digest_of(*batches: Commands) -> str:
    journal = Journal()
    for batch in batches:
        journal.note_commands(batch)
    return journal.digest


@given(st.integers(1, 20), st.data())
def test_the_same_commands_have_the_same_digest_however_batched(
    count: int, data: st.DataObject
) -> None:
    rows = commands(count)
    cut = data.draw(st.integers(0, count))
    assert digest_of(rows[:cut], rows[cut:]) == digest_of(rows)
    assert digest_of(*(rows[i : i + 1] for i in range(count))) == digest_of(rows)


@given(st.integers(0, 5 * COMMAND.itemsize - 1), st.integers(1, 255))
def test_any_byte_changes_the_digest(at: int, change: int) -> None:
    rows = commands(5)
    raw = bytearray(rows.tobytes())
    raw[at] ^= change
    other = np.frombuffer(bytes(raw), COMMAND)
    assert digest_of(other) != digest_of(rows)


def test_order_and_absence_change_the_digest() -> None:
    rows = commands(5)
    assert (
        len({digest_of(rows), digest_of(rows[::-1].copy()), digest_of(rows[:4]), digest_of()}) == 4
    )


def test_signals_and_reports_do_not_enter_the_digest() -> None:
    journal = Journal()
    journal.note_signals(empty_signals(3))
    journal.note_reports(empty_reports(2))
    assert journal.digest == digest_of()
    assert (journal.signal_count, journal.report_count, journal.command_count) == (3, 2, 0)


def test_what_is_kept_is_a_copy() -> None:
    journal = Journal()
    rows = commands(2)
    journal.note_commands(rows)
    before = rows.copy()
    rows["size"] += 1
    np.testing.assert_array_equal(journal.commands, before)


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_memory_is_bounded_and_counts_go_on(batch: int) -> None:
    journal = Journal(kept=10)
    rows = empty_commands(70)
    rows["order"] = np.arange(70)
    for start in range(0, 70, batch):
        journal.note_commands(rows[start : start + batch])
    assert journal.command_count == 70
    kept = journal.commands["order"]
    np.testing.assert_array_equal(kept, np.arange(60, 70))


def test_orders_and_fills_are_counted_beyond_what_is_kept() -> None:
    journal = Journal(kept=2)
    sent, told = empty_commands(9), empty_reports(9)
    sent["kind"][:5] = PLACE
    told["kind"][:6] = FILL
    told["flags"][3:] = MAKER
    for i in range(9):
        journal.note_commands(sent[i : i + 1])
        journal.note_reports(told[i : i + 1])
    assert (journal.placed, journal.fills, journal.maker_fills) == (5, 6, 3)


def test_what_signals_say_is_counted_beyond_what_is_kept() -> None:
    journal = Journal(kept=2)
    rows = empty_signals(9)
    rows["kind"][:6], rows["phase"][:6] = WALL, CONFIRMED
    rows["provisional"][:2] = 1
    rows["kind"][6:], rows["phase"][6:] = PULL, REJECTED
    for i in range(9):
        journal.note_signals(rows[i : i + 1])
    assert journal.signals.size == 2
    assert count_signals(journal.said) == {
        said(WALL, CONFIRMED, "", 0): 4,
        said(PULL, REJECTED, "", 0): 3,
        said(WALL, CONFIRMED, "", 1): 2,
    }
    assert list(count_signals(journal.said).values()) == [4, 3, 2], "the most frequent first"


def test_an_empty_journal() -> None:
    journal = Journal()
    assert journal.commands.size == journal.reports.size == journal.signals.size == 0
