"""Arguments only: each command names its options and calls one file of `run/`.

Nothing heavy is imported here, so `--help` answers at once. With `--json` a command prints one JSON
document on standard output and nothing else; progress and errors go to standard error. Exit codes:
0 done, 1 failed (the reason is one sentence), 2 wrong usage.
"""

import sys
from collections.abc import Sequence

import cyclopts

from aggressor._version import VERSION
from aggressor.cli import history, live, local, runs

app = cyclopts.App(
    name="aggressor",
    version=VERSION,
    help="Order flow of crypto futures: record it, read it, backtest on it.",
)

_COMMANDS = (
    runs.demo,
    live.record,
    live.recover,
    live.watch,
    live.doctor,
    local.venue,
    history.import_,
    history.inspect,
    history.footprint,
    history.signals,
    history.profile,
    history.tape,
    history.book,
    history.context,
    history.study,
    runs.backtest,
    runs.score,
    runs.warm,
)
for _command in _COMMANDS:
    app.command(_command, name=_command.__name__.rstrip("_"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on `arguments`, those of the process where none are given."""
    from rich.console import Console

    from aggressor.schema.errors import AggressorError

    words = sys.argv[1:] if arguments is None else list(arguments)
    to_stderr = Console(stderr=True, highlight=False)
    try:
        app(words, exit_on_error=False, print_error=True, error_console=to_stderr)
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
