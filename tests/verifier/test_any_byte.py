"""Whatever single byte of a bundle is changed: it is never called verified, and a changed entry is named."""

from dataclasses import dataclass
from pathlib import Path
from tarfile import TarFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifier.made_logs import LOG, a_log
from verifier import yaosu_verify
from verifier.yaosu_verify import TAMPERED, VERIFIED


def places_of_entries(bundle: Path) -> list[range]:
    """For each entry, the bytes of the file that are it: its length, and its three lines."""
    places: list[range] = []
    with TarFile.open(bundle) as tar:
        for member in (each for each in tar if each.name.startswith("tile/entries/")):
            with bundle.open("rb") as file:
                at = member.offset_data
                while at < member.offset_data + member.size:
                    file.seek(at)
                    end = at + 2 + int.from_bytes(file.read(2), "big")
                    places.append(range(at, end))
                    at = end
    return places


@dataclass(frozen=True)
class Original:
    content: bytes
    entry_at: dict[int, int]  # for each byte of an entry, which one


@pytest.fixture(scope="module", params=[3, 260])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Original:
    path = a_log(request.param, [request.param // 2]).write(tmp_path_factory.mktemp("original"))
    places = enumerate(places_of_entries(path))
    return Original(path.read_bytes(), {at: index for index, place in places for at in place})


@given(in_an_entry=st.booleans(), number=st.integers(0, 2**20), mask=st.integers(1, 255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_is_never_verified_and_in_an_entry_names_it(
    tmp_path: Path, original: Original, in_an_entry: bool, number: int, mask: int
):
    places = list(original.entry_at) if in_an_entry else range(len(original.content))
    at = places[number % len(places)]
    changed, path = bytearray(original.content), tmp_path / "bundle.tar"
    changed[at] ^= mask
    path.write_bytes(changed)
    report = yaosu_verify.verify(str(path), LOG.key.text())
    assert report.exit_code() != VERIFIED
    if at in original.entry_at:
        first, index = report.first(), original.entry_at[at]
        assert first and (report.exit_code(), first.index) == (TAMPERED, index)
        assert first.until in (None, index)
