"""Figures of a run for Prometheus, on loopback alone: `prometheus-client` serves them.

They are read off the document that the screen shows, a few times a second, so a slow or curious
reader costs the loop nothing. Names begin with `aggressor_`; money is in units of its currency.
"""

from collections.abc import Callable
from typing import Any

from aggressor.schema.errors import ConfigError

ADDRESS = "127.0.0.1"
_TOTALS = ("events", "decisions", "orders", "fills", "fills_maker", "refused")
_LEVELS = ("open", "no entries", "cancel", "flatten", "disconnect")


class Metrics:
    """One registry, and the port it is read at."""

    def __init__(self, port: int) -> None:
        """Serve at a port of loopback; raise ConfigError where that cannot be."""
        try:
            import prometheus_client as client  # an extra
        except ImportError:
            raise ConfigError(
                "Metrics need the library prometheus-client: install aggressor with the extra "
                "`metrics`, as `pip install aggressor[metrics]`."
            ) from None
        self._registry = client.CollectorRegistry()
        self._gauges: dict[str, Any] = {}
        self._client = client
        try:
            self._server, self._thread = client.start_http_server(
                port, addr=ADDRESS, registry=self._registry
            )
        except (OSError, OverflowError) as trouble:
            raise ConfigError(f"Port {port} cannot be used ({trouble}): another?") from None
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, look: dict[str, Any]) -> None:
        """Take one look at an account."""
        for name in _TOTALS:
            self._set(f"{name}_of_run", look[name], f"{name} of this run".replace("_", " "))
        self._set("halt_level", _LEVELS.index(look["halt"]), "level of the kill switch, 0 is open")
        latency = look["latency_ms"]
        if latency is not None:
            for name, value in latency.items():
                self._set(
                    "decision_latency_seconds", value / 1e3, "from an event to its commands",
                    quantile=name,
                )  # fmt: skip
        for money in look["money"]:
            for name in ("equity", "pnl", "realised", "fees", "funding"):
                self._set(
                    name, float(money[name]), f"{name} of the account", currency=money["currency"]
                )
        for one in look["instruments"]:
            who = {"instrument": one["instrument"]}
            self._set("position", float(one["position"]), "in the venue's unit of size", **who)
            bare = one["protected"] is False
            self._set("unprotected", bare, "1: a position without an acknowledged stop", **who)
        for line in look["data"]:
            who = {"venue": line["venue"]}
            self._set("book_aligned", line["aligned"], "1: every book is known", **who)
            self._set("connections_lost", line["losses"], "connections lost so far", **who)
            self._set("gaps", line["gaps"], "gaps in the data so far", **who)
            for name, what in (("lag_ms", "lag"), ("clock_offset_ms", "clock_offset")):
                if line[name] is not None:
                    self._set(f"{what}_seconds", line[name] / 1e3, "of the venue's data", **who)

    def _set(self, name: str, value: float, words: str, **labels: str) -> None:
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._client.Gauge(
                f"aggressor_{name}", words, list(labels), registry=self._registry
            )
            self._gauges[name] = gauge
        (gauge.labels(**labels) if labels else gauge).set(value)


def with_metrics(
    show: Callable[[dict[str, Any]], None], metrics: Metrics | None
) -> Callable[[dict[str, Any]], None]:
    """Return what shows a look on the screen and, where they are wanted, in the metrics."""
    if metrics is None:
        return show

    def both(look: dict[str, Any]) -> None:
        metrics.show(look)
        show(look)

    return both
