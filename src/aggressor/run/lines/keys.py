"""API keys: from the environment, the system's keyring, or a file that only its owner can read.

    environment   AGGRESSOR_BYBIT_LINEAR_KEY, ..._SECRET, ..._PASSPHRASE
    keyring       service "aggressor", user "bybit-linear", a JSON object of the three (if the
                  `keyring` library is installed)
    file          keys.toml in the user's configuration folder, mode 0600:
                  [bybit-linear]  key = "..."  secret = "..."

The first that has a key wins. Markets of one venue may share a key: where `bybit-linear` has none
`bybit` is looked for. A secret is never printed, logged or put into an error.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs

from aggressor.schema.errors import ConfigError
from aggressor.venues.trading import Credentials

_FILE = "keys.toml"
_FIELDS = ("key", "secret", "passphrase")
_OPEN = stat.S_IRWXG | stat.S_IRWXO


class Found(NamedTuple):
    """Credentials and where they were found."""

    credentials: Credentials
    source: str


def keys_file() -> Path:
    """Return where the file of keys is looked for."""
    return Path(platformdirs.user_config_dir("aggressor")) / _FILE


def find_keys(
    venue: str, environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Found | None:
    """Return the keys of a venue, None if there are none.

    Raises ConfigError for half a key, or a file that others can read or that is not TOML.
    """
    for name in dict.fromkeys((venue, venue.partition("-")[0])):
        for look in (_in_environment, _in_keyring):
            found = look(name, environment)
            if found is not None:
                return found
        found = _in_file(name, file or keys_file())
        if found is not None:
            return found
    return None


def _in_environment(name: str, environment: Mapping[str, str]) -> Found | None:
    prefix = f"AGGRESSOR_{name.replace('-', '_').upper()}_"
    values = {field: environment.get(prefix + field.upper(), "") for field in _FIELDS}
    return _whole(values, f"{prefix}KEY and {prefix}SECRET in the environment")


def _in_keyring(name: str, _: Mapping[str, str]) -> Found | None:
    try:
        import keyring  # pyright: ignore[reportMissingImports]  # an extra
        from keyring.errors import KeyringError  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    try:
        text = keyring.get_password("aggressor", name)
    except KeyringError:
        return None
    if not text:
        return None
    try:
        values = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        raise ConfigError(
            f"The keyring entry aggressor/{name} is not a JSON object with key and secret."
        ) from None
    return _whole(values, f"the keyring entry aggressor/{name}")


def _in_file(name: str, file: Path) -> Found | None:
    try:
        mode = file.stat().st_mode
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as trouble:
        raise ConfigError(f"Cannot read the keys in {file}: {trouble.strerror}.") from None
    if os.name != "nt" and mode & _OPEN:
        raise ConfigError(f"Others can read the keys in {file}: run `chmod 600 {file}`.")
    try:
        tables = msgspec.toml.decode(text, type=dict[str, dict[str, str]])
    except msgspec.DecodeError:
        raise ConfigError(
            f"{file} is not a file of keys: write a table per venue, [{name}], with the texts key "
            "and secret."
        ) from None
    return _whole(tables.get(name, {}), f"[{name}] in {file}")


def _whole(values: Mapping[str, str], where: str) -> Found | None:
    unknown = sorted(set(values) - set(_FIELDS))
    if unknown:
        raise ConfigError(f"{where}: {unknown[0]!r} is not known; use key, secret, passphrase.")
    if not values.get("key") and not values.get("secret"):
        return None
    if not values.get("key") or not values.get("secret"):
        raise ConfigError(f"{where}: half a key is no key; give both key and secret.")
    return Found(Credentials(**{field: values.get(field, "") for field in _FIELDS}), where)
