"""nginx sends each path where the gateway of one process would send it."""

import asyncio
import json
import re
from pathlib import Path

import pytest
import yaml

from services.delivery.api.contents import INSIDE
from services.gateway import PREFIXES
from shared import problems
from shared.errors import Failure, HeadersTooLarge, NotFound, NotOffered, TooMany, Unavailable, Unreadable
from shared.guard import ONLY_BY_TLS, SAFE_HEADERS, BodyTooLarge
from shared.ids import RequestId
from tests.support.nginx import NO_NGINX, PROGRAM, nginx
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent.parent
CONF = re.sub(r"#.*", "", (ROOT / "deploy/nginx.conf").read_text())
UPSTREAMS = dict(re.findall(r"upstream (\w+)\s*\{ zone \w+ 64k; server (\S+) max_fails=1 fail_timeout=5s;", CONF))
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
    ("413",     "@too_large",                    BodyTooLarge()),
    ("400 408 497 505", "= /_refused/unreadable",    Unreadable()),
    ("405",     "@not_offered",                  NotOffered()),
    ("414 494", "= /_refused/headers_too_large", HeadersTooLarge()),
    ("502 504", "@away",                         Unavailable()),
    ("404",     "@nothing",                      NotFound()),
    ("429",     "@too_many",                     TooMany()),
])  # fmt: skip
def test_what_never_reached_a_service_is_told_like_what_did(statuses: str, name: str, failure: Failure):
    # Without "=" nginx keeps its own status, and a 502 would stand over a document that says 503.
    assert f"error_page {statuses} = {name.removeprefix('= ')};" in CONF
    told = re.findall(rf"location {name} \{{.*?return (\d+) '(.*?)';", CONF, re.DOTALL)
    [(status, document)] = told
    assert int(status) == problems.status_of(failure)
    request_id = RequestId.new()
    document = json.loads(document.replace("$request_id", request_id.removeprefix("request_")))
    assert document == problems.document(failure, request_id)


def test_what_nginx_says_itself_has_the_headers_that_every_answer_has():
    own = re.findall(r"location (?:@|= /_refused/)\w+ \{(.*?return .*?)\}';", CONF, re.DOTALL)
    told = [dict(re.findall(r'add_header (\S+) "?(.*?)"? always;', body)) for body in own]
    safe = {name.decode(): value.decode() for name, value in SAFE_HEADERS.items()}
    assert len(told) == 7 and all(headers["Strict-Transport-Security"] == "$only_by_tls" for headers in told)
    for headers in told:
        assert {name.lower(): value for name, value in headers.items()}.items() >= safe.items()
    handed = re.findall(r"add_header (\S+) \$upstream_http_(\w+);", CONF)
    assert all(name.lower().replace("-", "_") == variable for name, variable in handed)
    assert {name.lower() for name, _ in handed} >= safe.keys() - {"cache-control"}
    [(by_tls,)] = [ONLY_BY_TLS.values()]
    assert f'on "{by_tls.decode()}";' in CONF and CONF.count("add_header Strict-Transport-Security $only_by_tls") == 9


LINE = b"GET /catalog/v1/assets HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
POST = b"POST /catalog/x HTTP/1.1\r\n" + HOST
BAD_REQUESTS = {  # what nginx refuses before a service has seen it
    "no words":             (b"\x00\x01\r\n\r\n", 400),
    "another protocol":     (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a later version":      (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
    "no host":              (LINE + b"\r\n", 400),
    "two hosts":            (LINE + HOST + b"Host: evil.example\r\n\r\n", 400),
    "a host with a path":   (LINE + b"Host: a/?x=\r\n\r\n", 400),
    "two ways to end":      (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "two lengths":          (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab", 400),
    "a length below zero":  (POST + b"Content-Length: -2\r\n\r\n", 400),
    "a return in a header": (LINE + HOST + b"X-A: a\rb\r\n\r\n", 400),
    "a small verb":         (b"get /catalog/v1/assets HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tunnel":             (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a trace":              (b"TRACE /catalog/v1/assets HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "a way up":             (b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a NUL":                (b"GET /catalog%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no such place":        (b"GET /_content/x HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "what is measured":     (b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "measured of a service": (b"GET /trading/metrics HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a refusal's own place": (b"GET /_refused/unreadable HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a long path":          (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    "a long header":        (LINE + HOST + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "a long body":          (POST + b"Content-Length: 99999999\r\n\r\n", 413),
    "nobody behind":        (LINE + HOST + b"\r\n", 503),
}  # fmt: skip


@pytest.mark.process
@pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)
async def test_whatever_a_real_nginx_refuses_it_refuses_as_a_problem(tmp_path: Path):
    async with nginx(tmp_path, free_port(), tmp_path) as url:
        for what, (sent, status) in BAD_REQUESTS.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            told = dict(re.findall(r"^([\w-]+): (.*)\r$", head, re.MULTILINE))
            document = json.loads(await reader.readexactly(int(told["Content-Length"])))
            writer.close()
            assert (int(head.split()[1]), document["status"]) == (status, status), what
            assert told["Content-Type"] == problems.MEDIA_TYPE and told["X-Request-Id"] == document["request_id"], what
            assert {name.lower() for name in told} >= {name.decode() for name in SAFE_HEADERS}, what


def test_whoever_comes_through_the_door_is_known_by_their_own_address():
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in CONF
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert json.loads(compose["x-environment"]["YAOSU_TRUSTED_PROXIES"])


def test_a_path_is_passed_on_as_it_came():
    assert "merge_slashes off;" in CONF
    assert not re.search(r"proxy_pass http://\w+/", CONF), "with a path, nginx would send its own reading of it"


def test_contents_are_handed_over_by_delivery_alone_from_the_folder_that_it_keeps_them_in():
    [(place, body)] = [(place, body) for _, place, body in LOCATIONS if "internal;" in body and "alias" in body]
    assert place == f"{INSIDE}/" and "alias /var/lib/yaosu/delivery/content/content/;" in body
    redirecting = [place for _, place, body in LOCATIONS if "proxy_ignore_headers" in body]
    assert redirecting == ["/delivery/"] and "    proxy_ignore_headers X-Accel-Redirect " in CONF
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert compose["door"]["volumes"] == ["content:/var/lib/yaosu:ro"]
    assert compose["delivery"]["volumes"] == ["content:/var/lib/yaosu"]
    assert compose["delivery"]["environment"]["YAOSU_ACCEL"] == "true"
