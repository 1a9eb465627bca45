"""Security keys and passkeys (WebAuthn, level 2), which sign for a challenge of one attempt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from incidents.accounts.access_settings import Access
from incidents.errors import LibraryError, RefusedError
from incidents.store.accounts.factors import WEBAUTHN, Factor

ISSUER = "incidents"
"""The name of the program in an authenticator."""


_MALFORMED = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip
"""The errors of reading an answer that no browser gives."""


class WrongFactorError(RefusedError):
    """wrong code, or a code that was used before"""


class NoWebauthnError(LibraryError):
    """security keys need a library that is not installed"""

    extra = "console"


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answers: a `code`, or what a security key signed for a `challenge`.

    `credential`: the browser's answer, as JSON. `asked_at` (UTC): when the challenge was made.
    """

    code: str | None = None
    credential: str | None = None
    challenge: bytes = b""
    asked_at: datetime | None = None


def challenge(secret: str, purpose: str) -> bytes:
    """The challenge of a security key for one attempt, which nobody can know without `secret`."""
    return hmac.new(secret.encode(), f"webauthn {purpose}".encode(), hashlib.sha256).digest()


def registration_options(
    access: Access, handle: str, known: Sequence[Factor], challenge: bytes
) -> str:
    """What a browser needs to add a security key, as JSON."""
    library = _webauthn()
    from webauthn.helpers import structs

    made = library.generate_registration_options(
        rp_id=access.rp_id, rp_name=ISSUER, user_name=handle,
        user_id=hashlib.sha256(f"incidents {handle}".encode()).digest(), challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.DISCOURAGED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(known),
    )  # fmt: skip
    return str(library.options_to_json(made))


def authentication_options(access: Access, known: Sequence[Factor], challenge: bytes) -> str:
    """What a browser needs to ask for a security key, as JSON."""
    library = _webauthn()
    made = library.generate_authentication_options(
        rp_id=access.rp_id, challenge=challenge, allow_credentials=_descriptors(known)
    )
    return str(library.options_to_json(made))


def registered(access: Access, credential: str, challenge: bytes, new: Factor) -> Factor:
    """Return the factor `new` with the key that the browser has made.

    Raises:
        WrongFactorError: if the answer does not belong to the challenge, or to this console.
    """
    library = _webauthn()
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = library.verify_registration_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=access.rp_id,
            expected_origin=_origin(credential, access), require_user_verification=False,
        )  # fmt: skip
    except (WebAuthnException, *_MALFORMED) as error:
        raise WrongFactorError from error
    return new._replace(
        secret=_text(found.credential_public_key), credential=_text(found.credential_id),
        counter=found.sign_count,
    )  # fmt: skip


def signed(of: Factor, answer: Answer, access: Access) -> int | None:
    if of.used_at is not None and answer.asked_at is not None and of.used_at >= answer.asked_at:
        # It has answered this challenge already.
        return None
    library = _webauthn()
    from webauthn.helpers.exceptions import WebAuthnException

    assert answer.credential is not None
    try:
        found = library.verify_authentication_response(
            credential=answer.credential, expected_challenge=answer.challenge,
            expected_rp_id=access.rp_id, expected_origin=_origin(answer.credential, access),
            credential_public_key=_bytes(of.secret),
            credential_current_sign_count=of.counter, require_user_verification=False,
        )  # fmt: skip
    except (WebAuthnException, *_MALFORMED):
        return None
    if _text(found.credential_id) != of.credential:
        return None
    return int(found.new_sign_count)


def work_at(access: Access, host: str | None) -> bool:
    """Whether a browser gives a key to the console at that host: it belongs to one name alone."""
    return host == access.rp_id


def _origin(credential: str, access: Access) -> str:
    """The origin that the browser names, if it is this console's own; otherwise nobody's."""
    data = json.loads(_bytes(json.loads(credential)["response"]["clientDataJSON"]))
    origin = str(data.get("origin", ""))
    found = urlsplit(origin)
    is_own = work_at(access, found.hostname) and (
        found.scheme == "https" or (found.scheme == "http" and access.rp_id == "localhost")
    )
    return origin if is_own else "https://nobody.invalid"


def _descriptors(known: Sequence[Factor]) -> list[Any]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(id=_bytes(each.credential))
        for each in known
        if each.kind == WEBAUTHN and each.credential is not None
    ]


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _webauthn() -> Any:
    try:
        import webauthn
    except ImportError as error:
        raise NoWebauthnError from error
    return webauthn
