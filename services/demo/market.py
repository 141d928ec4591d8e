"""What the steps of the story share: the market as a stranger sees it, who acts in it, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from httpx2 import AsyncClient
from rich.console import Console

from services.demo.people import Person, StepFailed

Seen = TypeVar("Seen")
LOOKS_MAX = 200


@dataclass
class Market:
    """What the steps share: who acts, what came of it, and where to write.

    Where `asks_for_code`, roles and acts that bind take a second factor, as in production.
    """

    client: AsyncClient
    folder: Path
    out: Console
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    things: dict[str, Any] = field(default_factory=dict[str, Any])
    settled: list[str] = field(default_factory=list[str])  # orders
    asks_for_code: bool = False
    report: dict[str, Any] = field(default_factory=lambda: {"steps": [], "refusals": []})

    async def first_log_in(self, person: Person, login: str, password: str) -> None:
        """Log in for the first time, and get what every later time takes."""
        if self.asks_for_code:
            await person.enrol(login, password)
        await person.log_in(login, password)

    async def until(self, look: Callable[[], Awaitable[Seen]], good: Callable[[Seen], bool], what: str) -> Seen:
        """Look again and again until what is seen is good; fail after 20 seconds, saying what was waited for."""
        for _ in range(LOOKS_MAX):
            seen = await look()
            if good(seen):
                return seen
            await self.wait()
        raise StepFailed(f"waited in vain for {what}")

    async def wait(self) -> None:
        """A moment, in which the market may move."""
        await asyncio.sleep(0.1)

    def note(self, text: str) -> None:
        self.out.print(f"      {text}", highlight=False, soft_wrap=True)

    def refused(self, what: str, code: str) -> None:
        self.report["refusals"].append({"what": what, "code": code})
        self.note(f"拒绝 refused: {what} → [yellow]{code}[/yellow]")
