"""The work area of the ledger: operations and the calls that carry them, behind one name."""

from xerotui.store.calls import Calls
from xerotui.store.operations import Operations


class Work(Operations, Calls):
    """The queue: rows, states, calls. Every rule of DESIGN section 5 that is about storing is held here."""
