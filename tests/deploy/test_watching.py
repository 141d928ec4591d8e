"""The dashboard, the alerts and what Prometheus is told, against what the code counts."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.market import build_market
from shared.metrics import names_of
from shared.settings import SERVICES, Settings, with_development_secrets
from tests.support.clock import ToldClock

ROOT = Path(__file__).parent.parent.parent
DASHBOARD = ROOT / "deploy/grafana/yaosu.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
PROMETHEUS = ROOT / "deploy/prometheus/prometheus.yml"
RUNBOOK = ROOT / "docs/operations.md"
PROMETHEUS_OWN = {"up"}
OF_THE_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
LISTED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
IN_BRACES = re.compile(r"\{[^}]*\}")
IN_BRACKETS = re.compile(r"\[[^]]*\]")
WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
OPERATORS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}


def metrics_in(expression: str) -> set[str]:
    """The names of the time series in a PromQL expression: what is no label, function, operator or duration."""
    bare = QUOTED.sub('""', expression)
    for apart in (IN_BRACES, IN_BRACKETS, LISTED):
        bare = apart.sub(" ", bare)
    return {
        word[0] for word in WORD.finditer(bare)
        if word[0].lower() not in OPERATORS and not bare[word.end() :].lstrip().startswith("(")
        and not (word.start() and bare[word.start() - 1].isdigit())
    } - {"by", "without"}  # fmt: skip


@pytest.mark.parametrize("expression, names", [
    ("up", {"up"}),
    ('sum by (service) (rate(a_total{status=~"5..", service="b_total"}[5m])) / c', {"a_total", "c"}),
    ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m]))) > 1e3", {"a_bucket"}),
    ("time() - max (a) > 60 and on (x) b offset 5m unless c", {"a", "b", "c"}),
    ('a{b="}c{"} + d', {"a", "d"}),
])  # fmt: skip
def test_names_are_told_from_the_rest_of_an_expression(expression: str, names: set[str]):
    assert metrics_in(expression) - {"m"} == names


@given(st.lists(st.sampled_from(["alpha_total", "beta_bucket", "gamma"]), min_size=1))
def test_no_name_is_overlooked_however_they_are_composed(names: list[str]):
    whole = " + ".join(f'sum by (le, name) (rate({name}{{name="other_{name}"}}[5m]))' for name in names)
    assert metrics_in(whole) == set(names)


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for alert in alerts():
        yield alert["alert"], alert["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_whatever_is_asked_for_is_counted(tmp_path: Path):
    settings = with_development_secrets(Settings(var=tmp_path))
    counted = names_of(each.metrics for each in build_market(settings, ToldClock()).observers)
    known = counted | PROMETHEUS_OWN | OF_THE_PROCESS
    unknown = {(where, name) for where, expression in expressions() for name in metrics_in(expression) - known}
    assert not unknown
    asked_for = {name for _, expression in expressions() for name in metrics_in(expression)}
    whole = {re.sub("_(total|bucket|sum|count)$", "", name) for name in asked_for}
    idle = {name for name in counted if re.sub("_(total|bucket|sum|count)$", "", name) not in whole}
    assert not idle - {"yaosu_ledger_accounts_checked_total"}, "this is counted and shown to nobody"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(alert: dict[str, Any]):
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert len(alert["annotations"]["summary"]) > 10
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{alert['alert'].lower()}"
    paragraphs = RUNBOOK.read_text().split("\n### ")
    [paragraph] = [each for each in paragraphs if each.partition("\n")[0] == alert["alert"]]
    assert len(paragraph) > 200, "a runbook says what it means and what to do"


def test_no_alert_has_the_name_of_another():
    names = [alert["alert"] for alert in alerts()]
    assert len(names) == len(set(names))


def test_the_dashboard_is_what_grafana_reads():
    board = json.loads(DASHBOARD.read_text())
    assert board["schemaVersion"] >= 36 and board["uid"] and board["title"]
    variables = {each["name"]: each for each in board["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["title"] and panel["type"] in {"timeseries", "stat"} and panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert [target["refId"] for target in panel["targets"]] == [*"ABCDEFG"[: len(panel["targets"])]]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24 and place["h"] > 0


def test_panels_do_not_lie_on_each_other():
    taken = set[tuple[int, int]]()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        squares = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not squares & taken, panel["title"]
        taken |= squares


def test_prometheus_asks_every_service_where_it_tells():
    told = yaml.safe_load(PROMETHEUS.read_text())
    [job] = told["scrape_configs"]
    [names] = [each["names"] for each in job["dns_sd_configs"]]
    assert set(names) == {*SERVICES, "gateway"} and job["metrics_path"] == "/metrics"
    assert told["rule_files"] == [ALERTS.name]


def test_promtool_takes_the_alerts_and_the_configuration():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: the syntax of PromQL itself is not checked here")
    for command in (["check", "rules", ALERTS], ["check", "config", PROMETHEUS]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
