"""A provider (OpenID Connect) on the loopback that signs anybody in, as a test configures it."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "desk", "a secret of the desk"
KEY, STRANGERS, NEXT = (
    RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"})
    for kid in ("k1", "k1", "k2")
)


class Provider:
    """The claims of the provider, and its signatures; a test changes them.

    `claims` are put over those of a right token, None taking one away; `forged` is the token that
    is given in place of a right one; `asked` are the parameters of the last question, `fetched` the
    paths of its documents, each time that one was.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = KEY
        self.subject, self.handle = "u1", "sup-1"
        self.age_s = 0
        self.claims: dict[str, Any] = {}
        self.forged: str | None = None
        self.asked: dict[str, str] = {}
        self.metadata: dict[str, Any] = {}
        self.fetched: list[str] = []
        self.is_away = False
        self._codes: dict[str, dict[str, str]] = {}

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        } | self.metadata

    def authorize(self, asked: dict[str, str]) -> str:
        """The address to which the browser returns after the person has signed in."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        self.asked = asked
        code = hashlib.sha256(repr((asked, time.monotonic_ns())).encode()).hexdigest()
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, authorization: str, form: dict[str, str]) -> dict[str, Any] | None:
        """The token for a code; None if the code was used, or another client asks."""
        asked = self._codes.pop(form.get("code", ""), None)
        right = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or authorization != f"Basic {right}":
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        id_token = self.forged or self.id_token(asked["nonce"])
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}

    def id_token(self, nonce: str, alg: str = "RS256", key: Any = None) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300,
            "auth_time": now - self.age_s, "nonce": nonce, "preferred_username": self.handle,
        } | self.claims  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": alg, "kid": self.key.kid}
        return jwt.encode(header, kept, key or self.key, algorithms=[alg])

    def unsigned(self) -> str:
        """A token under the algorithm `none`, right in all else."""
        whole = self.id_token(self.asked["nonce"])
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        return f"{head}.{whole.split('.')[1]}."


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.provider.fetched.append(parts.path)
        match parts.path:
            case _ if self.provider.is_away:
                self.send_error(503)
            case "/.well-known/openid-configuration":
                self._answer(self.provider.discovery())
            case "/jwks":
                self._answer({"keys": [self.provider.key.as_dict(private=False)]})
            case "/authorize":
                self.send_response(303)
                self.send_header("Location", self.provider.authorize(asked))
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        found = self.provider.token(self.headers.get("Authorization", ""), form)
        if found is None:
            self._answer({"error": "invalid_grant"}, 400)
        else:
            self._answer(found)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, document: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"provider": provider})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
