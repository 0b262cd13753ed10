"""Idempotency keys: kept six minutes of world time, errors included (xero-api section 4).

Only the memory of answers may live here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.responses import Response

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import Journal, json_reply
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.errors import VALIDATION, Refused, bad_request

LIFE = 6 * 60
LONGEST = 128


@dataclass
class _Kept:
    fingerprint: str
    tenant: str
    expires: float
    status: int
    headers: dict[str, str]
    body: bytes


class Keys:
    """Answers by app and key."""

    def __init__(self, clock: WorldClock, journal: Journal, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.clock = clock
        self.journal = journal
        self._kept: dict[tuple[str, str], _Kept] = {}

    def replay(self, client_id: str, key: str, tenant: str, method: str, target: str, body: bytes) -> Response | None:
        """Return the stored answer of the same request, or None for a new key.

        Raises Refused with 400 for a key that is too long or was used with another request.
        """
        if len(key) > LONGEST:
            message = f"Idempotency Key must not be more than {LONGEST} characters long"
            raise Refused(bad_request(VALIDATION, message), "idempotency", "key too long")
        if not self.holds(client_id, key):
            return None
        kept = self._kept[client_id, key]
        if kept.fingerprint != _fingerprint(method, target, body):
            message = f"Idempotency Key: {key} is used with a different request"
            bare = self.behaviour.key_conflict == "bare"
            refusal = json_reply({"Message": message}, 400) if bare else bad_request(VALIDATION, message)
            raise Refused(refusal, "idempotency", "key used with another request")
        if kept.tenant != tenant:
            self.journal.violation("idempotency", "one key used for two organisations: the answer is replayed")
        return Response(kept.body, kept.status, kept.headers)

    def holds(self, client_id: str, key: str) -> bool:
        """Tell whether an answer is kept under this key."""
        kept = self._kept.get((client_id, key))
        return kept is not None and kept.expires > self.clock.timestamp()

    def keep(
        self, client_id: str, key: str, tenant: str, method: str, target: str, body: bytes, answer: Response
    ) -> None:
        """Remember the answer to a request for six minutes."""
        now = self.clock.timestamp()
        if len(self._kept) > 10_000:
            self._kept = {k: v for k, v in self._kept.items() if v.expires > now}
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
        self._kept[client_id, key] = _Kept(
            _fingerprint(method, target, body),
            tenant,
            now + LIFE,
            answer.status_code,
            headers,
            bytes(answer.body),
        )


def _fingerprint(method: str, target: str, body: bytes) -> str:
    return hashlib.sha256(f"{method} {target}\n".encode() + body).hexdigest()
