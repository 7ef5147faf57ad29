"""A run as one HTML page: self-contained, no request to anywhere, every text escaped, times UTC.

The template lays out the document of `aggressor report`; pictures are embedded as data. A number
that is not known stands as "not known", a mean always with its n and interval or the reason why it
has none.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from aggressor.reports.console import NOT_KNOWN
from aggressor.reports.moments import moment_text
from aggressor.reports.pictures import picture_bytes
from aggressor.schema.errors import ConfigError, StoreError

_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
_TEMPLATE = "run_page.html"


class Picture(NamedTuple):
    """One picture of the page; `uri` holds it whole."""

    title: str
    words: str
    uri: str
    wide: bool

    @classmethod
    def of(cls, title: str, words: str, figure: Any, form: str, wide: bool = False) -> "Picture":
        """Return a drawn figure as a picture of the page."""
        held = b64encode(picture_bytes(figure, form)).decode()
        return cls(title, words, f"data:{_TYPES[form]};base64,{held}", wide)


def page_of(document: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """Return the page; raise ConfigError where jinja2 is not installed."""
    try:
        jinja2 = import_module("jinja2")
    except ImportError:
        raise ConfigError(
            "The page needs jinja2, which is not installed: "
            'run `python -m pip install "aggressor[plots]"`.'
        ) from None
    room = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    room.filters.update(
        number=number, share=share, bp=bp, interval=interval, moment=moment, span=span, ms=ms
    )
    return room.get_template(_TEMPLATE).render(told=document, pictures=pictures)


def write_page(file: Path, page: str) -> None:
    """Write a page, whole or not at all; raise StoreError."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(file)
    except OSError as trouble:
        raise StoreError(f"Cannot write {file}: {trouble}. Choose another place.") from None
    finally:
        part.unlink(missing_ok=True)


def number(value: Any, digits: int = 2, sign: bool = False) -> str:
    """Return a number with so many decimals, or that it is not known."""
    if value is None:
        return NOT_KNOWN
    text = f"{float(value):{'+' if sign else ''},.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def share(value: float | None, digits: int = 1) -> str:
    """Return a share as a percentage."""
    return NOT_KNOWN if value is None else f"{100 * value:.{digits}f} %"


def bp(one: Mapping[str, Any], digits: int = 2) -> str:
    """Return the mean of an estimate, whichever of the two forms it has."""
    return number(one.get("mean", one.get("value")), digits, sign=True)


def interval(one: Mapping[str, Any], digits: int = 2) -> str:
    """Return the 95 % interval of an estimate, or why there is none."""
    if one.get("low") is None:
        return one.get("why") or "no interval"
    low, high = (number(one[end], digits, sign=True) for end in ("low", "high"))
    return f"[{low}, {high}]"


def moment(ns: int | None) -> str:
    """Return a moment, UTC."""
    return NOT_KNOWN if ns is None else moment_text(ns)


def span(ns: int) -> str:
    """Return a length of time as people say it."""
    seconds = ns / 1e9
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def ms(ns: int | None) -> str:
    """Return nanoseconds as milliseconds."""
    return NOT_KNOWN if ns is None else f"{ns / 1e6:,.1f} ms"
