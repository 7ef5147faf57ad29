"""What goes wrong with requests: told from what was done, and never done twice."""

import asyncio

import pytest

from aggressor.run.local.faults import FaultPlan, Faults, fault_plan
from aggressor.schema.errors import ConfigError
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.trading import Verdict
from tests.run.venue_stage import serving, trading, until

VENUES = sorted(DIALECTS)
SAME = ("mexc",)  # an id that is taken is answered with the order that has it


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize(
    ("plan", "verdicts", "lives"),
    [
        (FaultPlan(unknown=1.0), (Verdict.UNKNOWN,), True),
        (FaultPlan(outage=1.0), (Verdict.THROTTLED, Verdict.UNKNOWN, Verdict.REFUSED), False),
        (FaultPlan(too_many=1.0), (Verdict.THROTTLED,), False),
        (FaultPlan(banned=1.0), (Verdict.THROTTLED,), False),
    ],
)
def test_a_fault_says_what_it_says_and_does_what_it_does(
    name: str, plan: FaultPlan, verdicts: tuple[Verdict, ...], lives: bool
) -> None:
    async def play() -> None:
        async with serving(name) as server, trading(server) as trader:
            bid, _ = trader.best
            server.faults = Faults(plan)
            answer, _ = await trader.place(price=bid - 500, size=200)
            assert answer.verdict in verdicts, answer
            assert bool(server.exchange.living) is lives
            server.faults = Faults(FaultPlan())
            assert len(await trader.living()) == lives

    asyncio.run(play())


@pytest.mark.parametrize("name", VENUES)
def test_an_order_whose_answer_is_lost_lives_and_is_told(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server, trading(server) as trader:
            bid, _ = trader.best
            server.faults = Faults(FaultPlan(lost=1.0))
            line = trader.order(price=bid - 500, size=200)
            with pytest.raises(ConnectionError):
                await trader.ask(trader.side.place(line, trader.instrument, trader.terms))
            assert server.faults.counts["lost"] == 1
            await until(lambda: bool(trader.of(line)))
            server.faults = Faults(FaultPlan())
            assert await trader.living() == {trader.side.client_id(int(line["order"]))}
            again = trader.side.place(line, trader.instrument, trader.terms)
            answer, _ = await trader.ask(again)  # the same id: the first one lives, alone
            assert answer.verdict is (Verdict.ACCEPTED if name in SAME else Verdict.UNKNOWN), answer
            assert len(server.exchange.living) == 1

    asyncio.run(play())


def test_plans_are_read_from_words_and_what_is_no_plan_is_refused(tmp_path) -> None:
    assert fault_plan("") == FaultPlan()
    assert fault_plan("gap=0.25,seed=9") == FaultPlan(gap=0.25, seed=9)
    file = tmp_path / "plan.json"
    file.write_text('{"restart":0.5}')
    assert fault_plan(str(file)) == FaultPlan(restart=0.5)
    for wrong in ("gap", "gap=x", "none=1"):
        with pytest.raises(ConfigError):
            fault_plan(wrong)


def test_the_same_seed_gives_the_same_faults() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults(FaultPlan(seed=seed, gap=0.3))
        return [faults.of("gap") for _ in range(100)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 10 < sum(drawn(1)) < 60
    assert not any(Faults(FaultPlan(gap=1.0, after_s=5.0)).of("gap") for _ in range(5))
