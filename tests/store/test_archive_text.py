"""Archives that are whole are read; what is cut, locked or swells is refused, with the reason."""

import gzip
import zipfile
from pathlib import Path

import pytest
import zstandard

from aggressor.schema.errors import AggressorError, MessageError, StoreError
from aggressor.store.importers.archive import ArchiveText

TEXT = b"".join(b"%d,%d\n" % (n, n * n % 9973) for n in range(40_000))


def packed(path: Path, how: str) -> Path:
    if how == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", TEXT)
    elif how == "gz":
        path.write_bytes(gzip.compress(TEXT))
    elif how == "zst":
        path.write_bytes(zstandard.compress(TEXT))
    else:
        path.write_bytes(TEXT)
    return path


@pytest.mark.parametrize("how", ["zip", "gz", "zst", "plain"])
def test_the_text_is_the_same_however_it_is_packed(tmp_path: Path, how: str) -> None:
    text = ArchiveText(packed(tmp_path / "any.name", how))
    assert b"".join(text.pieces()) == TEXT
    assert 0 < text.bytes_read <= text.size_bytes
    assert text.head(100) == TEXT[:100]


@pytest.mark.parametrize("how", ["zip", "gz", "zst"])
@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_a_cut_archive_is_an_error_that_says_what_to_do(
    tmp_path: Path, how: str, part: float
) -> None:
    whole = packed(tmp_path / "a", how).read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(MessageError, match=r"cut.*download it again"):
        list(ArchiveText(cut).pieces())


def test_a_changed_byte_in_a_zip_is_found(tmp_path: Path) -> None:
    content = bytearray(packed(tmp_path / "a.zip", "zip").read_bytes())
    content[len(content) // 2] ^= 0x55
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(MessageError, match=r"damaged"):
        list(ArchiveText(tmp_path / "b.zip").pieces())


@pytest.mark.parametrize("how", ["zip", "gz"])
def test_what_swells_beyond_all_market_data_is_refused_early(tmp_path: Path, how: str) -> None:
    bomb = tmp_path / "bomb"
    swollen = b"0" * (1 << 20)
    if how == "zip":
        with (
            zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("a.csv", "w") as file,
        ):
            for _ in range(300):
                file.write(swollen)
    else:
        with gzip.open(bomb, "wb") as file:
            for _ in range(300):
                file.write(swollen)
    given: list[int] = []
    with pytest.raises(MessageError, match="no market data does that"):
        given.extend(len(piece) for piece in ArchiveText(bomb).pieces())
    assert sum(given) < 150 << 20


def test_a_zip_of_several_files_or_none_is_refused(tmp_path: Path) -> None:
    for count in (0, 2):
        path = tmp_path / f"{count}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for n in range(count):
                archive.writestr(f"{n}.csv", "x")
        with pytest.raises(MessageError, match="must hold one file"):
            list(ArchiveText(path).pieces())


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        ArchiveText(tmp_path / "none")
    assert issubclass(StoreError, AggressorError)
