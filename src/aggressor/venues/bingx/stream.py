"""BingX's private stream read into updates of our account.

The stream needs no subscription: its key in the address is enough. Maker and taker are not told.
A fill whose size and price are not in the message (as some years ago) is told by how far the order
is filled; its price is to be asked for. Funding comes as a change of the wallet; with shared margin
without the contract's name.
"""

from collections.abc import Sequence

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import NO_TIME
from aggressor.venues.bingx.answers import (
    key_of_fill,
    leg_of,
    order_kind,
    paid,
    price_of,
    side_of,
    signed,
)
from aggressor.venues.bingx.instruments import MS
from aggressor.venues.bingx.replies import Account, Event, Update
from aggressor.venues.text.numerals import number_of, text_of
from aggressor.venues.trading import (
    BalanceUpdate,
    Credentials,
    FillUpdate,
    FundingUpdate,
    OrderUpdate,
    PositionUpdate,
    PrivateLink,
)
from aggressor.venues.trading import Update as Said

_event = msgspec.json.Decoder(Event)
_update = msgspec.json.Decoder(Update)
_account = msgspec.json.Decoder(Account)


def private(address: str, credentials: Credentials, now_ms: int, key: str) -> PrivateLink:
    """Return the address of the private stream."""
    return PrivateLink(f"{address}?listenKey={key}", {})


def decode_private(message: bytes) -> Sequence[Said]:
    """Return what a message says of the account, () for nothing; raise MessageError."""
    if not message.startswith(b"{"):
        return ()
    try:
        event = _event.decode(message)
        time = (event.T or event.E) * MS or NO_TIME
        if event.e == "ORDER_TRADE_UPDATE":
            return _order(_update.decode(event.o), time)
        if event.e == "ACCOUNT_UPDATE":
            return _changes(_account.decode(event.a), time)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError) as trouble:
        if isinstance(trouble, MessageError):
            raise
        raise MessageError(
            f"A message of the account is not what BingX documents ({trouble}): "
            f"{message[:120].decode(errors='replace')} - it was left out; ask for orders and "
            "positions."
        ) from None
    return ()


def _order(one: Update, time: int) -> list[Said]:
    venue_id, side = text_of(one.i), side_of(one.S)
    said: list[Said] = []
    size, filled = text_of(one.l), text_of(one.z)
    if one.x in ("TRADE", "CALCULATED") and size.strip("0.") and price_of(one.L) and filled:
        said.append(
            FillUpdate(
                symbol=one.s,
                client_id=one.c,
                venue_id=venue_id,
                trade_id=key_of_fill(venue_id, number_of(filled)),
                side=side,
                price=text_of(one.L),
                size=size,
                fee=paid(one.n),
                fee_asset=one.N,
                maker=None,
                ts_venue=time,
            )
        )
    said.append(
        OrderUpdate(
            symbol=one.s,
            client_id=one.c,
            venue_id=venue_id,
            kind=order_kind(one.X),
            side=side,
            price=price_of(one.p),
            size=text_of(one.q),
            filled=filled,
            ts_venue=time,
            trigger=price_of(one.sp),
            reduce_only=one.ro,
        )
    )
    return said


def _changes(account: Account, time: int) -> list[Said]:
    said: list[Said] = []
    held = account.P or []
    for one in account.B or []:
        said.append(BalanceUpdate(one.a, text_of(one.wb), "", time))
        change = text_of(one.bc)
        if account.m == "FUNDING_FEE" and change.strip("-0."):
            symbol = held[0].s if len(held) == 1 else ""
            said.append(FundingUpdate(symbol, one.a, format(-number_of(change), "f"), time))
    for one in held:
        said.append(
            PositionUpdate(
                symbol=one.s,
                size=signed(text_of(one.pa), one.ps),
                entry=price_of(one.ep),
                isolated=one.mt == "isolated",
                ts_venue=time,
                leg=leg_of(one.ps),
            )
        )
    return said
