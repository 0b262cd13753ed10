"""What a connection to Halo needs to know, and how the address that a person types becomes a base URL."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from xerotui.model.settings import Choice, Help, Secret, Title
from xerotui.source.contract import SourceRefused
from xerotui.source.texts import TEXTS

# How Halo's exchange rates are to be read: their direction is documented nowhere.
RATES = ("not sent", "foreign units for one of ours", "our units for one foreign")
CODE_FIELDS = ("auto", *(f"value{n}" for n in range(2, 10)))
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HaloSettings(msgspec.Struct, kw_only=True):
    """The settings of one Halo connection."""

    url: Annotated[str, Title("Address"), Help("Halo's web address, or the word before .halopsa.com.")]
    client_id: Annotated[str, Title("Client ID"), Help("Of the API application made in Halo for XeroTUI.")]
    client_secret: Annotated[str, Title("Client secret"), Secret()]
    calls_per_window: Annotated[
        int,
        Title("Calls in five minutes"),
        Help("How much of Halo's limit XeroTUI may use; Halo allows 300 to 700, depending on its age."),
    ] = 280
    line_text: Annotated[
        str,
        Title("Line description"),
        Help("Which of Halo's texts go into the description of a Xero line."),
        Choice(TEXTS),
    ] = "short and long"
    charge_rate_code_field: Annotated[
        str,
        Title("Charge rate code"),
        Help("The field of a charge rate that holds its accounts code; auto finds it by the codes of the products."),
        Choice(CODE_FIELDS),
    ] = "auto"
    exchange_rates: Annotated[
        str,
        Title("Exchange rates"),
        Help("What Halo's rate of a currency means. Not sent: Xero's rate of the day applies."),
        Choice(RATES),
    ] = "not sent"
    item_details: Annotated[
        str,
        Title("Purchase descriptions"),
        Help("Halo shows them product by product only: one call for each. Without them, Xero's own stay as they are."),
        Choice(("no", "yes")),
    ] = "no"


def base_url(typed: str) -> str:
    """The base URL for what a person typed: a word, a host or an address (halo-api section 1).

    A bare word is a hosted tenant. A host is kept as it is, path and query are dropped. Raises SourceRefused with
    words for what is no address, and for plain http anywhere but on this machine.
    """
    text = typed.strip()
    word = text.rstrip("/").lower()
    if word and word.isascii() and all(c.isalnum() or c == "-" for c in word) and word != "localhost":
        return f"https://{word}.halopsa.com"
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not host or parts.scheme not in ("https", "http") or parts.username is not None:
        raise SourceRefused("The address isn't one: type something like https://acme.halopsa.com.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise SourceRefused("The address must begin with https: the client secret travels over it.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port}" if port else f"{parts.scheme}://{shown}"


def host_of(typed: str) -> str:
    """Host, and port where one is given: what Halo's limits are counted by."""
    return urlsplit(base_url(typed)).netloc
