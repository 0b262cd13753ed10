"""What the store refuses. Nothing heavy may be imported here: everyone catches these."""

from xerotui.model.problems import SyncError


class Fenced(Exception):
    """Somebody else holds the lane or lease now: stop, write nothing."""


class IllegalMove(Exception):
    """A state was asked for that may not follow the present one: DESIGN section 5."""


class DuplicateWork(SyncError):
    """There already is a live operation of that verb on that record."""


class LinkTaken(SyncError):
    """The Xero record already carries a link of another source record of this connection."""


class BookMoved(SyncError):
    """The book was saved by somebody else between reading and writing it."""
