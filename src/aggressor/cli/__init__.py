"""Arguments only: each command names its options and calls one file of `run/`.

Nothing heavy is imported here, so `--help` answers at once. With `--json` a command prints one JSON
document on standard output and nothing else; progress and errors go to standard error. Exit codes:
0 done, 1 failed (the reason is one sentence), 2 wrong usage.
"""

import gc
import sys
from collections.abc import Sequence
from typing import Any

import cyclopts

from aggressor._version import VERSION
from aggressor.cli import desk, execution, history, live, local, reporting, runs, trading

app = cyclopts.App(
    name="aggressor",
    version=VERSION,
    help="Order flow of crypto futures: record it, read it, backtest on it.",
)

_COLLECT = (50_000, 20, 50)  # a start makes many objects and no garbage: do not keep looking
_COMMANDS = (
    runs.demo,
    desk.desk,
    live.record,
    live.recover,
    live.watch,
    live.doctor,
    trading.paper,
    trading.live,
    trading.watchdog,
    trading.halt,
    trading.limits,
    trading.parity,
    local.venue,
    history.import_,
    history.export,
    history.inspect,
    history.footprint,
    history.signals,
    history.profile,
    history.tape,
    history.book,
    history.context,
    history.composite,
    history.study,
    runs.backtest,
    reporting.report,
    runs.strategies,
    runs.trials,
    execution.execute,
    execution.slippage,
    runs.score,
    runs.rates,
    runs.calibrate,
    runs.warm,
)
for _command in _COMMANDS:
    app.command(_command, name=_command.__name__.rstrip("_"))


class _Complaints:
    """A console on standard error that is not there before something is wrong."""

    def __getattr__(self, name: str) -> Any:
        """Return what a console has of that name."""
        from rich.console import Console

        return getattr(Console(stderr=True, highlight=False), name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on `arguments`, those of the process where none are given."""
    from aggressor.schema.errors import AggressorError

    gc.set_threshold(*_COLLECT)
    words = sys.argv[1:] if arguments is None else list(arguments)
    complaints: Any = _Complaints()
    try:
        app(words, exit_on_error=False, print_error=True, error_console=complaints)
    except cyclopts.CycloptsError:
        raise SystemExit(2) from None
    except AggressorError as trouble:
        print(f"aggressor: {trouble}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("aggressor: stopped", file=sys.stderr)
        raise SystemExit(1) from None
