"""The bundle is in a public layout: whoever never saw our code recomputes its root with tarfile and hashlib."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import tile
from services.audit.rules.tile import Tile
from tests.verifier import stranger
from tests.verifier.made_logs import a_log


@pytest.mark.parametrize("size", [0, 1, 3, 255, 256, 257, 512, 700])
def test_a_stranger_recomputes_the_root_of_a_bundle(tmp_path: Path, size: int):
    assert stranger.agrees(a_log(size).write(tmp_path))


def test_a_stranger_notices_a_changed_entry_and_a_changed_tile(tmp_path: Path):
    for member in ("tile/entries/001.p/44", "tile/0/000", "tile/1/000.p/1"):
        log = a_log(300)
        log.change(member, at=-1)
        assert not stranger.agrees(log.write(tmp_path))


@pytest.mark.parametrize("size", [65_535, 65_537])
def test_a_stranger_finds_every_tile_of_a_long_log_where_we_put_it(size: int):
    leaf_hashes = [sha256(b"%d" % number).digest() for number in range(size)]
    state, tiles = tile.grow(tile.Unfinished(), leaf_hashes)
    assert {f"tile/{each.level}/{each.path()}": content for each, content in tiles.items()} == stranger.tiles(
        leaf_hashes
    )
    assert tile.edge(state).root() == stranger.tree_hash(leaf_hashes)


@given(index=st.integers(0, 10**10), width=st.integers(1, 256))
def test_a_stranger_gives_every_tile_the_name_that_we_give_it(index: int, width: int):
    assert stranger.tile_name(index, width) == Tile(0, index, width).path()
