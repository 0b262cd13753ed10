"""The shapes in which Xero refuses (xero-api section 7).

Only answers may live here; what is wrong is decided elsewhere.
"""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.service import json_reply

ZERO_GUID = "00000000-0000-0000-0000-000000000000"

VALIDATION = ("ValidationException", 10)
NO_DATA = ("NoDataProcessedException", 17)
POST_DATA = "PostDataInvalidException"


class Refused(Exception):
    """The whole request is refused with ``response``; nothing of it was done."""

    def __init__(self, response: Response, violation: str = "", detail: str = "") -> None:
        super().__init__(violation)
        self.response = response
        self.violation = violation
        self.detail = detail


def bad_request(kind: tuple[str, int], message: str, elements: list[dict[str, Any]] | None = None) -> Response:
    """Return shape A: 400 with a type, a number, a message and perhaps the refused elements."""
    body: dict[str, Any] = {"ErrorNumber": kind[1], "Type": kind[0], "Message": message}
    if elements is not None:
        body["Elements"] = elements
    return json_reply(body, 400)


def invalid(messages: list[str]) -> Response:
    """Return shape A for a request that is not about a list of elements."""
    wrong = [{"ValidationErrors": [{"Message": text} for text in messages]}]
    return bad_request(VALIDATION, "A validation exception occurred", wrong)


def no_data(singular: str) -> Response:
    """Return the refusal of a body in which nothing was found to work on."""
    return bad_request(
        NO_DATA,
        "No data has been processed for this endpoint. This endpoint is expecting "
        f"{singular} data to be specified in the request body.",
    )


def unauthorized(detail: str, status: int = 401, headers: dict[str, str] | None = None) -> Response:
    """Return shape B: 401 or 403 with a title and a detail."""
    body: dict[str, Any] = {
        "Type": None,
        "Title": "Unauthorized" if status == 401 else "Forbidden",
        "Status": status,
        "Detail": detail,
        "Instance": str(uuid.uuid4()),
    }
    if status == 403:
        body["Extensions"] = {}
    return json_reply(body, status, headers)


def not_found() -> Response:
    """Return Xero's 404, which is HTML whatever was asked for."""
    return Response("The resource you're looking for cannot be found", 404, media_type="text/html")


def not_implemented() -> Response:
    """Return the answer to a verb that an endpoint doesn't offer."""
    return Response("The Api Method called is not implemented", 501, media_type="text/plain")
