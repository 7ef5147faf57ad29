"""An example of a file of limits: every name with its default, unit and meaning."""

EXAMPLE = """# Limits of an account. Everything that is left out has the value shown here.
# _bp: basis points (1/100 of a percent); _s, _ms: seconds, milliseconds;
# _value: money of the settlement currency; _size: the venue's own unit of size.
# Sizes and values may be texts, to be exact: "0.05".

[account]                      # when enough is lost
day_loss_bp = 100              # of equity at the day's start (UTC)
drawdown_bp = 500              # of the highest equity seen
losses_in_a_row_max = 5
stops_max = 3                  # stops hit within the window
stops_window_s = 600

[pace]                         # how much is said
messages_max = 300             # orders, amendments and cancels within the window
messages_window_s = 10
new_risk_share_bp = 8000       # of them for new risk; the rest is for what reduces it
entries_max = 5                # of one strategy, instrument and side within the window
entries_window_s = 60

[protection]                   # how positions are protected and left
unprotected_ms_max = 1000      # longer without an acknowledged stop: the position is closed
retry_ms = 200
exit_cap_ticks = 10            # an exit crosses by the larger of the two, wider at each try
exit_cap_bp = 2
exit_widenings_max = 8
orphan_s = 600                 # a position of a process that is gone is closed when so old

[triggers]                     # what pulls the kill switch by itself, and to which level:
                               # 1 no new entries, 2 and cancel unfilled entries,
                               # 3 and close positions, 4 send nothing more
losses_level = 1
reject_share_bp = 2000         # of the orders within the window
reject_least = 10              # answers below which no share is judged
reject_window_s = 60
reject_level = 1
data_loss_s = 5                # no book that can be believed, with a position
data_loss_level = 3
mismatch_lots = 1              # more than so many lots away from the venue's position
mismatch_s = 2
mismatch_level = 2
latency_p99_ms = 2000          # from an event to the commands that came of it
latency_level = 1
heartbeat_s = 5                # the engine stands still (seen by the watchdog)
heartbeat_level = 3
clock_ms = 100                 # a venue's clock and ours are certainly further apart
clock_level = 1
exception_level = 2            # something failed that nobody expected

[venue]                        # how a live account is set there; positions always net
leverage = 1
isolated = false               # true: each position by itself is its security
dead_man_s = 0                 # the venue's timer cancels all orders, stops too, when we are
                               # silent for so long, where it has one; 0: never
request_s = 5                  # a request without an answer is given up and asked for
picture_s = 60                 # the whole account is asked for and compared, at least so often

[default]                      # for every instrument
enabled = true
allow_inferred = true          # a grid of prices read off a recording; live asks for false
book_age_ms_max = 60000        # however silent the book usually is; a book that is silent for
                               # longer than usual there is refused before (docs/LIVE.md)
collar_bp = 50                 # an entry's price from mid and last price
cross_bp_max = 10              # an entry beyond the opposite best
exit_cross_bp_max = 100        # an exit beyond the opposite best
value_min = 0
# order_size_max = "0.05"      # no bound where it is left out; live asks for one
# order_value_max = 5000
# position_size_max = "0.05"   # no bound where it is left out; live asks for one
open_orders_max = 10
open_orders_reserve = 4        # of them for what reduces risk
# open_value_max = 10000
leverage_max = 5               # the worst case's value to equity
stop_multiple = 3              # liquidation at least so many stop distances away
funding_window_s = 60          # no new risk so shortly before funding settles; 0: whenever
# margin_tiers = [             # for a venue that tells none (WEEX): from its pages, smallest first
#   {value_max = 150000, initial = "0.0025", maintenance = "0.002", deduction = 0},
# ]

# [instruments."binance-usdm:BTCUSDT"]   # changes [default] for one instrument
# order_size_max = "0.02"
# position_size_max = "0.04"
"""
