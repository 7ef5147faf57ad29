"""A backtest that is kept: the journal of paper and live, in a folder, for `aggressor report`.

`FOLDER/backtest.sqlite` has one run for each backtest that was told to keep it there; a run says
where its market is to be found. Nothing hangs on a backtest's journal, so it is written now and
then, not before each command: memory stays bounded and the disk is not waited for.
"""

from pathlib import Path

from aggressor.execution.desk import Desk, DeskRule
from aggressor.run.accounts.account import config_of
from aggressor.run.assemble import UNLIMITED, Settings, asked_by, strategies_of
from aggressor.run.backtests.market_source import Source
from aggressor.store.journal import KeptJournal
from aggressor.strategies.gates import Mode

BACKTEST = "backtest.sqlite"
_WAITING_MAX = 20_000  # rows in memory


class KeptRun:
    """The journal of one backtest while it runs."""

    def __init__(self, folder: Path, source: Source, settings: Settings) -> None:
        """Begin a run in a folder's journal; raise StoreError."""
        rule = UNLIMITED if settings.rule.get("ungated") else DeskRule()
        made = strategies_of(settings, source.instruments, Mode.BACKTEST)
        asked = asked_by([one for _, one in made])
        config = config_of(source.instruments, settings, rule, Mode.BACKTEST, 1, asked)
        self.journal = KeptJournal(
            folder / BACKTEST,
            Mode.BACKTEST.value,
            {**config, "market": dict(source.where)},
            source.first_ns,
        )
        self._source = source
        self._reports = 0

    def keep(self, desk: Desk, reports: int) -> None:
        """Write what was noted, once enough of it waits."""
        self._reports += reports
        if self.journal.waiting >= _WAITING_MAX:
            self.journal.seal(desk)
            self.journal.left()

    def close(self, desk: Desk, events: int) -> None:
        """Write the rest and end the run."""
        first_ns, last_ns = self._source.first_ns, self._source.last_ns
        self.journal.seal(desk)
        self.journal.left()
        self.journal.progress(events, self._reports, first_ns, last_ns)
        self.journal.close(desk, "the market is over", last_ns)
