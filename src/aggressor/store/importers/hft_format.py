"""hftbacktest's file of events (version 2): one npz with one array `data` of 64-byte records.

    ev          u8   kind in the low byte; bits 31 EXCH, 30 LOCAL: at whose side the row counts;
                     29 BUY, 28 SELL: bid or ask side of a level, aggressor of a trade
    exch_ts     i8   ns of the venue
    local_ts    i8   ns of receipt
    px, qty     f8   price; size, of a level what now rests there
    order_id    u8   of single orders (L3); 0
    ival, fval       left to the user

A row out of order at one of the sides stands twice, once for each side, so that both are in order.
In `ival` our export keeps the flags of an EVENT behind MARK, so that what it wrote comes back the
same. Source: hftbacktest 2.4.4, `types.py`, `data/validation.py` and its documentation of data.
"""

import numpy as np

HFT_EVENT = np.dtype(
    [
        ("ev", "<u8"),
        ("exch_ts", "<i8"),
        ("local_ts", "<i8"),
        ("px", "<f8"),
        ("qty", "<f8"),
        ("order_id", "<u8"),
        ("ival", "<i8"),
        ("fval", "<f8"),
    ]
)
DATA = "data"  # the array's name in the file

DEPTH, TRADE, DEPTH_CLEAR, DEPTH_SNAPSHOT, DEPTH_BBO = 1, 2, 3, 4, 5
FIRST_L3, LAST_L3 = 10, 13
KIND = 0xFF
EXCH, LOCAL, BUY, SELL = (1 << bit for bit in (31, 30, 29, 28))

MARK = 0x4147 << 16  # in ival, above the flags of an EVENT
FLAGS = 0xFF
