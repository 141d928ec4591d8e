"""The layout of the log in tiles, against the public examples and the tree that they hold."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import tile, tree
from services.audit.rules.tile import NoSuchTile, Tile, Unfinished
from services.audit.rules.tree import Edge, Node

VECTORS = Path(__file__).parents[2] / "../shared/vectors/c2sp-tlog/vectors.json"
needs_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason="the public vectors are not here")


def leaf_hashes(count: int) -> list[bytes]:
    return [tree.leaf_hash(b"%d" % number) for number in range(count)]


def grown(*sizes: int) -> tuple[Unfinished, dict[Tile, bytes]]:
    """A log that grew to each of the sizes in turn, and all tiles as they were last written."""
    hashes, state, tiles = leaf_hashes(sizes[-1]), Unfinished(), dict[Tile, bytes]()
    for size in sizes:
        state, changed = tile.grow(state, hashes[state.size : size])
        tiles |= changed
    return state, tiles


@needs_vectors
def test_the_paths_of_the_public_examples():
    for index, path in json.loads(VECTORS.read_text())["tile_index_path"]:
        assert Tile(0, index).path() == path
        assert tile.parse_path(0, path) == Tile(0, index)


@needs_vectors
def test_the_layouts_of_the_public_examples():
    for case in json.loads(VECTORS.read_text())["tile_layout"]:
        tiles = list(tile.tiles_of(case["size"]))
        for level in range(3):
            wanted = case.get(f"level{level}", {"full": 0, "partial": 0})
            widths = [each.width for each in tiles if each.level == level]
            assert widths.count(256) == wanted["full"]
            assert [width for width in widths if width < 256] == [wanted["partial"]] * bool(wanted["partial"])


@given(index=st.integers(0, 10**12), width=st.integers(1, 256), level=st.integers(0, 7))
def test_a_path_names_one_tile_and_a_tile_has_one_path(index: int, width: int, level: int):
    assert tile.parse_path(level, Tile(level, index, width).path()) == Tile(level, index, width)


@pytest.mark.parametrize("path", [
    "", "0", "00", "0000", "x001", "001/002", "x000/001", "x1/002", "000.p/0", "000.p/256", "000.p/01", "000.p/300",
    "../000", "000/", "-01", "０００", "000.p/", "000\n",
])  # fmt: skip
def test_another_spelling_is_no_tile(path: str):
    with pytest.raises(NoSuchTile):
        tile.parse_path(0, path)


@given(st.lists(st.integers(0, 600), min_size=1, max_size=4).map(sorted))
def test_a_log_that_grows_in_steps_has_the_tiles_of_one_that_grew_at_once(sizes: list[int]):
    state, tiles = grown(*sizes)
    at_once, all_tiles = grown(sizes[-1])
    assert state == at_once
    assert set(all_tiles) == set(tile.tiles_of(sizes[-1]))
    assert {each: tiles[each] for each in all_tiles} == all_tiles


@given(old=st.integers(0, 600), more=st.integers(0, 600))
def test_a_growth_changes_exactly_the_tiles_that_it_says(old: int, more: int):
    state, _ = grown(old)
    _, changed = tile.grow(state, leaf_hashes(old + more)[old:])
    assert set(changed) == set(tile.changed_tiles(old, old + more))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 65_535, 65_536, 65_537, 70_000])
def test_the_edge_is_found_in_the_unfinished_tiles(size: int):
    state, tiles = grown(size)
    assert tile.edge(state) == Edge().append(leaf_hashes(size))
    loaded = [tile.hashes_of(tiles[each]) if each else () for each in tile.unfinished_tiles(size)]
    assert Unfinished(size, tuple(loaded)) == state


@given(data=st.data())
def test_every_node_is_computed_from_its_tile(data: st.DataObject):
    level = data.draw(st.integers(0, 9))
    index = data.draw(st.integers(0, (600 >> level) - 1))
    hashes = leaf_hashes(600)
    _, tiles = grown(600)
    tile_level, tile_index = tile.tile_of(Node(level, index))
    found = tile.hashes_of(tiles[tile.tile_at(tile_level, tile_index, 600)])
    wanted = Edge().append(hashes[index << level : (index + 1) << level]).root()
    assert tile.node_in_tile(Node(level, index), found) == wanted


def test_a_log_has_no_tile_beyond_its_size():
    with pytest.raises(NoSuchTile):
        tile.tile_at(0, 2, 512)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_the_leaves_of_a_bundle_are_those_it_was_made_of(leaves: list[bytes]):
    assert tile.leaves_of(tile.entry_bundle(leaves)) == leaves


def test_the_largest_leaf_fits_a_bundle_and_a_larger_one_does_not():
    assert tile.leaves_of(tile.entry_bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(OverflowError):
        tile.entry_bundle([b"x" * 65_536])


@pytest.mark.parametrize("bundle", [b"\x00", b"\x00\x02x", b"\x00\x01xx"])
def test_a_bundle_that_ends_inside_an_entry_is_refused(bundle: bytes):
    with pytest.raises(ValueError):
        tile.leaves_of(bundle)
