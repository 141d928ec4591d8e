"""SECURITY.md says what the code does."""

from datetime import timedelta

from services.identity.rules import throttle, token, user
from shared.settings import Settings
from tests.supply.written import ROOT, in_code, rows_of

TEXT = (ROOT / "SECURITY.md").read_text()
LASTS = {cells[0]: cells[1] for cells in rows_of(TEXT, columns=2)}
KEYS = {cells[0]: cells for cells in rows_of(TEXT, columns=5)}
# Addresses and log-ins of databases; and what identity knows of others.
NOT_KEYS = {"database_url", "database_passwords", "monitor_database_url", "service_secrets"}


def minutes(duration: timedelta) -> str:
    return f"{duration // timedelta(minutes=1)} minutes"


def test_tokens_last_as_long_as_it_says():
    assert LASTS["access token of a person or a program"] == minutes(token.ACCESS_LIFETIME)
    assert LASTS["token of a service, for one neighbour"] == minutes(token.SERVICE_LIFETIME)
    unused, whole = token.REFRESH_LIFETIME // timedelta(hours=1), token.FAMILY_LIFETIME.days
    assert LASTS["refresh token, good once"] == f"{unused} hours unused, {whole} days since the log-in"


def test_log_ins_are_as_it_says():
    words = {10: "ten", 15: "fifteen"}
    window = throttle.WINDOW // timedelta(minutes=1)
    assert f"is tried {words[throttle.ATTEMPTS_MAX]} times in {words[window]} minutes" in " ".join(TEXT.split())
    assert f"a password of at least {user.PASSWORD_LENGTH_MIN} characters" in TEXT


def test_every_secret_that_can_be_set_has_its_row():
    secrets = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    named = {name for cells in KEYS.values() for name in in_code(cells[0])}
    assert named == secrets - NOT_KEYS
