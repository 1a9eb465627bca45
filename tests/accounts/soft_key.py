"""A security key in software, as a browser passes on what it signs (WebAuthn, level 2)."""

from __future__ import annotations

import base64
import hashlib
import json
import struct

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _ATTESTED = 0x01, 0x40


def text(octets: bytes) -> str:
    """The bytes as in the documents of a browser."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


class SoftKey:
    """A key with one credential, for a console at `origin`."""

    def __init__(self, origin: str = "http://localhost:7390", rp_id: str = "localhost") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.id = hashlib.sha256(origin.encode()).digest()[:16]
        self.count, self.counts = 0, True
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, challenge: bytes) -> str:
        """The answer to `navigator.credentials.create`."""
        numbers = self._key.public_key().public_numbers()
        public = {
            1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }  # fmt: skip
        named = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(public)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(_PRESENT | _ATTESTED) + named}
        return self._answer(
            self._client("webauthn.create", challenge), attestationObject=text(cbor2.dumps(made))
        )

    def get(self, challenge: bytes) -> str:
        """The answer to `navigator.credentials.get`."""
        # A passkey that several devices share counts nothing.
        self.count += self.counts
        client, data = self._client("webauthn.get", challenge), self._data(_PRESENT)
        signed = data + hashlib.sha256(client).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(client, authenticatorData=text(data), signature=text(signature))

    def _client(self, kind: str, challenge: bytes) -> bytes:
        said = {"type": kind, "challenge": text(challenge), "origin": self.origin}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        own = hashlib.sha256(self.rp_id.encode()).digest()
        return own + bytes([flags]) + struct.pack(">I", self.count)

    def _answer(self, client: bytes, **more: str) -> str:
        response = {"clientDataJSON": text(client), **more}
        return json.dumps(
            {"id": text(self.id), "rawId": text(self.id), "type": "public-key",
             "response": response, "clientExtensionResults": {}}
        )  # fmt: skip
