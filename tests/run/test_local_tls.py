"""The local venue over TLS, with a certificate of its own or ours, to clients that trust it."""

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from aggressor.run.local.own_certificate import own_certificate, their_certificate
from aggressor.schema.errors import ConfigError
from aggressor.store.reader import Store
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest
from aggressor.wire.websocket import open_socket

AGGRESSOR = (sys.executable, "-c", "from aggressor.cli import main; main()")


@asynccontextmanager
async def command(*arguments: str) -> AsyncIterator[tuple[dict[str, str], Any]]:
    """Run `aggressor venue` as a process; yield what it prints."""
    process = await asyncio.create_subprocess_exec(
        *AGGRESSOR, "venue", *arguments, "--json",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield json.loads(line), process
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


def test_a_venue_makes_its_certificate_and_our_recorder_follows_it_over_tls(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with command("mexc", "--tls", "--synthetic", "--speed", "5") as (said, _):
            assert said["rest"].startswith("https://127.0.0.1:")
            assert said["ws"].startswith("wss://127.0.0.1:")
            trusted = ssl.create_default_context(cafile=said["ca"])
            async with Rest(trusted) as rest:
                answer = await rest.ask("GET", f"{said['rest']}/api/v1/contract/ping")
                assert json.loads(answer.body)["success"]
            heard: list[bytes] = []
            socket = await open_socket(
                f"{said['ws']}/edge",
                lambda frame, _: heard.append(frame),
                lambda _: None,
                Clock().now,
                trusted=trusted,
            )
            socket.send(b'{"method":"ping"}')
            for _ in range(300):
                await asyncio.sleep(0.01)
                if heard:
                    break
            socket.close()
            assert json.loads(heard[0])["channel"] == "pong"
            async with Rest() as rest:  # which trusts the world's authorities only
                with pytest.raises((aiohttp.ClientError, OSError)):
                    await rest.ask("GET", f"{said['rest']}/api/v1/contract/ping")
            recorder = await asyncio.create_subprocess_exec(
                *AGGRESSOR, "record", "mexc:BTC_USDT",
                "--store", str(tmp_path / "store"), "--for", "4s", "--at", said["rest"],
                env=os.environ | {"SSL_CERT_FILE": said["ca"]},
                stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert await asyncio.wait_for(recorder.wait(), 90) == 0
            folder = Path(said["ca"]).parent
            assert folder.is_dir()
        assert not folder.exists()  # gone with the process

    asyncio.run(play())
    store = Store(tmp_path / "store")
    rows = store.source("mexc:BTC_USDT").read_all()
    assert rows.size > 100


def test_files_of_ones_own_are_served_and_bad_ones_are_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    certificate, key, ca = (tmp_path / name for name in ("c.pem", "k.pem", "ca.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    leaf.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(ca))

    async def play() -> None:
        files = ("--certificate", str(certificate), str(key))
        async with command("binance-usdm", *files) as (said, _):
            assert "ca" not in said
            async with Rest(ssl.create_default_context(cafile=ca)) as rest:
                answer = await rest.ask("GET", f"{said['rest']}/fapi/v1/time")
                assert answer.status == 200

    asyncio.run(play())
    with pytest.raises(ConfigError, match="certificate"):
        their_certificate(ca, key)
    with pytest.raises(ConfigError, match="certificate"):
        their_certificate(tmp_path / "none", key)


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ConfigError, match=r"aggressor\[tls\]"):
        own_certificate(tmp_path)
