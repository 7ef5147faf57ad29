"""The parts of the pipeline: one state a measure or detector, made together for all lanes.

Every lane has the same `bars_per_lane` bar series; series of lane k are k * bars_per_lane + j,
series 0 of each lane is the one-minute bar. Window series are 2 k (the fade's window w) and 2 k +
1 (one minute). What the parts do, and in which order, stands in `pipeline`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.context.bias import BIAS_PROFILES, BiasState, bias_state
from aggressor.context.interest import INTEREST_PROFILES, InterestState, interest_state
from aggressor.context.liquidity import LIQUIDITY_PROFILES, LiquidityState, liquidity_state
from aggressor.detectors.absorption_records import AbsorptionState, absorption_state
from aggressor.detectors.breaks import BreaksState, breaks_state
from aggressor.detectors.cascade_records import CascadeState, cascade_state
from aggressor.detectors.divergence import DivergenceState, divergence_state
from aggressor.detectors.exhaustion import ExhaustionState, exhaustion_state
from aggressor.detectors.iceberg_records import IcebergState, iceberg_state
from aggressor.detectors.outbox import Outbox, new_outbox
from aggressor.detectors.pull_records import PullState, pull_state
from aggressor.detectors.push_records import PushThroughState, push_through_state
from aggressor.detectors.scene import Scenes, new_scenes
from aggressor.detectors.stacking import StackingState, stacking_state
from aggressor.detectors.stop_records import StopRunState, stop_run_state
from aggressor.detectors.thresholds import UNCHANGED, Changes, thresholds_of
from aggressor.detectors.trapped import TrappedState, trapped_state
from aggressor.detectors.vacuum import VacuumState, vacuum_state
from aggressor.detectors.wall import WallSignals, wall_signals
from aggressor.engine.asked import EVERYTHING
from aggressor.features.auction import AUCTION_PROFILES, AuctionState, auction_state
from aggressor.features.delta import WindowState, window_state
from aggressor.features.depth_flow import DepthFlowState, depth_flow_state
from aggressor.features.fade import FADE_PROFILES, FadeState, fade_state
from aggressor.features.forced import (
    FORCED_PROFILES,
    UNPUBLISHED,
    ForcedState,
    forced_state,
)
from aggressor.features.impact import (
    IMPACT_PROFILES,
    ImpactState,
    impact_parameters,
    impact_state,
)
from aggressor.features.locations import LocationsState, locations_state
from aggressor.features.microprice import MicroTable, unknown_table
from aggressor.features.near_depth import (
    NEAR_DEPTH_PROFILES,
    NearDepthState,
    near_depth_state,
)
from aggressor.features.parameters import profile_of
from aggressor.features.pressure import PressureState, pressure_state
from aggressor.features.prints import (
    PRINTS_PROFILES,
    PrintsParameters,
    PrintsState,
    prints_state,
)
from aggressor.features.resilience import (
    RESILIENCE_PROFILES,
    ResilienceState,
    resilience_state,
)
from aggressor.features.series import BarSeries, FootprintState, footprint_state
from aggressor.features.session import SessionSpec, SessionState, session_state
from aggressor.features.sizes import (
    SizesState,
    sizes_parameters,
    sizes_state,
    steps_of_notional,
)
from aggressor.features.speed import SPEED_PROFILES, SpeedState, speed_state
from aggressor.features.swings import SwingsState, swings_state
from aggressor.features.volatility import VOLATILITY_PROFILES, VolatilityState, volatility_state
from aggressor.features.vpin import VPIN_PROFILES, VpinState, vpin_state
from aggressor.features.wall_records import WallParameters, WallsState, walls_state
from aggressor.features.watch import WatchState, watch_state
from aggressor.features.zones import ZonesState, zones_state
from aggressor.market.composite_records import COMPOSITE_PROFILES, CompositeState, composite_state
from aggressor.market.contract import ContractState, contract_state
from aggressor.market.state import MarketState, market_state
from aggressor.schema.instrument import Instrument
from aggressor.state import State

MINUTE_NS = 60_000_000_000
ROUND_TICKS_MIN = 10  # ticks between round prices
LARGE_QUOTE = {"perp": 100_000, "micro": 5_000}  # notional floor of a large order (R2.3)

PIPELINE_HEAD = np.dtype(
    [
        ("now", "<i8"),  # ts_recv of the last event used
        ("venue_now", "<i8"),  # ts_venue of the last market event used
        ("events", "<i8"),
        ("timers_decide", "<i8"),  # 1 while something of ours is at stake
        ("bars_per_lane", "<i8"),
        ("closed_bars", "<i8"),
        ("cursor", "<i8"),  # where `run` stopped, and why
        ("reason", "<i8"),
        ("run_entry", "<i8"),  # addresses of what is compiled apart (see `linking`)
        ("timer_entry", "<i8"),
        ("asked", "<i8"),  # which parts are computed: bits of `asked`
    ]
)


class Pipeline(State, frozen=True):
    """All state of one engine, one part per measure or detector, in order of layers."""

    head: NDArray[Any]  # PIPELINE_HEAD, (1,)
    market: MarketState
    contract: ContractState
    composite: CompositeState
    # the book in numbers
    pressure: PressureState
    depth_flow: DepthFlowState
    micro: MicroTable
    resilience: ResilienceState
    walls: WallsState
    near_depth: NearDepthState
    watch: WatchState  # marks by level slot: whose rows the detectors want to see
    # the tape in numbers
    window: WindowState
    prints: PrintsState
    sizes: SizesState
    speed: SpeedState
    vpin: VpinState
    impact: ImpactState
    fade: FadeState
    forced: ForcedState
    # bars and profiles
    footprint: FootprintState
    session: SessionState
    locations: LocationsState
    swings: SwingsState  # track 2 k of order 2, 2 k + 1 of order 5, on series 0 of the lane
    zones: ZonesState
    auction: AuctionState
    # yardsticks
    volatility: VolatilityState
    # in words
    scenes: Scenes  # SCENE, (lanes,)
    outbox: Outbox
    wall_signals: WallSignals
    exhaustion: ExhaustionState
    divergence: DivergenceState
    stacking: StackingState
    absorption: AbsorptionState
    iceberg: IcebergState
    pull: PullState
    vacuum: VacuumState
    breaks: BreaksState
    push_through: PushThroughState
    stop_run: StopRunState
    trapped: TrappedState
    cascade: CascadeState
    # what surrounds it
    interest: InterestState
    liquidity: LiquidityState
    bias: BiasState


def new_parts(
    instruments: Sequence[Instrument],
    bars: Sequence[BarSeries],
    *,
    profile: str = "perp",
    thresholds: Changes = UNCHANGED,
    cost_ticks: float = 0.0,
    timer_ns: int = 100_000_000,
    tolerance_ns: int = 250_000_000,
    publication: int | Sequence[int] = UNPUBLISHED,
    asked: int = EVERYTHING,
) -> Pipeline:
    """Return the parts for `instruments`; `bars` holds the same number of series per lane, lane by
    lane. They are not linked yet: see `pipeline.new_pipeline`.

    `profile` is "perp" or "micro", `thresholds` what is changed of its detectors; `cost_ticks` the
    round-trip cost the run of R7.1 is held against; `publication` says how forced orders are
    published (`features.forced`), for all lanes or one by one; `asked` which groups of measures
    are computed (`engine.asked`). Raises ConfigError for a profile or a threshold that there is
    not.
    """
    lanes = len(instruments)
    assert len(bars) % lanes == 0, "every lane has the same number of bar series"
    head = np.zeros(1, PIPELINE_HEAD)
    head["bars_per_lane"] = len(bars) // lanes
    head["asked"] = asked
    first = bars[:: len(bars) // lanes]
    fade_parameters = profile_of(FADE_PROFILES, profile)
    chosen = thresholds_of(profile, thresholds)
    walls = [wall_parameters(one, chosen.wall) for one in instruments]
    impact = profile_of(IMPACT_PROFILES, profile)
    market = market_state(lanes, tolerance_ns=tolerance_ns)
    return Pipeline(
        head=head,
        market=market,
        contract=contract_state(lanes),
        composite=composite_state(instruments, parameters=COMPOSITE_PROFILES[profile]),
        pressure=pressure_state(lanes),
        depth_flow=depth_flow_state(lanes),
        micro=unknown_table(lanes),
        resilience=resilience_state(lanes, profile_of(RESILIENCE_PROFILES, profile)),
        walls=walls_state(lanes, walls),
        near_depth=near_depth_state(lanes, profile_of(NEAR_DEPTH_PROFILES, profile)),
        watch=watch_state(market.book.levels.size),
        window=window_state([fade_parameters.window_ns, MINUTE_NS] * lanes),
        prints=prints_state(lanes, [prints_parameters(one, profile) for one in instruments]),
        sizes=sizes_state(lanes, [sizes_parameters(one, profile) for one in instruments]),
        speed=speed_state(lanes, profile_of(SPEED_PROFILES, profile)),
        vpin=vpin_state(lanes, profile_of(VPIN_PROFILES, profile)),
        impact=impact_state(lanes, [impact_parameters(one, impact) for one in instruments]),
        fade=fade_state(lanes, fade_parameters),
        forced=forced_state(
            lanes,
            profile_of(FORCED_PROFILES, profile),
            publication,
            series=len(bars),
        ),
        footprint=footprint_state(bars),
        session=session_state([SessionSpec(row_ticks=one.row_ticks) for one in first]),
        locations=locations_state(lanes),
        swings=swings_state([2, 5] * lanes),
        zones=zones_state(lanes, chosen.stacking),
        auction=auction_state(lanes, profile_of(AUCTION_PROFILES, profile)),
        volatility=volatility_state(lanes, profile_of(VOLATILITY_PROFILES, profile)),
        scenes=new_scenes(lanes, cost_ticks),
        outbox=new_outbox(),
        wall_signals=wall_signals(walls),
        exhaustion=exhaustion_state(lanes, chosen.exhaustion, cost_ticks, timer_ns),
        divergence=divergence_state(lanes, chosen.divergence),
        stacking=stacking_state([chosen.stacking] * lanes),
        absorption=absorption_state(lanes, chosen.absorption),
        iceberg=iceberg_state(lanes, chosen.iceberg),
        pull=pull_state(lanes, chosen.pull),
        vacuum=vacuum_state(lanes, chosen.vacuum),
        breaks=breaks_state(lanes),
        push_through=push_through_state(lanes, chosen.push_through),
        stop_run=stop_run_state(lanes, chosen.stop_run),
        trapped=trapped_state(lanes, chosen.trapped),
        cascade=cascade_state(lanes, chosen.cascade),
        interest=interest_state(lanes, profile_of(INTEREST_PROFILES, profile)),
        liquidity=liquidity_state(lanes, [profile_of(LIQUIDITY_PROFILES, profile)] * lanes),
        bias=bias_state(lanes, profile_of(BIAS_PROFILES, profile)),
    )


def wall_parameters(instrument: Instrument, thresholds: WallParameters) -> WallParameters:
    """Return wall thresholds with the round prices of an instrument in ticks.

    Where a multiple of ten stands at every few ticks it is no round price.
    """
    ticks = 10 / instrument.tick
    tens = int(ticks) if ticks == int(ticks) else 0
    return msgspec.structs.replace(
        thresholds,
        tens_ticks=tens if tens >= ROUND_TICKS_MIN else 0,
        hundreds_ticks=10 * tens,
    )


def prints_parameters(instrument: Instrument, profile: str) -> PrintsParameters:
    """Return how taker orders of an instrument are merged and judged, with its notional floor."""
    parameters = profile_of(PRINTS_PROFILES, profile)
    tick_lots, lots = steps_of_notional(instrument, LARGE_QUOTE[profile])
    return msgspec.structs.replace(parameters, floor_tick_lots=tick_lots, floor_lots=lots)
