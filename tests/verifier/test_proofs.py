"""How the verifier reads a proof, against the RFC's own definition, the log's own reading, and public vectors."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from services.audit.rules import tree
from tests.audit.test_tree import cases, hashes, leaves_of, mth, path
from verifier.yaosu_verify import leads_to

SIZES = range(1, 18)


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_shows_one_place_and_no_other(size: int):
    leaves = leaves_of(size)
    for index, leaf in enumerate(map(tree.leaf_hash, leaves)):
        shown = [place for place in range(size) if leads_to(place, size, leaf, path(index, leaves), mth(leaves))]
        assert shown == [index]


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_of_another_size_or_cut_short_is_read_as_the_log_reads_it(size: int):
    """Also where a cut one leads to what is given out for the root."""
    leaves = leaves_of(size)
    for index, leaf in enumerate(map(tree.leaf_hash, leaves)):
        proof, reached = path(index, leaves), [leaf]
        for sibling in proof:
            reached += [tree.node_hash(reached[-1], sibling), tree.node_hash(sibling, reached[-1])]
        for claimed in SIZES:
            for length in range(len(proof) + 1):
                for root in reached:
                    asked = (index, claimed, leaf, proof[:length], root)
                    assert leads_to(*asked) is tree.verify_inclusion(*asked)


@pytest.mark.parametrize("file", cases("inclusion"))
def test_public_inclusion_vector(file: Path):
    case: dict[str, Any] = json.loads(file.read_text())
    leaf, root = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
    if len(leaf) == 32:  # the verifier hashes entries itself
        found = leads_to(case["leafIdx"], case["treeSize"], leaf, hashes(case["proof"]), root)
        assert found is not case["wantErr"]
