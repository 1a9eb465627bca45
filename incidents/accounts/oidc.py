"""The provider (OpenID Connect): who somebody is, on the word of a house's own sign-in.

Authorization code with PKCE, state and nonce. Of a provider only the claim with the handle and the
time of the sign-in are taken; the account must be there already.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from incidents.accounts.identity import FRESH_FOR
from incidents.errors import IncidentsError, RefusedError

if TYPE_CHECKING:
    import httpx

    from incidents.accounts.access_settings import Provider

LEEWAY_S = 60
ANSWER_WITHIN = timedelta(minutes=10)
_SIGNED_WITH = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Never the secret that both know, and never nothing."""

_LONGEST_S = 12 * 60 * 60
_MOST_CODE = 4_096


class ProviderError(IncidentsError):
    """the provider that signs people in does not do its part: {detail}"""


class ProviderWordError(RefusedError):
    """the provider's answer is not what was asked for ({detail}): sign in once more"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the provider was asked, which its answer must fit; kept by the browser that asks.

    `again` is the handle of who is to prove once more who they are.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    again: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What the provider has said: a handle, and when its person proved who they are (UTC)."""

    handle: str
    proved_at: datetime


class Oidc:
    """The provider of the settings; `clock` gives aware times in UTC."""

    def __init__(self, provider: Provider, clock: Callable[[], datetime]) -> None:
        self._provider, self._clock = provider, clock

    def ask(self, redirect_uri: str, again: str | None = None) -> tuple[str, Question]:
        """Where the browser is sent, and what the answer must fit.

        Raises:
            ProviderError: if the provider cannot be asked.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        question = Question(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48), redirect_uri=redirect_uri, again=again,
        )  # fmt: skip
        fresh = {} if again is None else {"prompt": "login", "login_hint": again}
        with self._client() as client:
            endpoint = self._endpoint(self._metadata(client), "authorization_endpoint")
        url = prepare_grant_uri(
            endpoint, self._provider.client_id, "code", redirect_uri, "openid profile",
            question.state, nonce=question.nonce, code_challenge_method="S256",
            code_challenge=create_s256_code_challenge(question.verifier),
            max_age=str(_LONGEST_S if again is None else 0), **fresh,
        )  # fmt: skip
        return str(url), question

    def answer(self, question: Question, given: Mapping[str, str]) -> Word:
        """Who that is, of what the browser has brought back (`code`, `state`, `iss`, `error`).

        Raises:
            ProviderWordError: if it does not fit the question, or nobody has signed in.
            ProviderError: if the provider cannot be asked.
        """
        issuer = self._provider.issuer
        if not hmac.compare_digest(given.get("state", "").encode(), question.state.encode()):
            raise ProviderWordError(detail="state")
        if given.get("iss", issuer) != issuer:
            raise ProviderWordError(detail="iss")
        code = given.get("code", "")
        if "error" in given or not 0 < len(code) <= _MOST_CODE:
            raise ProviderWordError(detail="nobody has signed in")
        with self._client() as client:
            metadata = self._metadata(client)
            token = self._token(client, self._endpoint(metadata, "token_endpoint"), code, question)
            keys = self._json(client.get(self._endpoint(metadata, "jwks_uri")))
        return self._word(self._claims(token, keys, question.nonce), question)

    def _word(self, claims: Mapping[str, Any], question: Question) -> Word:
        handle, at = claims.get(self._provider.claim), claims.get("auth_time")
        if not isinstance(handle, str):
            raise ProviderWordError(detail=self._provider.claim)
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise ProviderWordError(detail="auth_time")
        now = self._clock()
        try:
            proved_at = min(now, datetime.fromtimestamp(at, UTC))
        except (ValueError, OverflowError, OSError) as error:
            raise ProviderWordError(detail="auth_time") from error
        if question.again is not None:
            if handle != question.again:
                raise ProviderWordError(detail="somebody else has signed in")
            if now - proved_at > FRESH_FOR:
                raise ProviderWordError(detail="auth_time")
        return Word(handle, proved_at)

    def _claims(self, token: Mapping[str, Any], keys: Mapping[str, Any], nonce: str) -> Any:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        provider = self._provider
        registry = JWSRegistry(algorithms=_SIGNED_WITH, strict_check_header=False)
        try:
            read = jwt.decode(
                token["id_token"], KeySet.import_key_set(dict(keys)), registry=registry  # type: ignore[arg-type]  # joserfc's own shape of a dict
            )  # fmt: skip
            options = {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            }
            known = {
                "nonce": nonce, "client_id": provider.client_id, "max_age": _LONGEST_S,
                "access_token": token.get("access_token"),
            }  # fmt: skip
            claims = CodeIDToken(read.claims, read.header, options, known)
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderWordError(detail=type(error).__name__) from error
        return claims

    def _token(
        self, client: httpx.Client, endpoint: str, code: str, question: Question
    ) -> Mapping[str, Any]:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        body = prepare_token_request(
            "authorization_code", "", question.redirect_uri,
            code=code, code_verifier=question.verifier,
        )  # fmt: skip
        auth = ClientAuth(
            self._provider.client_id, self._provider.client_secret, "client_secret_basic"
        )  # fmt: skip
        form = {
            "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        url, headers, body = auth.prepare("POST", endpoint, form, body)
        answer = client.post(url, headers=headers, content=body)
        if answer.status_code in (400, 401):
            # A code that was used, or was never given out; or we are not who we say.
            raise ProviderWordError(detail="code")
        return self._json(answer)

    def _metadata(self, client: httpx.Client) -> Mapping[str, Any]:
        issuer = self._provider.issuer
        found = self._json(client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        if found.get("issuer") != issuer:
            raise ProviderError(detail="it calls itself by another name than the setting issuer")
        return found

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        """An address that it names: over https, or on the issuer's own host."""
        url = metadata.get(name)
        parts = urlsplit(url) if isinstance(url, str) else None
        own = urlsplit(self._provider.issuer)
        same = parts is not None and (parts.scheme, parts.hostname) == (own.scheme, own.hostname)
        if parts is None or not (same or parts.scheme == "https"):
            raise ProviderError(detail=f"its {name} is no https address")
        return str(url)

    @staticmethod
    def _json(answer: httpx.Response) -> Mapping[str, Any]:
        try:
            found = answer.json() if answer.status_code == 200 else None
        except (ValueError, RecursionError) as error:
            raise ProviderError(detail="its answer is no JSON") from error
        if not isinstance(found, dict):
            raise ProviderError(detail=f"it answered with status {answer.status_code}")
        return found

    def _client(self) -> _Client:
        return _Client(self._provider.issuer)


class _Client:
    """A client that reaches the issuer, wherever it stands, and else only what is public."""

    def __init__(self, issuer: str) -> None:
        self._host = urlsplit(issuer).hostname or ""

    def __enter__(self) -> httpx.Client:
        from incidents.outbound import client
        from incidents.outbound.guard import Guard

        self._opened = client.client(Guard(allow=[self._host]))
        return self._opened

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from incidents.outbound.faults import OutboundError

        self._opened.close()
        if isinstance(error, OutboundError):
            raise ProviderError(detail=str(error)) from error
