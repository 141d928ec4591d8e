"""A pytest plugin for `make quick`: leaves out whatever needs a database or a server (`-p tests.support.quick`)."""

import pytest

NEEDS_MORE = {"bench", "database", "postgres"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = [item for item in items if item.get_closest_marker("process") or NEEDS_MORE & set(_fixtures(item))]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def _fixtures(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", []))
