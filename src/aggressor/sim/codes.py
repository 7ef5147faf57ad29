"""Report codes as int64: a kernel called with one is compiled once.

A plain Python constant reaches a called kernel as a type of its own (a literal), and Numba compiles
the kernel anew for every pair of kind and reason: measured, a quarter of this package's compile.
"""

import numpy as np

from aggressor.schema import report

NONE = np.int64(0)

ACK = np.int64(report.ACK)
FILL = np.int64(report.FILL)
CANCELED = np.int64(report.CANCELED)
REJECTED = np.int64(report.REJECTED)
EXPIRED = np.int64(report.EXPIRED)
AMENDED = np.int64(report.AMENDED)
AMEND_REJECTED = np.int64(report.AMEND_REJECTED)
CANCEL_REJECTED = np.int64(report.CANCEL_REJECTED)
FUNDED = np.int64(report.FUNDED)
LIQUIDATED = np.int64(report.LIQUIDATED)
TRIGGERED = np.int64(report.TRIGGERED)

MAKER = np.int64(report.MAKER)

WOULD_CROSS = np.int64(report.WOULD_CROSS)
UNKNOWN_ORDER = np.int64(report.UNKNOWN_ORDER)
REDUCE_ONLY_EMPTY = np.int64(report.REDUCE_ONLY_EMPTY)
NO_LIQUIDITY = np.int64(report.NO_LIQUIDITY)
BAD_FIELD = np.int64(report.BAD_FIELD)
SELF_TRADE = np.int64(report.SELF_TRADE)
TOO_MANY_ORDERS = np.int64(report.TOO_MANY_ORDERS)
NO_BOOK = np.int64(report.NO_BOOK)
NO_MARGIN = np.int64(report.NO_MARGIN)
