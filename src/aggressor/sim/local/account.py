"""One account at the local venue: wallets, positions, leverage, modes, and what it can carry.

Money is int64 in 1e-8 of each settlement asset. A fill pays what it closed, exactly, rounded half
to even, minus its fee; so wallet = deposits + realised - fees - funding at any time.

What an order needs is the initial margin of the worst case: per instrument the larger of position
plus living buys and position plus living sells, at the market's price, by the leverage. An order is
refused when that exceeds the equity and the order would raise it. There is no liquidation here: an
account that has lost everything opens nothing more.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from aggressor.account.position import Position
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import MONEY_UNIT, ContractKind, Instrument, money_round
from aggressor.schema.units import decimal_text
from aggressor.sim.local.orders import LocalOrder, Ticket

_LEVERAGE = 20
_ENTRY_DIGITS = 8


class LocalAccount:
    """Everything one key holds."""

    def __init__(self, instruments: Sequence[Instrument], deposit: int) -> None:
        """`deposit` in 1e-8 of each settlement asset."""
        self.instruments = tuple(instruments)
        self.wallets = {one.settle: deposit for one in instruments}
        self.deposit = deposit
        self.hedge = False
        self.leverage = [_LEVERAGE for _ in instruments]
        self.isolated = [False for _ in instruments]
        self.fees = self.realised = self.funding = 0  # of all assets, for whoever checks the sums
        self.positions = [
            {leg: Position(one.kind is ContractKind.INVERSE) for leg in (0, 1, -1)}
            for one in instruments
        ]

    def fill(self, lane: int, leg: int, side: int, price: int, lots: int, fee: int, ts: int) -> int:
        """Take a fill; return what it earned, in 1e-8."""
        instrument = self.instruments[lane]
        closed, entry = self.positions[lane][leg].fill(side, price, lots, ts)
        earned = 0
        if closed and entry is not None:
            earned = money_round(instrument.profit(closed, entry, price))
        self.wallets[instrument.settle] += earned - fee
        self.realised += earned
        self.fees += fee
        return earned

    def pay(self, lane: int, amount: int) -> None:
        """Pay funding, or receive it where `amount` is below 0."""
        self.wallets[self.instruments[lane].settle] -= amount
        self.funding += amount

    def net(self, lane: int) -> int:
        """Return the signed lots of all legs of an instrument."""
        return sum(one.lots for one in self.positions[lane].values())

    def held(self, lane: int) -> tuple[tuple[int, int, str], ...]:
        """Return (leg, signed lots, entry) of the legs that the mode has."""
        legs = (1, -1) if self.hedge else (0,)
        return tuple((leg, self.positions[lane][leg].lots, self.entry(lane, leg)) for leg in legs)

    def entry(self, lane: int, leg: int) -> str:
        """Return the average entry as a decimal, "0" when flat."""
        average = self.positions[lane][leg].average
        if average is None:
            return "0"
        exact = average * Fraction(self.instruments[lane].tick)
        return decimal_text(round(exact * 10**_ENTRY_DIGITS), MONEY_UNIT)

    def profit(self, lane: int, leg: int, price: int | Fraction | None) -> int:
        """Return the open profit of a leg at a price in ticks, in 1e-8."""
        one = self.positions[lane][leg]
        if one.average is None or price is None:
            return 0
        return money_round(self.instruments[lane].profit(one.lots, one.average, price))

    def equity(self, asset: str, prices: Sequence[int | Fraction | None]) -> int:
        """Return wallet and open profit of an asset; `prices` in ticks by instrument."""
        lanes = [k for k, one in enumerate(self.instruments) if one.settle == asset]
        return self.wallets[asset] + sum(
            self.profit(k, leg, prices[k]) for k in lanes for leg in self.positions[k]
        )

    def margin(
        self,
        asset: str,
        prices: Sequence[int | Fraction | None],
        living: Iterable[LocalOrder],
        more: Ticket | None = None,
    ) -> int:
        """Return the initial margin that positions and living orders need, in 1e-8."""
        buys = [0 for _ in self.instruments]
        sells = [0 for _ in self.instruments]
        for order in living:
            if not order.ticket.reduce_only and not order.waits:
                side = buys if order.ticket.side > 0 else sells
                side[order.lane] += order.leaves
        if more is not None and not more.reduce_only:
            (buys if more.side > 0 else sells)[more.lane] += more.size
        needed = 0
        for k, one in enumerate(self.instruments):
            held = self.net(k)
            lots = max(abs(held + buys[k]), abs(held - sells[k]))
            price = prices[k]
            if one.settle != asset or not lots:
                continue
            if price is None:
                if more is None or more.lane != k or more.price == NO_PRICE:
                    continue
                price = more.price
            needed += money_round(one.notional(price, lots) / self.leverage[k])
        return needed
