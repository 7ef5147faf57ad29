"""What all pictures have in common: size, colours, axes, and how they become files.

1600 x 900 pixels, price and UTC time on the axes. Two colours mean something everywhere, blue for
bids, buying and up, orange for asks, selling and down: colour-blind eyes tell them apart, and
nothing is said by colour alone. Figures are drawn without pyplot, so nothing global is touched and
no screen is needed; matplotlib is an optional extra and is imported when a picture is drawn.
"""

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import ConfigError, StoreError

WIDTH, HEIGHT, DPI = 16.0, 9.0, 100  # inches: 1600 x 900 pixels
BLUE, ORANGE = "#0072B2", "#E66100"
INK, GREY, FAINT = "#222222", "#777777", "#DDDDDD"
DAY_NS = 86_400 * 10**9
FORMATS = ("png", "svg")
_STYLE = {
    "font.size": 10.0,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 12.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "svg.hashsalt": "aggressor",
}


def matplotlib(module: str = "") -> Any:
    """Return matplotlib or one of its modules; raise ConfigError where it is not installed."""
    try:
        return import_module("matplotlib" + (f".{module}" if module else ""))
    except ImportError:
        raise ConfigError(
            "Pictures need matplotlib, which is not installed: "
            'run `python -m pip install "aggressor[plots]"`.'
        ) from None


def new_figure(title: str, note: str = "", size: tuple[float, float] = (WIDTH, HEIGHT)) -> Any:
    """Return an empty figure, inches, with a title and a line of small print."""
    matplotlib().rcParams.update(_STYLE)
    figure = matplotlib("figure").Figure(figsize=size, dpi=DPI, layout="constrained")
    matplotlib("backends.backend_agg").FigureCanvasAgg(figure)
    figure.get_layout_engine().set(rect=(0.006, 0.006, 0.988, 0.988))
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=14, color=INK)
    if note:
        figure.supxlabel(note, x=0.01, ha="left", fontsize=9, color=GREY)
    return figure


def save_figure(figure: Any, file: Path | str, form: str) -> None:
    """Write a figure as PNG or SVG, whole or not at all; raise StoreError where it cannot be."""
    assert form in FORMATS
    target = Path(file)
    part = target.with_name(target.name + ".part")
    try:
        figure.savefig(part, format=form, dpi=DPI, metadata={"Date": None} if form == "svg" else {})
        part.replace(target)
    except OSError as trouble:
        raise StoreError(f"Cannot write {file}: {trouble}. Choose another place.") from None
    finally:
        part.unlink(missing_ok=True)


def picture_bytes(figure: Any, form: str) -> bytes:
    """Return a figure as the bytes of a PNG or SVG."""
    assert form in FORMATS
    held = BytesIO()
    figure.savefig(held, format=form, dpi=DPI, metadata={"Date": None} if form == "svg" else {})
    return held.getvalue()


def days_of(ns: NDArray[np.int64] | int) -> Any:
    """Return times as matplotlib's days since the epoch."""
    return np.asarray(ns, np.int64) / DAY_NS


def time_axis(axes: Any, label: str = "UTC") -> None:
    """Let the horizontal axis show UTC time."""
    dates = matplotlib("dates")
    locator = dates.AutoDateLocator(minticks=5, maxticks=14)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.set_xlabel(label, loc="left")


def price_axis(axes: Any, label: str = "price") -> None:
    """Let the vertical axis show whole prices, at the right as on every trading screen."""
    ticker = matplotlib("ticker")
    axes.yaxis.set_major_locator(ticker.MaxNLocator(nbins=14, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(ticker.ScalarFormatter(useOffset=False))
    axes.yaxis.get_major_formatter().set_scientific(False)
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(label)


def quiet_frame(axes: Any) -> None:
    """Leave out the frame where no axis stands, and draw a faint grid."""
    axes.spines[["top", "left"]].set_visible(False)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def short_size(size: float) -> str:
    """Return a size in at most five characters, for cells."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(size) >= limit:
            return f"{size / (1e3 if unit == 'k' else limit):.3g}{unit}"
    return f"{size:.0f}" if abs(size) >= 100 else f"{size:.3g}"
