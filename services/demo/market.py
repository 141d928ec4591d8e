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
LOOKS_MAX = 200  # for 20 seconds


@dataclass
class Market:
    """What the steps share: who acts, what came of it, and where to write.

    In production, roles and acts that bind take a second factor, and no register is asked for a licence.
    """

    client: AsyncClient
    folder: Path
    out: Console
    people: dict[str, Person] = field(default_factory=dict[str, Person])
    things: dict[str, Any] = field(default_factory=dict[str, Any])
    settled: list[str] = field(default_factory=list[str])  # orders
    in_production: bool = False
    looks_max: int = LOOKS_MAX
    report: dict[str, Any] = field(default_factory=lambda: {"steps": [], "refusals": []})

    async def first_log_in(self, person: Person, login: str, password: str) -> None:
        """Log in for the first time, and get what every later time takes."""
        if self.in_production:
            await person.enrol(login, password)
        await person.log_in(login, password)

    async def until(self, look: Callable[[], Awaitable[Seen]], good: Callable[[Seen], bool], what: str) -> Seen:
        """Look again and again until what is seen is good; fail after `looks_max`, saying what was waited for."""
        for _ in range(self.looks_max):
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
