"""Faults of every kind that the tools must find: a tool that has gone blind says that all is well, too."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True)
class Planted:
    tool: str
    rule: str
    path: str
    source: str


# What looks like a secret is put together here, so that it is none where it stands.
KEY = "-----BEGIN " + "PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n"
DRAWN = b64encode(sha256(b"planted").digest()).decode().replace("/", "x").replace("+", "y").rstrip("=")
PLANTED = (
    Planted("semgrep", "tokens-are-known-to-access-alone", "services/identity/api.py", "from jose import jwt\n"),
    Planted("semgrep", "tokens-are-known-to-access-alone", "shared/web.py", "from jose.backends.base import Key\n"),
    Planted("semgrep", "no-decision-by-the-address-asked-for", "shared/door.py", "on = request.url.path == '/v1'\n"),
    Planted("semgrep", "no-decision-by-the-address-asked-for", "services/gateway.py", "h = self.request.base_url\n"),
    Planted(
        "semgrep", "no-statement-put-together-from-text", "services/catalog/store/search.py",
        "from sqlalchemy import text\nfound = tx.execute(text(f'SELECT id FROM assets ORDER BY {sort}'))\n",
    ),
    Planted(
        "semgrep", "no-statement-put-together-from-text", "services/audit/store/log.py",
        "tx.execute('SELECT line FROM entries WHERE id = ' + entry_id)\n",
    ),
    Planted("semgrep", "money-is-whole-numbers", "services/pricing/rules/fee.py", "fee_minor = price_minor * 0.025\n"),
    Planted("semgrep", "money-is-whole-numbers", "services/trading/rules/share.py", "def part(rate: float): ...\n"),
    Planted("semgrep", "money-is-whole-numbers", "shared/money.py", "minor = round(price / 3)\n"),
    Planted(
        "semgrep", "neighbours-are-asked-by-rest-alone", "services/trading/actions/notice.py",
        "from httpx2 import AsyncClient\nclient = AsyncClient(base_url=asset.url)\n",
    ),
    Planted(
        "semgrep", "neighbours-are-asked-by-rest-alone", "services/delivery/actions/fetch.py",
        "from urllib.request import urlopen\n",
    ),
    Planted(
        "semgrep", "an-answer-is-not-followed-elsewhere", "shared/rest.py",
        "client = AsyncClient(base_url=place, follow_redirects=True)\n",
    ),
    Planted(
        "semgrep", "a-process-is-started-by-the-sandbox-alone", "services/delivery/actions/scan.py",
        "import subprocess\nsubprocess.run(['clamscan', path], check=True)\n",
    ),
    Planted("semgrep", "a-process-is-started-by-the-sandbox-alone", "shared/policy.py", "allowed = eval(rule)\n"),
    Planted("semgrep", "no-reader-that-runs-what-it-reads", "services/delivery/inspector/cache.py", "import pickle\n"),
    Planted(
        "semgrep", "no-reader-that-runs-what-it-reads", "services/catalog/rules/import.py",
        "from xml.etree import ElementTree\n",
    ),
    Planted("bandit", "B602", "shared/shell.py", "import subprocess\nsubprocess.run('ls ' + name, shell=True)\n"),
    Planted("bandit", "B324", "shared/digest.py", "import hashlib\ndigest = hashlib.md5(content).digest()\n"),
    Planted("bandit", "B105", "shared/keys.py", "pass" + "word = 'correct horse battery'\n"),
    Planted("bandit", "B608", "services/audit/store/log.py", "query = f\"SELECT line FROM entries WHERE id = {id}\"\n"),
    Planted("secrets", "Private Key", "tests/kernel/test_signing.py", KEY),
    Planted("secrets", "GitHub Token", "tests/conftest.py", "token = 'ghp" + "_" + DRAWN[:36] + "'\n"),
    Planted("secrets", "Base64 High Entropy String", "shared/keys.py", f"key = '{DRAWN}'\n"),
    Planted("secrets", "Secret Keyword", "docker-compose.yml", "  YAOSU_SERVICE_" + f"SECRET: {DRAWN[:20]}\n"),
    Planted("secrets", "Basic Auth Credentials", "deploy/nginx.conf", "proxy_pass http://door:" + DRAWN + "@in;\n"),
)  # fmt: skip


def plant(folder: Path) -> None:
    """Every planted fault at its path under `folder`; those that share a path stand one after the other."""
    for fault in PLANTED:
        path = folder / fault.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(fault.source)
