"""README's worked sale, run as it stands there."""

import asyncio
import base64
import re
import shutil
from pathlib import Path

import pytest

from services import certificate_check
from shared.clock import SystemClock
from shared.signing import SigningKey
from tests.support.process import ServerProcess
from verifier import yaosu_verify

README = Path(__file__).parents[2] / "README.md"
SECONDS_MAX = 120
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(180)]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
async def test_the_sale_in_readme_settles_and_its_log_verifies(tmp_path: Path):
    script = "exec 2> trace\nset -xeuo pipefail\n" + "\n".join(
        re.findall(r"```bash sale\n(.*?)```", README.read_text(), re.S)
    )
    server = ServerProcess(tmp_path / "market")
    await server.start()
    try:
        run = await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "YAOSU_URL": server.base_url, "YAOSU_VAR": str(server.folder)},
        )  # fmt: skip
        try:
            said = (await asyncio.wait_for(run.communicate(), SECONDS_MAX))[0].decode()
        except TimeoutError:
            run.kill()
            raise AssertionError(f"the sale hangs, after: {(tmp_path / 'trace').read_text()[-2000:]}") from None
    finally:
        await server.stop()
    assert run.returncode == 0, (tmp_path / "trace").read_text()[-3000:]
    assert "delivered as uploaded" in said and "'provider': {'minor': 120186" in said, said
    assert yaosu_verify.verify(str(tmp_path / "bundle.tar")).exit_code() == 0
    key_file = tmp_path / "certificate_key"
    key_file.write_text(public_key_in(server.folder / "keys" / "certificate.pem"))
    checked = certificate_check.check_file(tmp_path / "certificate.json", key_file, None, SystemClock().now())
    assert checked.code == certificate_check.GOOD, checked


def public_key_in(pem_file: Path) -> str:
    return base64.b64encode(SigningKey.from_pem(pem_file.read_text()).public).decode()


def test_every_command_that_readme_names_exists():
    from services.__main__ import app

    named = set(re.findall(r"yaosu (\w[\w-]*)", README.read_text()))
    commands = [command for command in app.registered_commands if command.callback]
    known = {command.name or command.callback.__name__.replace("_", "-") for command in commands if command.callback}
    assert named - {"contract", "verify"} <= known and "verify" in known
