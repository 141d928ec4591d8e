"""How the platform's own people get their first log-in: from whoever runs the market, and never twice."""

import shutil
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from services import staff
from services.staff import ROLES, LogIn, NotAdded
from shared.settings import Settings
from tests.identity.conftest import PASSWORD


@pytest.fixture
def settings(files: dict[str, Path], tmp_path: Path) -> Settings:
    shutil.copyfile(files["identity"], tmp_path / "identity.db")
    return Settings(var=tmp_path)


def test_a_development_market_draws_its_log_ins_once_where_only_their_owner_can_read_them(tmp_path: Path):
    settings = Settings(var=tmp_path)
    drawn = staff.development_log_ins(settings)
    assert {log_in.login: log_in.role for log_in in drawn} == ROLES
    assert len({log_in.password for log_in in drawn}) == len(ROLES)
    assert staff.development_log_ins(settings) == drawn
    [path] = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_password_that_happens_to_contain_its_name_is_drawn_again(monkeypatch: pytest.MonkeyPatch):
    drawn = ["G_8lXFWbm43jULFCr-u_WWpq", "G_8loGXFWbm43jULFCr-u_WW"]

    def draw(count: int) -> str:
        return drawn.pop()

    monkeypatch.setattr("services.staff.secrets.token_urlsafe", draw)
    assert staff.password_for("log") == "G_8lXFWbm43jULFCr-u_WWpq"


def test_production_has_no_log_ins_to_start_with(tmp_path: Path):
    url = SecretStr("postgresql+asyncpg://yaosu@host/yaosu")
    assert (
        staff.development_log_ins(
            Settings(environment="production", issuer="https://market.example/identity", var=tmp_path, database_url=url)
        )
        == []
    )
    assert list(tmp_path.iterdir()) == []


async def test_a_name_is_added_once_and_keeps_its_password(settings: Settings):
    await staff.add(settings, LogIn("li.na", PASSWORD, "operator_business"))
    for role in ("operator_business", "regulator"):
        with pytest.raises(NotAdded, match="(?i)li.na"):
            await staff.add(settings, LogIn("Li.Na", "another pass phrase", role))


@pytest.mark.parametrize("login, password, role", [
    ("li na", PASSWORD,    "regulator"),
    ("li.na", "too short", "regulator"),
    ("li.na", PASSWORD,    "buyer"),
    ("li.na", PASSWORD,    "service"),
])  # fmt: skip
async def test_what_cannot_be_added_says_why_and_not_with_which_password(
    settings: Settings, login: str, password: str, role: str
):
    with pytest.raises(NotAdded, match=login) as refused:
        await staff.add(settings, LogIn(login, password, role))
    assert password not in str(refused.value)
    assert password not in repr(LogIn(login, password, role))
