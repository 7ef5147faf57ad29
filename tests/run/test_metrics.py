"""Metrics for Prometheus: what a run shows, read over loopback as Prometheus would."""

import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.accounts.metrics import ADDRESS, Metrics, with_metrics
from aggressor.schema.errors import ConfigError
from tests.run.paper_stage import make_busy, papered


def read(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("aggressor_")
    }


def test_a_run_is_read_as_prometheus_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_busy(monkeypatch)
    result, looks, _ = papered(tmp_path, 3.0)
    metrics = Metrics(0)
    shown: list[Any] = []
    try:
        show = with_metrics(shown.append, metrics)
        for look in [*looks, result]:
            show(look)
        found = read(metrics.port)
    finally:
        metrics.close()
    assert shown == [*looks, result]
    assert found["aggressor_orders_of_run"] == result["orders"] > 0
    assert found["aggressor_halt_level"] == 0
    name = result["instruments"][0]["instrument"]
    held = float(result["instruments"][0]["position"])
    assert found[f'aggressor_position{{instrument="{name}"}}'] == held
    (money,) = result["money"]
    assert found['aggressor_equity{currency="USDT"}'] == float(money["equity"])
    assert found['aggressor_decision_latency_seconds{quantile="p99"}'] > 0


def test_it_listens_on_loopback_alone_and_lets_go() -> None:
    metrics = Metrics(0)
    try:
        with pytest.raises(ConfigError, match="cannot be used"):
            Metrics(metrics.port)
        assert metrics._server.server_address[0] == "127.0.0.1"
    finally:
        metrics.close()
    with socket.socket() as line:
        assert line.connect_ex((ADDRESS, metrics.port)) != 0


def test_without_it_the_screen_is_as_it_was() -> None:
    shown: list[Any] = []
    show = with_metrics(shown.append, None)
    show({"a": 1})
    assert shown == [{"a": 1}]
