"""The port to those who know who is who: what is asked of them, what is believed, and what goes no further."""

from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from services.identity.verification import Finding, NoVerification, RestVerification
from shared.errors import Unavailable
from shared.rest import Directory

NAME, USCC, CREDENTIAL = "数据公司", "91110000600037341L", SecretStr("good-once")


class Outside:
    """Answers as it is told to, and remembers what it was asked."""

    def __init__(self, status: int = 200, answer: object = None) -> None:
        self.status, self.answer = status, answer
        self.asked: list[tuple[str, str | None, Any]] = []
        self.app = FastAPI()
        self.app.add_route("/verification/v1/{what}", self._answer, methods=["POST"])

    async def _answer(self, request: Request) -> Response:
        self.asked.append((request.url.path, request.headers.get("Authorization"), await request.json()))
        return JSONResponse(self.answer, self.status)

    def port(self, key: str | None = "a key of ours") -> RestVerification:
        directory = Directory()
        directory.register("verification", self.app)
        return RestVerification(directory, SecretStr(key) if key else None)


async def test_the_register_is_asked_for_name_and_code_and_the_network_for_a_credential():
    outside = Outside(answer={"passed": True, "reference": "A-1"})
    port = outside.port()
    assert await port.organisation(NAME, USCC) == Finding(True, "A-1")
    assert await port.representative(USCC, CREDENTIAL) == Finding(True, "A-1")
    assert outside.asked == [
        ("/verification/v1/organisations", "Bearer a key of ours", {"name": NAME, "uscc": USCC}),
        ("/verification/v1/representatives", "Bearer a key of ours", {"uscc": USCC, "credential": "good-once"}),
    ]


@pytest.mark.parametrize("answer, reason_code", [
    ({"passed": False, "reference": "A-1", "reason_code": "struck_off"}, "struck_off"),
    ({"passed": False, "reference": "A-1"},                              "not_confirmed"),
], ids=["told", "untold"])  # fmt: skip
async def test_what_is_not_confirmed_has_a_reason(answer: dict[str, object], reason_code: str):
    outside = Outside(answer=answer)
    assert await outside.port(key=None).organisation(NAME, USCC) == Finding(False, "A-1", reason_code)
    assert outside.asked[0][1] is None


@pytest.mark.parametrize("status, answer", [
    (500, None), (403, {"passed": True, "reference": "A-1"}), (302, None), (200, {"passed": "yes!"}),
    (200, {"passed": True, "reference": ""}), (200, {"passed": True, "reference": "x" * 101}),
    (200, {"passed": False, "reference": "A-1", "reason_code": "张三 is not one"}),
], ids=range(7))  # fmt: skip
async def test_what_is_no_answer_is_no_finding(status: int, answer: object):
    outside = Outside(status, answer)
    with pytest.raises(Unavailable):
        await outside.port().representative(USCC, CREDENTIAL)
    assert len(outside.asked) == 1  # a credential is good once, so it is not sent again


async def test_where_none_is_set_nothing_is_found_out():
    for asked in (NoVerification().organisation(NAME, USCC), NoVerification().representative(USCC, CREDENTIAL)):
        with pytest.raises(Unavailable) as refused:
            await asked
        assert refused.value.facts["service"] == "verification"
