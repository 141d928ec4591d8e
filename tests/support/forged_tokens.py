"""Tokens that must get nobody in: each is a good one but for one thing, or made by somebody who has not our key.

A forger knows all that an outsider may know, the public key among it, and where a test lets it, our private key too: so
it is the one thing that refuses a token, and not a bad signature. Numbers name rows of the table of bad input (B-70).
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

Part = dict[str, Any]
Sign = Callable[[bytes], bytes]
SPKI = PublicFormat.SubjectPublicKeyInfo
ORDER = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)  # of the curve P-256
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
GONE = object()  # for a member that is left out
NO_TEXTS: list[Any] = [GONE, None, "", 7, [], {}, ["x"]]
NOT_READ = {"of 9 kB", "of 100 kB"}  # what is longer than any header is refused as such


def encoded(part: bytes | Part) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def changed(part: Part, change: Part) -> Part:
    return {name: value for name, value in (part | change).items() if value is not GONE}


def twice(part: Part, name: str, first: object, spelt: str | None = None) -> bytes:
    """The part with a member before the one of the same name: a parser that takes the last sees nothing amiss."""
    return f"{{{spelt or json.dumps(name)}: {json.dumps(first)}, {json.dumps(part)[1:]}".encode()


@cache
def curve_key(curve: type[ec.EllipticCurve]) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def edwards_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def ec_signed(message: bytes, key: ec.EllipticCurvePrivateKey, algorithm: HashAlgorithm) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(algorithm)))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def mac(message: bytes, secret: bytes, algorithm: HashAlgorithm) -> bytes:
    made = HMAC(secret, algorithm)
    made.update(message)
    return made.finalize()


WRONG_MOMENTS = (None, -1, True, -(2**100))


@dataclass(frozen=True)
class Forger:
    """`claims` are good ones; `secrets` are what others of the platform sign or log in with."""

    pem: str
    key_id: str
    claims: Part
    secrets: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # audiences that are not this one
    _made: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def header(self) -> Part:
        return {"alg": "ES256", "typ": "at+jwt", "kid": self.key_id}

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return cast(ec.EllipticCurvePrivateKey, load_pem_private_key(self.pem.encode(), None))

    def token(self, header: bytes | Part | None = None, claims: bytes | Part | None = None) -> str:
        """Of any shape, with a good signature of ours."""
        message = self.message(header, claims)
        return f"{message}.{encoded(ec_signed(message.encode(), self.key, SHA256()))}"

    def message(self, header: bytes | Part | None = None, claims: bytes | Part | None = None) -> str:
        header = self.header if header is None else header
        return f"{encoded(header)}.{encoded(self.claims if claims is None else claims)}"

    def all(self) -> dict[str, str]:
        """Each forged token by its name, made once."""
        if not self._made:
            self._made.update(self._make())
        return self._made

    def _make(self) -> dict[str, str]:
        groups = (self.algorithms(), self.headers(), self.audiences(), self.times(), self.bodies(), self.shapes())
        found = [vector for group in groups for vector in group]
        tokens = dict(found)
        assert len(tokens) == len(found), "two have the same name"
        return tokens

    def algorithms(self) -> Iterator[tuple[str, str]]:
        for alg in ("none", "None", "NONE", "nOnE", "none ", "", "null"):
            message = self.message(self.header | {"alg": alg})
            yield f"alg {alg!r} without a signature", f"{message}."
            yield f"alg {alg!r} with one as long as ours", f"{message}.{encoded(bytes(64))}"
        for name, secret in self._public_forms():
            for alg, algorithm in (("HS256", SHA256()), ("HS384", SHA384()), ("HS512", SHA512())):
                message = self.message(self.header | {"alg": alg})
                yield f"{alg} with {name}", f"{message}.{encoded(mac(message.encode(), secret, algorithm))}"
            message = self.message()
            yield f"ES256 said, HMAC made with {name}", f"{message}.{encoded(mac(message.encode(), secret, SHA512()))}"
        for number, secret in enumerate(self.secrets):
            message = self.message(self.header | {"alg": "HS512"})
            made = mac(message.encode(), secret.encode(), SHA512())
            yield f"HS512 with a service's secret {number}", f"{message}.{encoded(made)}"
        for alg in (
            "RS256",
            "RS512",
            "PS256",
            "ES384",
            "ES512",
            "ES256K",
            "EdDSA",
            "es256",
            "ES256 ",
            None,
            256,
            ["ES256"],
        ):
            yield f"alg {alg!r} said, ES256 made", self.token(self.header | {"alg": alg})
        yield from self._of_other_keys()

    def _public_forms(self) -> Iterator[tuple[str, bytes]]:
        """The public key in each form that a careless verifier may have at hand as bytes."""
        public = self.key.public_key()
        numbers = public.public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        jwk = {"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)}
        published = jwk | {"alg": "ES256", "use": "sig", "kid": self.key_id}
        pem = public.public_bytes(Encoding.PEM, SPKI)
        yield from (
            ("the public key as PEM", pem), ("the public key as PEM without its last break", pem.strip()),
            ("the public key as DER", public.public_bytes(Encoding.DER, SPKI)),
            ("the public point", b"\x04" + x + y), ("the raw coordinates", x + y), ("the raw x", x),
            ("the compressed point", public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)),
            ("the key as JWK", json.dumps(published).encode()),
            ("the key as compact JWK", json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()),
            ("the set of keys as JSON", json.dumps({"keys": [published]}).encode()),
            ("x as it is published", jwk["x"].encode()), ("an empty key", b""), ("the key's id", self.key_id.encode()),
        )  # fmt: skip

    def _of_other_keys(self) -> Iterator[tuple[str, str]]:
        def made(alg: str, sign: Sign, header: Part | None = None) -> str:
            message = self.message(self.header | {"alg": alg} | (header or {}))
            return f"{message}.{encoded(sign(message.encode()))}"

        def by_curve(curve: type[ec.EllipticCurve], algorithm: HashAlgorithm) -> Sign:
            return lambda message: ec_signed(message, curve_key(curve), algorithm)

        another = curve_key(ec.SECP256R1).public_key().public_numbers()
        own = {"kty": "EC", "crv": "P-256", "x": encoded(another.x.to_bytes(32, "big")),
               "y": encoded(another.y.to_bytes(32, "big"))}  # fmt: skip
        p256 = by_curve(ec.SECP256R1, SHA256())
        yield "ES256 of another key", made("ES256", p256)
        yield "ES256 of another key under its own id", made("ES256", p256, {"kid": "mine"})
        yield "ES256 of another key, which it brings", made("ES256", p256, {"jwk": own})
        yield "ES256 of another key, which it brings for an id", made("ES256", p256, {"jwk": own, "kid": "mine"})
        yield "ES384 of P-384", made("ES384", by_curve(ec.SECP384R1, SHA384()))
        yield "ES256 said, of P-384", made("ES256", by_curve(ec.SECP384R1, SHA256()))
        yield "ES512 of P-521", made("ES512", by_curve(ec.SECP521R1, SHA512()))
        yield "ES256K of secp256k1", made("ES256K", by_curve(ec.SECP256K1, SHA256()))
        yield "ES256 said, of secp256k1", made("ES256", by_curve(ec.SECP256K1, SHA256()))
        yield "EdDSA of an Edwards key", made("EdDSA", edwards_key().sign)
        yield "ES256 said, of an Edwards key", made("ES256", edwards_key().sign)
        for alg, algorithm in (("RS256", SHA256()), ("RS512", SHA512())):
            by_rsa = partial(rsa_key().sign, padding=padding.PKCS1v15(), algorithm=algorithm)
            yield f"{alg} of an RSA key", made(alg, by_rsa)
        pss = padding.PSS(padding.MGF1(SHA256()), 32)
        yield "PS256 of an RSA key", made("PS256", lambda message: rsa_key().sign(message, pss, SHA256()))
        yield "our key over another hash", made("ES256", lambda message: ec_signed(message, self.key, SHA512()))
        yield "our signature as DER", made("ES256", lambda message: self.key.sign(message, ec.ECDSA(SHA256())))
        for name, r, s in (("0, 0", 0, 0), ("0, 1", 0, 1), ("1, 1", 1, 1), ("n, n", ORDER, ORDER), ("n, 0", ORDER, 0)):
            raw = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
            yield f"the signature {name}", f"{self.message()}.{raw}"

    def headers(self) -> Iterator[tuple[str, str]]:
        types: list[Any] = [
            "JWT", "jwt", "AT+JWT", "at+JWT", "application/at+jwt", "id+jwt", "id_token", "logout+jwt", "dpop+jwt",
            "at+jwt ", "", None, 1, ["at+jwt"], GONE,
        ]  # fmt: skip
        for typ in types:
            yield f"typ {_shown(typ)}", self.token(changed(self.header, {"typ": typ}))
        key_ids: list[Any] = [
            "another", "", " ", self.key_id.upper() + "X", f"{self.key_id} ", f"{self.key_id}\x00", self.key_id[:-1],
            "../../../../dev/null", "/etc/passwd", "file:///dev/null", "' OR 1=1 --", "x' UNION SELECT 'key",
            "http://127.0.0.1/key", "https://evil.example/keys", "rsa", "__proto__", "*", "k" * 2000, None, 0, 1,
            True, 1.5, [self.key_id], {self.key_id: 1}, GONE,
        ]  # fmt: skip
        for kid in key_ids:
            told = _shown(kid).replace(self.key_id.upper(), "OURS").replace(self.key_id, "ours")
            told = told.replace(self.key_id[:-1], "ours but for its end")  # a name is the same in every run
            yield f"kid {told}", self.token(changed(self.header, {"kid": kid}))
        yield "alg left out", self.token(changed(self.header, {"alg": GONE}))
        more: list[Part] = [
            {"crit": ["exp"]}, {"crit": ["b64"], "b64": True}, {"crit": ["b64"], "b64": False}, {"crit": []},
            {"crit": ["yaosu"], "yaosu": 1}, {"crit": None}, {"b64": False}, {"zip": "DEF"}, {"cty": "JWT"},
            {"jku": "https://evil.example/keys"}, {"jku": "http://169.254.169.254/"}, {"x5u": "http://127.0.0.1/c"},
            {"x5c": ["MIIB"]}, {"x5t": "AAAA"}, {"jwk": {}}, {"jwk": None}, {"enc": "A256GCM"}, {"p2c": 2**31},
            {"iss": self.claims["iss"]}, {"ALG": "none"},
        ]  # fmt: skip
        for change in more:
            yield f"header with {json.dumps(change)}", self.token(self.header | change)

    def audiences(self) -> Iterator[tuple[str, str]]:
        audience, issuer = self.claims["aud"], self.claims["iss"]
        audiences: list[Any] = [
            *self.others, audience.upper(), f"{audience}-other", audience[:-1], f"{audience} ", f" {audience}",
            f"{audience}/", f"https://{audience}", "*", "", None, 1, [], [audience], [audience, "x"], {audience: 1},
            GONE,
        ]  # fmt: skip
        for aud in audiences:
            yield f"aud {_shown(aud)}", self.token(claims=changed(self.claims, {"aud": aud}))
        issuers: list[Any] = [
            f"{issuer}/", f"{issuer}//", f"{issuer}/.", issuer.upper(), issuer.removesuffix("y"), f"{issuer}#",
            f"{issuer}?", f" {issuer}", issuer.replace("http:", "https:"), issuer.replace("//", "//x@"),
            "https://evil.example", "", None, 1, [issuer], [issuer, "x"], {issuer: 1}, GONE,
        ]  # fmt: skip
        for iss in issuers:
            yield f"iss {_shown(iss)}", self.token(claims=changed(self.claims, {"iss": iss}))

    def times(self) -> Iterator[tuple[str, str]]:
        now = self.claims["iat"]
        ends: list[Any] = [
            now, now - 1, now - 29, now - 30, now - 31, 0, -1, now + 601, 2**31, 2**53, 2**63, 2**100, -(2**100),
            str(now + 60), now + 60.0, now + 60.5, True, False, None, [now + 60], {}, "2100-01-01T00:00:00Z", GONE,
        ]  # fmt: skip
        for exp in ends:
            yield f"exp {_shown(exp, now)}", self.token(claims=changed(self.claims, {"exp": exp}))
        starts: list[Any] = [
            now + 31, now + 3600, 0, -1, 2**100, str(now), float(now), now - 0.5, True, None, [now], GONE,
        ]  # fmt: skip
        for iat in starts:
            yield f"iat {_shown(iat, now)}", self.token(claims=changed(self.claims, {"iat": iat}))
        for nbf in (now + 1, now + 31, 2**100, str(now), float(now), None, True):
            yield f"nbf {_shown(nbf, now)}", self.token(claims=changed(self.claims, {"nbf": nbf}))
        for literal in ("1e400", "1" + "0" * 400, "NaN", "Infinity", "-0", "1E3"):
            claims = json.dumps(self.claims | {"exp": "HERE"}).replace('"HERE"', literal)
            yield f"exp written as {literal:.8}", self.token(claims=claims.encode())

    def bodies(self) -> Iterator[tuple[str, str]]:
        now = self.claims["iat"]
        for name in ("jti", "sub", "client_id"):
            for value in NO_TEXTS:
                yield f"{name} {_shown(value)}", self.token(claims=changed(self.claims, {name: value}))
        for roles in (GONE, None, "", "service", [1], [None], [["service"]], {"service": 1}, 7):
            yield f"roles {_shown(roles)}", self.token(claims=changed(self.claims, {"roles": roles}))
        for change in ({"amr": 7}, {"amr": ["pwd"]}, {"org": "asset_1"}, {"org": 7}, {"org": None}, {"org": ""},
                       {"org": ["participant_1"]}, {"sub": "user\x00"}, {"sub": "\ud800"},
                       {"sub": "e\u0301"}, {"acr": 7}, {"acr": ["totp"]}, {"acr": None}, {"sid": 7}, {"sid": None},
                       *({"auth_time": wrong} for wrong in WRONG_MOMENTS), {"auth_time": now + 1},
                       {"auth_time": str(now)}, {"auth_time": now - 0.5}):  # fmt: skip
            yield f"claims with {json.dumps(change)}", self.token(claims=self.claims | change)
        for name in ("sub", "aud", "iss", "exp", "roles"):
            yield f"{name} twice", self.token(claims=twice(self.claims, name, "x"))
        yield "sub twice, once escaped", self.token(claims=twice(self.claims, "sub", "x", '"su\\u0062"'))
        for name in ("alg", "kid", "typ"):
            yield f"{name} twice", self.token(header=twice(self.header, name, "none"))
        for name, claims in {
            "a list": b"[]", "a text": b'"x"', "null": b"null", "nothing": b"", "broken JSON": b"{",
            "two documents": b"{}{}",
            "deep JSON": b"[" * 1200, "a token": self.token().encode(), "a comment": b"{/* */}",
            "a mark before": b"\xef\xbb\xbf" + json.dumps(self.claims).encode(),
            "UTF-16": json.dumps(self.claims).encode("utf-16"), "bad UTF-8": b'{"sub": "\xff"}',
        }.items():  # fmt: skip
            yield f"claims that are {name}", self.token(claims=claims)
        for name, header in {
            "a list": b"[]",
            "null": b"null",
            "nothing": b"",
            "broken JSON": b"{",
            "a text": b'"ES256"',
        }.items():
            yield f"a header that is {name}", self.token(header=header)

    def shapes(self) -> Iterator[tuple[str, str]]:
        good = self.token()
        head, body, signature = good.split(".")
        stolen = self.message(claims=self.claims | {"sub": "user_stolen"})
        yield from {
            "nothing": "", "a space": " ", "a dot": ".", "dots": "..", "one part": head, "two parts": f"{head}.{body}",
            "no signature": f"{head}.{body}.", "a dot after": f"{good}.", "a dot before": f".{good}",
            "four parts": f"{good}.x",
            "as if encrypted": f"{head}.x.y.z.w", "no header": f".{body}.{signature}",
            "no claims": f"{head}..{signature}",
            "the signature of another": f"{stolen}.{signature}", "swapped parts": f"{body}.{head}.{signature}",
            "half a signature": f"{head}.{body}.{signature[:43]}", "a longer signature": f"{good}AA",
            "padding": f"{good}==", "padding inside": f"{head}=.{body}=.{signature}", "padding everywhere": f"{good}=",
            "a spare bit": good[:-1] + LETTERS[LETTERS.index(good[-1]) + 1],
            "another alphabet": f"{head}+/.{body}.{signature}", "a break inside": f"{head}\n.{body}.{signature}",
            "a break after": f"{good}\n", "a return after": f"{good}\r\n", "a tab before": f"\t{good}",
            "a space before": f" {good}", "a space after": f"{good} ", "a NUL after": f"{good}\x00",
            "a NUL inside": f"{head}\x00.{body}.{signature}", "letters of elsewhere": good.replace("e", "\u0435", 1),
            "a wide dot": good.replace(".", "\uff0e", 1), "a hidden sign": f"\u200b{good}",
            "half of a pair": f"{good}\xed\xa0",
            "percent signs": good.replace(".", "%2E"), "quotes": f'"{good}"', "angles": f"<{good}>",
            "two of them": f"{good}, {good}", "two in one": f"{good} {good}", "the scheme again": f"Bearer {good}",
            "as JSON": json.dumps({"protected": head, "payload": body, "signature": signature}),
            "an opaque one": base64.urlsafe_b64encode(bytes(range(32))).decode(),
            "an API key": "sk_live_0123456789abcdef",
            "a path": "../../etc/passwd", "an injection": "' OR '1'='1", "a template": "{{7*7}}",
            "of 5 kB": self.token(claims=self.claims | {"amr": "x" * 3500}), "of 9 kB": "x" * 9_000,
            "of 100 kB": "x" * 100_000,
        }.items()  # fmt: skip


def _shown(value: object, now: int | None = None) -> str:
    """A name that is the same in every run."""
    if value is GONE:
        return "left out"
    if now is not None and type(value) is int and abs(value - now) < 100_000:
        return f"now{value - now:+}"
    return repr(value).replace(str(now), "now")[:60]


def a_forger(
    pem: str, key_id: str, issuer: str, now: datetime, *, sub: str, audience: str, roles: list[str], **more: Any
) -> Forger:
    """Of tokens for this audience that would be good for ten minutes."""
    issued_at = int(now.timestamp())
    claims = {
        "iss": issuer, "aud": audience, "sub": sub, "client_id": sub, "roles": roles, "jti": "token_" + "0" * 32,
        "iat": issued_at, "exp": issued_at + 600, "amr": "password",
    }  # fmt: skip
    return Forger(pem, key_id, claims, **more)
