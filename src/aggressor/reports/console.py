"""The console that results are shown on, and what their tables have in common."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

NOT_KNOWN = "not known"
WIDTH_WITHOUT_TERMINAL = 160
WRAPPED = ("gates not passed", "exit reason", "evidence", "why")  # columns that may break lines


def table_of(title: str, *columns: tuple[str, Any]) -> Table:
    """Return an empty table of (name, justification) columns; without names it has no head."""
    named = any(name for name, _ in columns)
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        show_header=named,
        padding=(0, 1),
    )
    for name, justify in columns:
        table.add_column(name, justify=justify, no_wrap=name not in WRAPPED)
    return table


def wide_console() -> Console:
    """Return a console that is wide enough for numbers where nobody set a width."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)
    return console


def signed(text: str) -> str:
    """Mark a signed number with colours that colour-blind eyes tell apart; the sign stays."""
    return f"[orange1]{text}[/]" if text.startswith("-") else f"[deep_sky_blue1]+{text}[/]"
