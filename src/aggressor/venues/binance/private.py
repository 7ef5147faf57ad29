"""Binance's private stream in the words of `venues.trading`.

TRADE_LITE tells a fill some milliseconds early and without its fee; the same fill follows in an
ORDER_TRADE_UPDATE, which alone is used: no fill is counted twice, none without its fee.

An order with a trigger, once triggered, lives on as a plain order with another id: TRIGGERED
carries that id, so that the fills which follow find our order. A fill by the venue itself
(liquidation, ADL, settlement) comes under an id that is none of ours. The stream opens without a
picture of the account: ask for that by REST.
"""

from collections.abc import Sequence

import msgspec

from aggressor.schema import report
from aggressor.venues.binance import account_messages as form
from aggressor.venues.binance.account import (
    ALGO_KINDS,
    KINDS,
    LEGS,
    kind_of,
    nanoseconds,
    not_zero,
    price_of,
    read_as,
    side_of,
)
from aggressor.venues.trading import (
    BalanceUpdate,
    FillUpdate,
    FundingUpdate,
    OrderUpdate,
    PositionUpdate,
    Update,
)

_EXPIRED_BECAUSE = {
    "1": report.SELF_TRADE,
    "2": report.NO_LIQUIDITY,
    "3": report.SELF_TRADE,
    "4": report.REDUCE_ONLY_EMPTY,
    "5": report.NO_MARGIN,  # the account was liquidated
    "7": report.FORBIDDEN,  # the contract was delisted
    "9": report.NO_LIQUIDITY,
}
_TRIGGERED_BECAUSE = "8"


class _Head(msgspec.Struct, frozen=True):
    e: str = ""
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


_head = msgspec.json.Decoder(_Head)
_order_event = msgspec.json.Decoder(form.OrderEvent)
_algo_event = msgspec.json.Decoder(form.AlgoEvent)
_account_event = msgspec.json.Decoder(form.AccountEvent)


def decode_private(message: bytes) -> Sequence[Update]:
    """Read a message of the private stream; () for what says nothing new; raise MessageError."""
    head = read_as(_head.decode, message, "a message of the private stream")
    if head.data and not head.e:
        message = bytes(head.data)
        head = read_as(_head.decode, message, "a message of the private stream")
    if head.e == "ORDER_TRADE_UPDATE":
        return _order_event_updates(read_as(_order_event.decode, message, "an order's event").o)
    if head.e == "ALGO_UPDATE":
        return _algo_event_updates(read_as(_algo_event.decode, message, "an order's event"))
    if head.e == "ACCOUNT_UPDATE":
        return _account_updates(read_as(_account_event.decode, message, "an account's event"))
    return ()


def _order_event_updates(body: form.OrderEventBody) -> Sequence[Update]:
    """Read an order's event: a fill, a change of its state, or a fill that ends it."""
    at, side = nanoseconds(body.T), side_of(body.S)
    updates: list[Update] = []
    if not_zero(body.last) and body.x in ("TRADE", "CALCULATED"):
        updates.append(
            FillUpdate(
                symbol=body.s,
                client_id=body.c,
                venue_id=str(body.i),
                trade_id=str(body.t),
                side=side,
                price=body.L,
                size=body.last,
                fee=body.n,
                fee_asset=body.N,
                maker=body.m,
                ts_venue=at,
            )
        )
    kind, reason = kind_of(KINDS, body.X), report.NO_REASON
    if body.x == "AMENDMENT" and kind == report.ACK:
        kind = report.AMENDED
    elif kind == report.EXPIRED:
        expired = report.SELF_TRADE if body.X == "EXPIRED_IN_MATCH" else report.NO_REASON
        reason = _EXPIRED_BECAUSE.get(body.er, expired)
        kind = report.TRIGGERED if body.er == _TRIGGERED_BECAUSE else kind
    if updates and kind == report.ACK:
        return updates
    updates.append(
        OrderUpdate(
            symbol=body.s,
            client_id=body.c,
            venue_id=str(body.i),
            kind=kind,
            side=side,
            price=price_of(body.p),
            size=body.q,
            filled=body.z,
            ts_venue=at,
            trigger=price_of(body.sp),
            reason=reason,
            reduce_only=body.R,
        )
    )
    return updates


def _algo_event_updates(event: form.AlgoEvent) -> Sequence[Update]:
    """Read an event of an order with a trigger; what became of it tells the plain order."""
    body = event.o
    kind = kind_of(ALGO_KINDS, body.X)
    if body.X in ("TRIGGERING", "FINISHED"):
        return ()
    ended = kind in (report.REJECTED, report.EXPIRED, report.CANCELED)
    reduces = ended and "reduce" in body.rm.lower()
    return (
        OrderUpdate(
            symbol=body.s,
            client_id=body.caid,
            venue_id=str(body.ai or body.aid),
            kind=kind,
            side=side_of(body.S),
            price=price_of(body.p),
            size=body.q,
            filled=body.aq or "0",
            ts_venue=nanoseconds(event.T),
            trigger=price_of(body.tp),
            reason=report.REDUCE_ONLY_EMPTY if reduces else report.NO_REASON,
            reduce_only=body.R,
            text=body.rm if ended else "",
        ),
    )


def _account_updates(event: form.AccountEvent) -> Sequence[Update]:
    """Read what changed: balances, positions, and funding paid."""
    body, at = event.a, nanoseconds(event.T)
    updates: list[Update] = [BalanceUpdate(one.a, one.wb, "", at) for one in body.B]
    if body.m == "FUNDING_FEE":
        symbol = body.S or (body.P[0].s if len(body.P) == 1 else "")
        for one in body.B:
            if not_zero(one.bc):
                updates.append(FundingUpdate(symbol, one.a, _negated(one.bc), at))
    updates.extend(
        PositionUpdate(
            symbol=one.s,
            size=one.pa,
            entry=one.ep,
            isolated=one.mt == "isolated",
            ts_venue=at,
            leg=LEGS.get(one.ps, 0),
        )
        for one in body.P
    )
    return updates


def _negated(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"
