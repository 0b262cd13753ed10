"""Signed tokens as Xero's identity service makes them: RS256, with the public key where clients look for it.

Only the form of a token; its claims are decided in `auth`. The key lives as long as the process.
"""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_KEY_ID = "xerotui-sandbox"


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def b64(data: bytes) -> str:
    """Return bytes in base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(claims: dict[str, Any]) -> str:
    """Return a signed token with these claims."""
    head = b64(json.dumps({"alg": "RS256", "kid": _KEY_ID, "typ": "JWT"}).encode())
    body = b64(json.dumps(claims).encode())
    sign = _key().sign(f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{head}.{body}.{b64(sign)}"


def key_set() -> dict[str, Any]:
    """Return the public key as a JSON web key set."""
    numbers = _key().public_key().public_numbers()

    def octets(number: int) -> str:
        return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))

    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID, "n": octets(numbers.n), "e": octets(numbers.e)}
    return {"keys": [key]}
