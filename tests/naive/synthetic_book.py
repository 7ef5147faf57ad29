"""A slow order-by-order book that accepts a log of the synthetic market only if it is lawful.

Lists of orders by price; every rule is an assertion: ids are new, nothing crosses, fills take the
oldest order of the best price, and nothing leaves that is not there.
"""

from aggressor.sim.synthetic.book import ADD, FILL


class FifoBook:
    """Price-time priority, one row at a time."""

    def __init__(self):
        self.queues = {1: {}, -1: {}}
        self.seen = set()

    def apply(self, row):
        side, price, order, lots = (int(row[name]) for name in ("side", "price", "order", "lots"))
        queues = self.queues[side]
        assert lots > 0
        if row["action"] == ADD:
            assert order not in self.seen
            self.seen.add(order)
            opposite = self.best(-side)
            assert opposite is None or side * (opposite - price) > 0
            queues.setdefault(price, []).append([order, lots])
            return
        queue = queues[price]
        if row["action"] == FILL:
            assert price == self.best(side)
            assert queue[0][0] == order
            queue[0][1] -= lots
            assert queue[0][1] >= 0
            if queue[0][1] == 0:
                queue.pop(0)
        else:
            place = [entry[0] for entry in queue].index(order)
            assert queue.pop(place)[1] == lots
        if not queue:
            del queues[price]

    def best(self, side):
        prices = self.queues[side]
        return max(prices, key=lambda price: side * price) if prices else None

    def depth(self):
        return {
            (side, price): sum(lots for _, lots in queue)
            for side, queues in self.queues.items()
            for price, queue in queues.items()
        }
