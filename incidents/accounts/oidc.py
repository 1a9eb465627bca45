"""Sign-in at the company's own provider (OpenID Connect).

The flow is the authorization code with PKCE, state and nonce. The provider's answer is used only
for the person's identity, and for the time and method of the sign-in. The identity is the issuer
and the subject (`iss`, `sub`), unless the settings name another claim. A provider never reuses a
subject. The account must already exist.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from incidents.accounts.discovery import Discovery, json_of, provider_client
from incidents.accounts.identity import PROOF_TTL
from incidents.errors import RefusedError

if TYPE_CHECKING:
    from incidents.accounts.access_settings import Provider

LEEWAY_S = 60
_LEEWAY = timedelta(seconds=LEEWAY_S)
ANSWER_WITHIN = timedelta(minutes=10)
_SIGNED_WITH = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""The accepted signature algorithms: neither a shared secret (HMAC) nor "none"."""

_MOST_CODE = 4_096
_MOST_SUBJECT = 255


class ProviderWordError(RefusedError):
    """the provider's answer does not match the request ({detail}): sign in again"""


class UnknownSubjectError(RefusedError):
    """your ID at the provider is {subject!r}, and no account of this desk has it: ask an
    administrator to add it to [oidc.subjects]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """A request to the provider, kept by the browser; the provider's answer must match it.

    `again`: the handle of the person who must confirm their identity again.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    again: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderLogin:
    """The provider's answer: a handle, and when that person last authenticated (UTC)."""

    handle: str
    proved_at: datetime


class Oidc:
    """The provider named in the settings; `clock` gives aware times in UTC."""

    def __init__(self, provider: Provider, clock: Callable[[], datetime]) -> None:
        self._provider, self._clock = provider, clock
        self._discovery = Discovery(provider.issuer, clock)

    def start(self, redirect_uri: str, again: str | None = None) -> tuple[str, LoginRequest]:
        """Return the address for the browser, and the request that the answer must match.

        Raises:
            ProviderError: if the provider is unavailable.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        question = LoginRequest(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48), redirect_uri=redirect_uri, again=again,
        )  # fmt: skip
        more = {} if again is None else {"prompt": "login", "login_hint": again}
        if self._provider.acr_values:
            more["acr_values"] = " ".join(self._provider.acr_values)
        url = prepare_grant_uri(
            self._discovery.endpoint("authorization_endpoint"), self._provider.client_id, "code",
            redirect_uri, "openid profile", question.state, nonce=question.nonce,
            code_challenge_method="S256",
            code_challenge=create_s256_code_challenge(question.verifier),
            max_age=str(self._max_age_s if again is None else 0), **more,
        )  # fmt: skip
        return str(url), question

    def finish(self, question: LoginRequest, given: Mapping[str, str]) -> ProviderLogin:
        """Return the handle behind an answer (`code`, `state`, `iss`, `error`) from the browser.

        Raises:
            ProviderWordError: if the answer does not match the request, or nobody signed in.
            UnknownSubjectError: if no account has that subject.
            ProviderError: if the provider is unavailable.
        """
        issuer = self._provider.issuer
        if not hmac.compare_digest(given.get("state", "").encode(), question.state.encode()):
            raise ProviderWordError(detail="state")
        if given.get("iss", issuer) != issuer:
            raise ProviderWordError(detail="iss")
        code = given.get("code", "")
        if "error" in given or not 0 < len(code) <= _MOST_CODE:
            raise ProviderWordError(detail="nobody has signed in")
        token = self._token(code, question)
        return self._identity(self._claims(token, question.nonce), question)

    def _identity(self, claims: Mapping[str, Any], question: LoginRequest) -> ProviderLogin:
        handle, at = self._handle(claims), claims.get("auth_time")
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise ProviderWordError(detail="auth_time")
        now = self._clock()
        try:
            proved_at = datetime.fromtimestamp(at, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise ProviderWordError(detail="auth_time") from error
        if not -_LEEWAY <= now - proved_at <= self._provider.max_age + _LEEWAY:
            raise ProviderWordError(detail="auth_time")
        proved_at = min(now, proved_at)
        self._check_how(claims)
        if question.again is not None:
            if handle != question.again:
                raise ProviderWordError(detail="somebody else has signed in")
            if now - proved_at > PROOF_TTL:
                raise ProviderWordError(detail="auth_time")
        return ProviderLogin(handle, proved_at)

    def _check_how(self, claims: Mapping[str, Any]) -> None:
        """Check that the settings accept how the person signed in; raises ProviderWordError."""
        acr, amr = claims.get("acr"), claims.get("amr")
        wanted = self._provider
        if wanted.acr_values and (not isinstance(acr, str) or acr not in wanted.acr_values):
            raise ProviderWordError(detail="acr")
        if wanted.amr and not (isinstance(amr, list) and all(each in amr for each in wanted.amr)):
            raise ProviderWordError(detail="amr")

    @property
    def _max_age_s(self) -> int:
        return int(self._provider.max_age.total_seconds())

    def _handle(self, claims: Mapping[str, Any]) -> str:
        """Return the handle of the subject by the settings, or the handle in the named claim."""
        claim = self._provider.claim
        found = claims.get("sub" if claim is None else claim)
        if not isinstance(found, str):
            raise ProviderWordError(detail=claim or "sub")
        if claim is not None:
            return found
        if found not in self._provider.subjects:
            if len(found) > _MOST_SUBJECT or not (found.isascii() and found.isprintable()):
                raise ProviderWordError(detail="sub")
            raise UnknownSubjectError(subject=found)
        return self._provider.subjects[found]

    def _claims(self, token: Mapping[str, Any], nonce: str) -> Any:
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import InvalidKeyIdError, JoseError

        provider = self._provider
        try:
            try:
                read = _read(token, self._discovery.keys())
            except InvalidKeyIdError:
                # A provider may sign with a new key before our copy expires.
                read = _read(token, self._discovery.keys(refetch=True))
            options = {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            }
            known = {
                "nonce": nonce, "client_id": provider.client_id, "max_age": self._max_age_s,
                "access_token": token.get("access_token"),
            }  # fmt: skip
            claims = CodeIDToken(read.claims, read.header, options, known)
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderWordError(detail=type(error).__name__) from error
        return claims

    def _token(self, code: str, question: LoginRequest) -> Mapping[str, Any]:
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
        endpoint = self._discovery.endpoint("token_endpoint")
        url, headers, body = auth.prepare("POST", endpoint, form, body)
        with provider_client(self._provider.issuer) as client:
            answer = client.post(url, body.encode(), headers)
        if answer.status in (400, 401):
            # A code that was used or never issued, or wrong client credentials.
            raise ProviderWordError(detail="code")
        return json_of(answer)


def _read(token: Mapping[str, Any], keys: Mapping[str, Any]) -> Any:
    """Return the verified ID token; one of these keys must have signed it."""
    from joserfc import jwt
    from joserfc.jwk import KeySet
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=_SIGNED_WITH, strict_check_header=False)
    known = KeySet.import_key_set(dict(keys))  # type: ignore[arg-type]  # joserfc's own shape of a dict
    return jwt.decode(token["id_token"], known, registry=registry)
