"""The frame that measures is measured too: who takes turns, and what a figure says of its goal."""

import pytest

from bench.measure import Figure, in_turns, percentile


def test_the_sides_take_turns_in_another_order_each_round():
    order: list[str] = []
    in_turns({"ours": lambda: order.append("ours"), "theirs": lambda: order.append("theirs")}, rounds=2)
    warming, *rounds = [order[start : start + 2] for start in range(0, len(order), 2)]
    assert warming == ["ours", "theirs"] and rounds == [["ours", "theirs"], ["theirs", "ours"]]


@pytest.mark.parametrize("value, better, holds", [
    (3.9, "at_most", True), (4.0, "at_most", True), (4.1, "at_most", False),
    (0.8, "at_least", True), (0.7, "at_least", False),
])  # fmt: skip
def test_a_figure_holds_by_its_goal(value: float, better: str, holds: bool):
    goal = 4.0 if better == "at_most" else 0.8
    assert Figure("any", value, goal, better, {}).holds is holds  # pyright: ignore[reportArgumentType]


def test_a_percentile_is_one_of_the_samples():
    samples = [float(number) for number in range(1, 101)]
    assert (percentile(samples, 0.5), percentile(samples, 0.99), percentile(samples, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([7.0], 0.99) == 7.0
