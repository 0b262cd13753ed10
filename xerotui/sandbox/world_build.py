"""Puts the demo world together from its parts, in an order that makes every seed repeatable."""

from __future__ import annotations

import random
import uuid
from datetime import date, timedelta

from xerotui.sandbox.world_documents import Documents
from xerotui.sandbox.world_psa import Catalogue, People, charge_rates
from xerotui.sandbox.world_regions import ALL_REGIONS, AU, CURRENCIES, TAXES, UK
from xerotui.sandbox.world_trouble import Seeder
from xerotui.sandbox.world_types import Customer, Psa, World
from xerotui.sandbox.world_xero import XeroSide, lock_dates
from xerotui.sandbox.world_xero_types import Tenant

_NAMESPACE = uuid.UUID("6f1c2f0e-51c1-4d5a-9b0e-6f3a6f0f7f10")
_TROUBLED_CUSTOMERS, _INACTIVE = 7, 2


def guid_for(seed: int, *parts: object) -> str:
    """The GUID of a thing in the world of that seed, as lower-case text."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, (seed, *parts)))))


def build_world(seed: int, today: date, scale: float) -> World:
    """Make the whole world; see `world.build`."""
    people = People(seed, today)
    ordinary = max(24, round(60 * scale) - _TROUBLED_CUSTOMERS - _INACTIVE)
    people.ordinary(ordinary, max(6, round(15 * scale)))
    sound = list(people.customers)
    seeder = Seeder(seed, today, lock_dates(today)[0])
    seeder.settings()
    seeder.customers(people)
    for region in (UK, AU):
        people.customer(region, active=False)
    catalogue = Catalogue(seed, today, scale)
    items = catalogue.build(tuple(people.suppliers))
    sites: dict[int, list[int]] = {}
    for site in people.sites:
        sites.setdefault(site.customer, []).append(site.id)
    documents = Documents(seed, catalogue, charge_rates(), sites)
    _invoices(seed, today, max(60, round(400 * scale)), documents, seeder, people, sound)
    _orders(seed, today, max(8, round(50 * scale)), documents, people)
    psa = Psa(
        currencies=CURRENCIES,
        taxes=TAXES,
        item_groups=catalogue.groups,
        items=items,
        charge_rates=(*charge_rates(), seeder.uncoded),
        customers=tuple(people.customers),
        sites=tuple(people.sites),
        suppliers=tuple(people.suppliers),
        invoices=tuple(documents.invoices),
        purchase_orders=tuple(documents.orders),
    )
    return World(seed, today, _tenants(seed, today, people, psa, seeder), psa, tuple(seeder.found))


def _invoices(
    seed: int, today: date, wanted: int, documents: Documents, seeder: Seeder, people: People,
    sound: list[Customer],
) -> None:  # fmt: skip
    """Sound and troubled invoices in order of date, then the ones that are never synced."""
    stream = random.Random(f"{seed}/invoices")
    plan = seeder.schedule({c.id: c for c in people.customers}, sound)
    while len(plan) < wanted:
        plan.append((today - timedelta(days=stream.randint(1, 88)), "", stream.choice(sound)))
    for day, kind, customer in sorted(plan, key=lambda row: row[0]):
        if kind:
            seeder.invoice(documents, day, kind, customer)
        else:
            documents.invoice(customer, day, documents.lines(customer))
    recent = today - timedelta(days=2)
    for n, state in enumerate(("voided", "hidden", "unapproved")):
        documents.invoice(sound[n], recent, documents.lines(sound[n]), state=state)
    for n in range(2):
        documents.invoice(sound[n + 3], recent, documents.lines(sound[n + 3]), kind="template")
    for supplier in people.suppliers[:3]:
        payer = next(c for c in sound if c.tenant == supplier.tenant)
        lines = documents.lines(payer, tax=supplier.purchase_tax)
        documents.invoice(payer, recent, lines, kind="bill", supplier=supplier)


def _orders(seed: int, today: date, wanted: int, documents: Documents, people: People) -> None:
    stream = random.Random(f"{seed}/orders")
    days = sorted(today - timedelta(days=stream.randint(1, 88)) for _ in range(wanted))
    for day in days:
        documents.order(stream.choice(people.suppliers), day)
    documents.order(people.suppliers[0], today - timedelta(days=1), state="unapproved")


def _tenants(seed: int, today: date, people: People, psa: Psa, seeder: Seeder) -> tuple[Tenant, ...]:
    taken = {t.id for t in seeder.found if t.kind == "number_taken"}
    unknown = {t.id for t in seeder.found if t.record == "customer"} - {seeder.archived}

    def guid(*parts: object) -> str:
        return guid_for(seed, *parts)

    found = []
    for region in ALL_REGIONS:
        side = XeroSide(seed, today, region, people.names, guid)
        found.append(
            side.build(
                [c for c in psa.customers if c.tenant == region.key],
                [s for s in psa.suppliers if s.tenant == region.key],
                psa.items,
                seeder.archived,
                next((i for i in psa.invoices if i.id in taken and i.tenant == region.key), None),
                unknown,
            )
        )
    return tuple(found)
