"""What is kept of a measurement, and how it is drawn: the shape that others read, and a picture made of it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench import drawing, results
from bench.measure import Figure

HELD = Figure("hot_per_noop", 0.75, 0.6, "at_least", {"hot": [3.0, 2.0, 4.0], "noop": [4.0, 4.0, 4.0]}, "a second")
MISSED = Figure("start <fast>", 3.0, 2.0, "at_most", {"ours": [1.5], "bare": [0.5]})


def kept(*figures: Figure) -> results.Results:
    made = results.Results({}, {})
    for figure in figures:
        made.keep(figure, "part", 120)
    return made


def test_of_each_ratio_stand_four_words_and_all_else_behind_it(tmp_path: Path):
    path = tmp_path / "results.json"
    kept(HELD, MISSED).write(path)
    told = json.loads(path.read_text())
    assert told["ratios"] == {
        "hot_per_noop": {"value": 0.75, "goal": 0.6, "rounds": 3, "holds": True},
        "start <fast>": {"value": 3.0, "goal": 2.0, "rounds": 1, "holds": False},
    }
    assert told["behind"]["hot_per_noop"]["spread"] == [0.5, 1.0]
    assert told["behind"]["hot_per_noop"]["sides"]["hot"] == [3.0, 2.0, 4.0]
    assert results.read(path) == results.Results(told["ratios"], told["behind"])


def test_a_figure_that_is_measured_again_takes_the_place_of_the_old_one_and_of_no_other():
    made = kept(HELD, MISSED)
    made.keep(Figure("start <fast>", 1.5, 2.0, "at_most", {}), "part", 120)
    assert made.ratios["start <fast>"]["holds"] and made.ratios["hot_per_noop"]["value"] == 0.75


def test_the_table_has_the_least_the_median_and_the_most_beside_the_goal():
    assert results.table(kept(HELD, MISSED), ["hot_per_noop", "start <fast>"]).splitlines() == [
        "figure        least – median – most  goal",
        "hot_per_noop  0.5 – 0.75 – 1         ≥ 0.6  holds",
        "start <fast>  3 – 3 – 3              ≤ 2    MISSED",
    ]


@pytest.mark.parametrize("value, goal, better, close", [
    (0.6, 0.6, "at_least", 1), (1.2, 0.6, "at_least", 2), (0.3, 0.6, "at_least", 0.5),
    (2, 2, "at_most", 1), (1, 2, "at_most", 2), (4, 2, "at_most", 0.5), (0, 2, "at_least", 0),
])  # fmt: skip
def test_how_close_a_value_is_to_its_goal(value: float, goal: float, better: str, close: float):
    assert drawing.closeness(value, goal, better) == pytest.approx(close)


def test_a_bar_begins_at_the_goal_and_goes_to_the_right_if_it_holds_and_to_the_left_if_not():
    picture = ET.fromstring(drawing.drawn(kept(HELD, MISSED)))
    bars = {bar.get("class"): bar for bar in picture.iter("{http://www.w3.org/2000/svg}rect")}
    assert float(bars["holds"].get("x", 0)) == pytest.approx(drawing.MIDDLE, abs=0.1)
    left, width = (float(bars["missed"].get(name, 0)) for name in ("x", "width"))
    assert left + width == pytest.approx(drawing.MIDDLE, abs=0.2) and width > 2
    said = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "0.75 ≥ 0.6" in said and "3 ≤ 2 missed" in said and "hot : noop" in said


def test_what_is_far_from_its_goal_is_drawn_no_further_than_the_edge():
    far = Figure("far", 1e6, 1, "at_least", {})
    bar = next(ET.fromstring(drawing.drawn(kept(far))).iter("{http://www.w3.org/2000/svg}rect"))
    assert float(bar.get("x", 0)) + float(bar.get("width", 0)) <= drawing.WIDTH - drawing.RIGHT + 0.1


def test_the_picture_in_the_documents_is_that_of_the_results():
    assert drawing.PICTURE.read_text() == drawing.drawn(results.read()), "draw it: python -m bench --draw"


def test_what_is_kept_has_the_shape_that_is_promised():
    told = results.read()
    assert told.ratios and told.ratios.keys() == told.behind.keys()
    for name, ratio in told.ratios.items():
        assert ratio.keys() == {"value", "goal", "rounds", "holds"}
        assert Figure(name, ratio["value"], ratio["goal"], told.behind[name]["better"], {}).holds is ratio["holds"]
