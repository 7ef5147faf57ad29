"""Where API keys are found, what is refused, and that a secret is never shown."""

import os
from pathlib import Path

import pytest

from aggressor.run.lines.keys import find_keys
from aggressor.schema.errors import ConfigError

NOWHERE = Path("/nonexistent/keys.toml")
SECRET = "s3cr3t-of-mine"


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "keys.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_environment_comes_first_and_markets_share_a_venues_key(tmp_path: Path) -> None:
    file = write(tmp_path, f'[bybit-linear]\nkey = "file"\nsecret = "{SECRET}"\n')
    environment = {
        "AGGRESSOR_BYBIT_LINEAR_KEY": "env",
        "AGGRESSOR_BYBIT_LINEAR_SECRET": SECRET,
        "AGGRESSOR_BYBIT_KEY": "shared",
        "AGGRESSOR_BYBIT_SECRET": SECRET,
    }
    found = find_keys("bybit-linear", environment, file)
    assert found is not None
    assert found.credentials.key == "env"
    inverse = find_keys("bybit-inverse", environment, file)
    assert inverse is not None
    assert inverse.credentials.key == "shared"
    own = find_keys("bybit-linear", {}, file)
    assert own is not None
    assert (own.credentials.key, own.credentials.secret) == ("file", SECRET)
    assert find_keys("mexc", environment, file) is None
    assert find_keys("mexc", {}, NOWHERE) is None


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
def test_a_file_that_others_can_read_is_refused_with_the_cure(tmp_path: Path) -> None:
    file = write(tmp_path, '[mexc]\nkey = "k"\nsecret = "s"\n', 0o644)
    with pytest.raises(ConfigError, match=f"run `chmod 600 {file}`"):
        find_keys("mexc", {}, file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mexc]\nkey = 5\n", "write a table per venue"),
        ('[mexc]\nkey = "k"\n', "half a key is no key"),
        (f'[mexc]\nkey = "k"\nsecret = "{SECRET}"\nsecrets = "x"\n', "'secrets' is not known"),
        ("mexc", "is not a file of keys"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_shows_no_secret(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        find_keys("mexc", {}, write(tmp_path, text))
    assert SECRET not in str(refused.value)


def test_a_secret_is_not_in_any_text_of_what_was_found(tmp_path: Path) -> None:
    file = write(
        tmp_path, f'[weex]\nkey = "abcdef"\nsecret = "{SECRET}"\npassphrase = "{SECRET}"\n'
    )
    found = find_keys("weex", {}, file)
    assert found is not None
    assert found.credentials.passphrase == SECRET
    for text in (repr(found), str(found), f"{found.credentials}", f"{found.credentials!r}"):
        assert SECRET not in text
        assert "abcdef" not in text
