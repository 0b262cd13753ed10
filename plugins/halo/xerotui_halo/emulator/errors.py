"""How Halo says no (halo-api section 6): its error shapes, and nothing else."""

from __future__ import annotations

from starlette.responses import Response

from xerotui.sandbox.service import json_reply


class Refused(Exception):
    """A request that is answered with an error; carries that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def rule(sentence: str) -> Refused:
    """A broken business rule: 400, one sentence as plain text."""
    return Refused(Response(sentence, 400, media_type="text/plain"))


def binding(path: str, message: str, position: int) -> Refused:
    """JSON that doesn't fit the model: 400, keyed by index and property."""
    text = f"{message} Path '{path}', line 1, position {position}."
    return Refused(json_reply({path: [text]}, 400))


def exception(class_name: str, message: str) -> Refused:
    """A .NET exception that leaked: 400 with its class and message."""
    return Refused(
        json_reply(
            {"ClassName": class_name, "Message": message, "Data": None, "InnerException": None, "HResult": -2147024809},
            400,
        )
    )


def not_found() -> Refused:
    """An unknown route or id: 404 without a body."""
    return Refused(Response(status_code=404))


def unauthorised() -> Refused:
    """No token, an old one, or a module that the agent may not see: the same bare 401."""
    return Refused(Response(status_code=401, headers={"WWW-Authenticate": "Bearer"}))


def forbidden() -> Refused:
    """A scope that the token lacks: 403 without a body."""
    return Refused(Response(status_code=403))


def oauth(error: str, description: str, status: int = 400) -> Refused:
    """A refusal of the token endpoint."""
    return Refused(json_reply({"error": error, "error_description": description}, status))
