"""What the tools find and what is nevertheless right, each with its reason. One that excuses nothing is a fault too."""

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch


@dataclass(frozen=True)
class Excused:
    tool: str
    rule: str
    path: str  # a pattern as of fnmatch
    reason: str

    def covers(self, tool: str, rule: str, path: str) -> bool:
        return (self.tool, self.rule) == (tool, rule) and fnmatch(path, self.path)


@dataclass(frozen=True)
class Accepted:
    """A known vulnerability of a package that is locked all the same."""

    advisory: str
    package: str
    reason: str
    proof: str  # the test that holds the reason
    review_by: date


QUOTED = "over a child's own tables: each name and value goes through rules/masking.quoted and literal"
EXCUSED = (
    Excused("bandit", "B105", "services/demo/shelves.py", "log-ins of persons who do not exist"),
    Excused("bandit", "B105", "services/identity/rules/token.py", "names of grants"),
    Excused("bandit", "B311", "services/demo/data.py", "made-up phone numbers, the same on every run"),
    Excused("bandit", "B311", "shared/rest.py", "how long to wait before the next attempt"),
    Excused("bandit", "B404", "services/demo/proof.py", "runs the verifier as a stranger would"),
    Excused("bandit", "B603", "services/demo/proof.py", "a list of arguments, none from outside"),
    Excused("bandit", "B404", "services/demo/trial.py", "calls compose, as an operator would"),
    Excused(
        "semgrep", "a-process-is-started-by-the-sandbox-alone", "services/recovery/drill.py", "an operator's commands"
    ),
    Excused("semgrep", "neighbours-are-asked-by-rest-alone", "services/recovery/drill.py", "asks as a customer does"),
    Excused("bandit", "B404", "supply/*.py", "runs the tools"),
    Excused("bandit", "B603", "supply/*.py", "lists of arguments, none from outside"),
    Excused("bandit", "B608", "services/delivery/inspector/*.py", QUOTED),
    Excused("bandit", "B608", "services/delivery/rules/rows.py", QUOTED),
    Excused("bandit", "B608", "services/delivery/rules/tabulation.py", QUOTED),
    Excused("bandit", "B608", "shared/turn.py", "names of our own tables; values are bound"),
    Excused("bandit", "B608", "migrations/identity/versions/0009_when_accounts_were_used.py", "constants of the file"),
    Excused("bandit", "B608", "migrations/pricing/versions/0003_plans.py", "constants of the file"),
    Excused("bandit", "B608", "migrations/trading/versions/0014_money_back.py", "constants of the file"),
    Excused("semgrep", "no-statement-put-together-from-text", "services/witness.py", "three pragmas, written there"),
    Excused("semgrep", "no-statement-put-together-from-text", "shared/sqlite.py", "pragmas of our own settings"),
    Excused(
        "semgrep", "no-statement-put-together-from-text", "services/trading/store/bids.py", "two constants of the file"
    ),
    Excused("secrets", "Base64 High Entropy String", "services/catalog/rules/certificate.py", "a public alphabet"),
    Excused(
        "secrets", "Base64 High Entropy String", "services/delivery/inspector/proofs.py", "the order of Taiwan's areas"
    ),
    Excused("secrets", "Hex High Entropy String", "services/identity/rules/signing_key.py", "numbers of the curve"),
    Excused("secrets", "Secret Keyword", "services/demo/shelves.py", "as above"),
    Excused("secrets", "Secret Keyword", "services/identity/rules/token.py", "names of grants"),
    Excused("secrets", "Private Key", "tests/deploy/test_compose.py", "the first line of a key, to look for"),
    Excused("secrets", "JSON Web Token", "tests/kernel/test_log.py", "made up, to be scrubbed"),
    Excused("secrets", "Basic Auth Credentials", "tests/kernel/test_log.py", "made up, to be scrubbed"),
    Excused("secrets", "Basic Auth Credentials", "tests/kernel/test_settings.py", "made up, never to be shown"),
    Excused("bandit", "B608", "shared/owners.py", "names of our own tables"),
    Excused("bandit", "B105", "shared/problems.py", "RFC 6750's word"),
    Excused("bandit", "B303", "shared/signing.py", "HMAC-SHA-1 of RFC 6238"),
    Excused("secrets", "Secret Keyword", "docs/decisions/0026-*.md", "words about passwords"),
    Excused("secrets", "Secret Keyword", "docs/asvs.md", "words about passwords"),
    Excused("secrets", "Base64 High Entropy String", "services/identity/rules/common_password.py", "walks"),
    Excused("secrets", "Base64 High Entropy String", "services/identity/rules/second_factor.py", "a public alphabet"),
)
ACCESS = "tests/kernel/test_access.py"
ACCEPTED = (
    Accepted(
        "PYSEC-2026-1325", "ecdsa",
        "comes with python-jose and is never executed: its cryptography backend signs and verifies",
        "tests/supply/test_lock.py::test_the_elliptic_curves_of_ecdsa_are_never_used", date(2027, 5, 31),
    ),
    Accepted(
        "CVE-2026-85394", "python-jose",
        "no release without it; shared/access.py compares the header whole and allows ES256 alone (decision 3)",
        f"{ACCESS}::test_a_forged_token_is_refused_in_one_shape", date(2027, 5, 31),
    ),
    Accepted(
        "CVE-2026-120459", "python-jose",
        "no release without it; shared/access.py asks for every claim, and its kind, itself (decision 3)",
        f"{ACCESS}::test_a_forged_token_is_refused_in_one_shape", date(2027, 5, 31),
    ),
    Accepted(
        "CVE-2026-111497", "duckdb",
        "no release without it; Brotli is refused by the file's metadata, before DuckDB reads a page of it",
        "tests/delivery/test_bad_files.py::test_bad_parquet", date(2027, 5, 31),
    ),
)  # fmt: skip
