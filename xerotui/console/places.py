"""Where a `Place` leads within the console; one that leads nowhere else isn't offered."""

from xerotui.model.kinds import Kind
from xerotui.model.problems import Place
from xerotui.workspace.commands import BY_ID

OUTSIDE = "This is mended outside of XeroTUI."


def area_of(place: Place) -> str:
    """The area that its command belongs to; "" when nobody knows the command."""
    command = BY_ID.get(place.command)
    return "" if command is None else command.where or command.id.removeprefix("go.")


def record_of(place: Place) -> tuple[str, Kind, str, str] | None:
    """The record whose story is meant, as connection, kind, id and tenant; None for any other place."""
    args = place.args
    known = args.get("kind", "") in {kind.value for kind in Kind}
    if area_of(place) == "errors" and args.get("record") and args.get("connection") and known:
        return args["connection"], Kind(args["kind"]), args["record"], args.get("tenant", "")
    return None


def leads(place: Place | None) -> bool:
    """Whether going there brings a person nearer: the list of errors itself mends nothing."""
    return place is not None and (area_of(place) not in ("", "errors") or record_of(place) is not None)
