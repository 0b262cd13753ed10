"""What a row of the catalogue of Xero's messages is, and the places where one is mended."""

import msgspec

from xerotui.model.problems import Place

# Where a person goes. Who records the problem adds the organisation, the connection, the kind and the record.
MAP = Place("go.mapping", {"spec": "tax"})
IMPORTS = Place("go.imports")
ITEMS = Place("go.imports", {"kind": "item"})
TENANT = Place("go.tenants")
QUEUE = Place("queue.open")
STORY = Place("go.errors")


class Message(msgspec.Struct, frozen=True):
    """One row of the catalogue. In `says` `<x>` and `<y>` stand for values, ` | ` for another wording."""

    says: str
    code: str
    cause: str
    remedy: str
    place: Place = QUEUE
    # The thing at fault, with `{x}` for the value; blank = the record itself.
    subject: str = ""
