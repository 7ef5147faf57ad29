"""Bybit's protection against disconnection (DCP): all is cancelled when nobody listens any more.

It counts no time while a private socket that is subscribed to `dcp.future` is open; once all of
them are gone for the window, every order of the derivatives is cancelled ("CancelByDCP"). The venue
enables it for institutions alone and takes some ten seconds to obey; here it holds at once and for
everybody.
"""

from collections.abc import Sequence

from aggressor.venues.bybit.server_market import Params
from aggressor.venues.served.dialect import SECOND_NS, Channel, CodeError, House

TOPIC = "dcp"
GUARDED = "CancelByDCP"

_ALL = -1  # of `House.dead_man`: it is not by instrument
_WINDOW = "dcp window"
_SECONDS = range(3, 301)


def set_window(house: House, params: Params) -> dict[str, str]:
    """Choose after how many seconds; raise CodeError."""
    if params.get("product", "OPTIONS") != "DERIVATIVES":
        raise CodeError(10001, "only product DERIVATIVES is served here")
    text = str(params.get("timeWindow", ""))
    if not text.isdigit() or int(text) not in _SECONDS:
        raise CodeError(10001, "params error: timeWindow invalid")
    house.notes[_WINDOW] = int(text)
    return {}


def window_s(house: House) -> int:
    """Return the window that was chosen, 0 for none."""
    return int(house.notes.get(_WINDOW, 0))


def beat(house: House, channel: Channel) -> Sequence[bytes]:
    """See that a socket is there which is guarded; called for every open one, again and again."""
    if window_s(house) and any(one.partition(".")[0] == TOPIC for one in channel.topics):
        house.dead_man[_ALL] = house.exchange.now + window_s(house) * SECOND_NS
    return ()


def guard(house: House) -> None:
    """Cancel all whose owner has been away for the window."""
    if house.dead_man.get(_ALL, house.exchange.now + 1) > house.exchange.now:
        return
    del house.dead_man[_ALL]
    for one in house.exchange.living.values():
        one.ticket.said["cancelType"] = GUARDED
    house.exchange.cancel_all(None)
