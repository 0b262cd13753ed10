"""What XeroTUI needs of a login, what each permission is for, and what its absence costs. Pure."""

from collections.abc import Iterable

import msgspec

# Granular scopes only: an app made since March 2026 gets no others, and one retired scope spoils the list
# (xero-api section 1.4).
SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.payments.read accounting.contacts"
    " accounting.settings.read"
)
# Retired: an app made before March 2026 may hold them until September 2027, a newer one is refused with them.
RETIRED: dict[str, str] = {
    "accounting.transactions": "accounting.invoices accounting.payments accounting.banktransactions",
    "accounting.transactions.read": "the same with .read",
    "accounting.reports.read": "each report by its name",
}


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One permission that is used: any of `scopes` gives it, `costs` is what doesn't work without it."""

    scopes: tuple[str, ...]
    feature: str
    costs: str
    essential: bool = True


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A need held against what was granted; `by` is the scope that gives it, blank where none does."""

    need: Need
    by: str

    @property
    def missing(self) -> bool:
        """Whether no granted scope gives it."""
        return not self.by


_BROAD, _BROAD_READ = "accounting.transactions", "accounting.transactions.read"
NEEDS: tuple[Need, ...] = (
    Need(
        scopes=("accounting.settings.read", "accounting.settings"),
        feature="Read the organisation, accounts, tax rates, tracking",
        costs="Nothing can be planned.",
    ),
    Need(
        scopes=("accounting.contacts",),
        feature="Read and write contacts",
        costs="Customers and suppliers can't be created or changed.",
    ),
    Need(
        scopes=("accounting.invoices", _BROAD),
        feature="Read and write invoices, credit notes, purchase orders, items",
        costs="Documents and items can't be created or changed.",
    ),
    Need(
        scopes=("accounting.payments.read", "accounting.payments", _BROAD_READ, _BROAD),
        feature="Read payments",
        costs="Payments made in Xero aren't seen.",
        essential=False,
    ),
)
_STAY = Need(
    scopes=("offline_access",),
    feature="Stay signed in",
    costs="The sign-in ends after half an hour, and a person has to sign in again.",
)
_WHO = Need(
    scopes=("openid",),
    feature="Know who signed in",
    costs="The connection doesn't show who consented.",
    essential=False,
)


def held_against(granted: str, *, custom: bool = False) -> tuple[Grant, ...]:
    """Every need with the granted scope that meets it; a custom connection has no person and no refresh token."""
    given = set(granted.split())
    needs = NEEDS if custom else (*NEEDS, _STAY, _WHO)
    return tuple(Grant(need=n, by=next((s for s in n.scopes if s in given), "")) for n in needs)


def missing(granted: str, *, custom: bool = False) -> tuple[Need, ...]:
    """The needs that no granted scope meets."""
    return tuple(grant.need for grant in held_against(granted, custom=custom) if grant.missing)


def retired(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Those of the scopes that Xero has retired, in their order."""
    listed = scopes.split() if isinstance(scopes, str) else scopes
    return tuple(scope for scope in listed if scope in RETIRED)
