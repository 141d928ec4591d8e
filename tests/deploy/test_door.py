"""nginx sends each path where the gateway of one process would send it."""

import json
import re
from pathlib import Path

import pytest
import yaml

from services.delivery.api.contents import INSIDE
from services.gateway import PREFIXES
from shared import problems
from shared.errors import Failure, NotFound, Unavailable
from shared.guard import BodyTooLarge
from shared.ids import RequestId

ROOT = Path(__file__).parent.parent.parent
CONF = re.sub(r"#.*", "", (ROOT / "deploy/nginx.conf").read_text())
UPSTREAMS = dict(re.findall(r"upstream (\w+)\s*\{ server (\S+);", CONF))
LOCATIONS = [
    (modifier, pattern, body)
    for modifier, pattern, body in re.findall(r"location\s+(=|~)?\s*([^\s@]+)\s*\{(.*?)\}", CONF, re.DOTALL)
]


def target(path: str) -> str:
    """The service that nginx sends a path to: an exact match, else the first pattern, else the longest prefix."""
    exact = [body for modifier, place, body in LOCATIONS if modifier == "=" and path == place]
    patterns = [body for modifier, place, body in LOCATIONS if modifier == "~" and re.search(place, path)]
    prefixes = [(place, body) for modifier, place, body in LOCATIONS if not modifier and path.startswith(place)]
    body = next(iter(exact + patterns), None) or max(prefixes)[1]
    return re.findall(r"proxy_pass http://(\w+);", body)[0]


def test_the_prefixes_are_those_of_the_gateway():
    prefixes = {
        place: target(place) for modifier, place, body in LOCATIONS
        if not modifier and place != "/" and "internal;" not in body
    }  # fmt: skip
    assert prefixes == {prefix: service for service, prefix in PREFIXES.items()}


@pytest.mark.parametrize("path, service", [
    ("/",                                      "gateway"),
    ("/docs",                                  "gateway"),
    ("/health/ready",                          "gateway"),
    ("/tradings/v1",                           "gateway"),
    ("/trading",                               "gateway"),
    ("/trading/v1/auctions/auction_1",         "trading"),
    ("/trading/v1/auctions/auction_1/stream",  "trading"),
    ("/trading/v1/auctions/a/b/stream",        "trading"),
    ("/audit/v1/stream",                       "audit"),
    ("/identity/.well-known/jwks.json",        "identity"),
])  # fmt: skip
def test_where_a_path_goes(path: str, service: str):
    assert target(path) == service


def test_every_upstream_is_its_own_container_and_keeps_connections():
    assert UPSTREAMS == {name: f"{name}:8000" for name in [*PREFIXES, "gateway"]}
    assert len(re.findall(r"keepalive \d+;", CONF)) == len(UPSTREAMS)


def test_live_streams_and_content_are_passed_on_as_they_come():
    unbuffered = [place for _, place, body in LOCATIONS if "proxy_buffering off;" in body]
    assert sorted(unbuffered) == ["/audit/v1/stream", "/delivery/", "^/trading/v1/auctions/[^/]+/stream$"]


@pytest.mark.parametrize("statuses, name, failure", [
    ("413",     "too_large", BodyTooLarge()),
    ("502 504", "away",      Unavailable()),
    ("404",     "nothing",   NotFound()),
])  # fmt: skip
def test_what_never_reached_a_service_is_told_like_what_did(statuses: str, name: str, failure: Failure):
    # Without "=" nginx keeps its own status, and a 502 would stand over a document that says 503.
    assert f"error_page {statuses} = @{name};" in CONF
    told = re.findall(rf"location @{name} \{{.*?return (\d+) '(.*?)';", CONF, re.DOTALL)
    [(status, document)] = told
    assert int(status) == problems.status_of(failure)
    request_id = RequestId.new()
    document = json.loads(document.replace("$request_id", request_id.removeprefix("request_")))
    assert document == problems.document(failure, request_id)


def test_a_path_is_passed_on_as_it_came():
    assert "merge_slashes off;" in CONF
    assert not re.search(r"proxy_pass http://\w+/", CONF), "with a path, nginx would send its own reading of it"


def test_contents_are_handed_over_by_delivery_alone_from_the_folder_that_it_keeps_them_in():
    [(place, body)] = [(place, body) for _, place, body in LOCATIONS if "internal;" in body]
    assert place == f"{INSIDE}/" and "alias /var/lib/yaosu/delivery/content/content/;" in body
    redirecting = [place for _, place, body in LOCATIONS if "proxy_ignore_headers" in body]
    assert redirecting == ["/delivery/"] and "    proxy_ignore_headers X-Accel-Redirect " in CONF
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert compose["door"]["volumes"] == ["content:/var/lib/yaosu:ro"]
    assert compose["delivery"]["volumes"] == ["content:/var/lib/yaosu"]
    assert compose["delivery"]["environment"]["YAOSU_ACCEL"] == "true"
