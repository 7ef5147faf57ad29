"""What a live runner needs, loaded before it is forked: modules, machine code of the kernels."""

from aggressor.run.accounts import live, watchdog
from aggressor.run.assemble import Settings, assemble
from aggressor.schema.event import empty_events
from aggressor.strategies.gates import Mode
from aggressor.venues.dialects import dialect_named

LOADED = (live, watchdog)
_INSTRUMENT = dialect_named("binance-usdm").example
assemble([_INSTRUMENT], Settings(profile="micro"), Mode.PAPER).engine.step(empty_events(0))
