"""What may not run side by side is on one worker: some versions of pytest and xdist pass over groups in silence."""

import os

import pytest


@pytest.mark.xdist_group("alone")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all: there are no groups")
def test_a_group_stays_together():
    assert os.environ["PYTEST_CURRENT_TEST"].endswith("@alone (call)")
