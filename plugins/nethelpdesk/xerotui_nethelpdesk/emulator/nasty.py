"""What real databases hold and nobody expects (nethelpdesk section 12), beside the demo world and with small ids.

They belong to the first organisation of the world. But for `TROUBLE` none of them is trouble: what can be posted goes
through, to the penny, and the rest isn't meant for Xero.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from xerotui.sandbox.world import World
from xerotui_nethelpdesk.emulator.ddl import NO_DATE
from xerotui_nethelpdesk.emulator.seed import FIRST_LEVEL, Row, Seed, midnight, stamp

OWN, CLIENT, TWIN, SITE, MAKER = 1, 21, 22, 121, 2
# Carriage is no item of the help desk's: the order waits until somebody says which item stands for what has none.
TROUBLE = ({"code": "core.item_unmapped", "kind": "purchase_order", "id": "1", "mended": False},)


def rows(world: World, seed: Seed) -> Iterator[tuple[str, Row]]:
    """The rows, with the names of their tables."""
    tenant = world.tenants[0]
    day = world.today - timedelta(days=5)
    touched = stamp(datetime.combine(day, time(9)))
    level = {"Atreeid": FIRST_LEVEL, "ALastUpdate": touched}
    yield "AREA", {"Aarea": OWN, "aareadesc": "Internal (do not bill)", **level}
    # No rule for due dates, no e-mail, every switch NULL; the tax is the item's.
    named = {"aareadesc": "Twin Peaks Hire Ltd", "aaccountsid": "TWI0021", "ASLAtaxcode": -2}
    yield "AREA", {"Aarea": CLIENT, **named, "AXeroTenantId": tenant.tenant_id, **level}
    other = {"aareadesc": "TWIN\u00a0Peaks  hire Ltd", "aaccountsid": "", "AIsInactive": 1}
    yield "AREA", {"Aarea": TWIN, **other, "AXeroTenantId": tenant.tenant_id, **level}
    yield "SITE", {"Ssitenum": SITE, "sdesc": "Yard ", "Sarea": float(CLIENT)}
    if seed.late:
        made = {"cdesc": "Maker of things", "cissupplier": 0, "clast_modified": touched}
        yield "COMPANY", {"Cnum": MAKER, **made, "CXeroTenantId": tenant.tenant_id}
    header = {"IHaarea": CLIENT, "IHsitenumber": SITE, "IHInvoice_Date": midnight(day), "IHLast_Modified": touched,
              "IHCurrency": seed.symbols[world.psa.customers[0].currency], "IHDue_Date": NO_DATE,
              "IHcurrencycode": world.psa.customers[0].currency, "IHPaymentStatus": -1}  # fmt: skip
    yield from _invoices(world, seed, header)
    yield from _orders(world, seed, day, touched)


def _invoices(world: World, seed: Seed, header: Row) -> Iterator[tuple[str, Row]]:
    item = next(i for i in world.psa.items if i.tenant == world.tenants[0].key and not i.parent)
    sold = {"ID_ItemID": item.id, "IDItem_Code": item.code, "IDTax_Code": seed.codes[item.sales_tax],
            "IDTax_Rate": float(seed.taxes[item.sales_tax].rate), "IDItem_ShortDescription": item.name}  # fmt: skip
    # Arithmetic of floats, three decimals, and more digits than cents are.
    yield "INVOICEHEADER", {**header, "IHid": 1, "IHInvoiceNumber": "1"}
    yield "INVOICEDETAIL", {"IDid": 1, "IdIHid": 1, **sold, "IDQty_Order": 0.1 + 0.2, "IDUnit_Price": 19.995,
                            "IDNet_Amount": 0.3 * 19.995, "IDTax_Amount": 0.4 + 0.8, "idsequenceid": 1}  # fmt: skip
    yield "INVOICEHEADER", {**header, "IHid": 2, "IHInvoiceNumber": "2", "IHDue_Date": None}
    yield "INVOICEDETAIL", {"IDid": 2, "IdIHid": 2, **sold, "IDQty_Order": 1.0, "IDUnit_Price": 1234567.885,
                            "IDNet_Amount": 1234567.885, "IDTax_Amount": 246913.58, "idsequenceid": 1}  # fmt: skip
    # Posted by somebody else already; and one that nobody has filled in yet.
    yield "INVOICEHEADER", {**header, "IHid": 3, "IHInvoiceNumber": "3", "IHPosted": 1,
                            "IHDatePosted": header["IHInvoice_Date"]}  # fmt: skip
    yield "INVOICEDETAIL", {"IDid": 3, "IdIHid": 3, **sold, "IDQty_Order": 1.0, "IDUnit_Price": 10.0,
                            "IDNet_Amount": 10.0, "IDTax_Amount": 2.0}  # fmt: skip
    yield "INVOICEHEADER", {**header, "IHid": 4, "IHInvoiceNumber": None}
    # Lines that lie in another order than they read, a heading, blanks, letters of other code pages; the rate column
    # holds the id of the tax and the code nothing, as one third party has it.
    yield "INVOICEHEADER", {**header, "IHid": 5, "IHInvoiceNumber": "5", "IHReference": "Größe – “as agreed”   "}
    yield "INVOICEDETAIL", {"IDid": 6, "IdIHid": 5, "idsequenceid": 1, "IDisGroupDesc": 1, "IDQty_Order": 0.0,
                            "IDUnit_Price": 0.0, "IDNet_Amount": 0.0, "IDTax_Amount": 0.0,
                            "IDItem_ShortDescription": "Works in the yard   "}  # fmt: skip
    by_id = {"IDTax_Code": "", "IDTax_Rate": float(item.sales_tax)} if seed.has("Tax", "TaxID") else {}
    yield "INVOICEDETAIL", {"IDid": 7, "IdIHid": 5, "idsequenceid": 2, **sold, **by_id, "IDQty_Order": 4.0,
                            "IDUnit_Price": 25.0, "IDNet_Amount": 100.0, "IDTax_Amount": 20.0}  # fmt: skip
    # A line of an invoice that is no more.
    yield "INVOICEDETAIL", {"IDid": 8, "IdIHid": 8888, **sold, "IDQty_Order": 1.0, "IDUnit_Price": 5.0,
                            "IDNet_Amount": 5.0, "IDTax_Amount": 1.0}  # fmt: skip


def _orders(world: World, seed: Seed, day: object, touched: str) -> Iterator[tuple[str, Row]]:
    first = world.tenants[0].key
    supplier = next(s for s in world.psa.suppliers if s.tenant == first)
    item = next(i for i in world.psa.items if i.tenant == first and not i.parent)
    zero = next(t for t in world.psa.taxes if t.tenant == first and t.purchases and not t.rate)
    header = {"SHSupplierID": supplier.id, "SHPODate": midnight(day), "SHEstDelDate": NO_DATE,  # type: ignore[arg-type]
              "SHCurrency": seed.symbols[supplier.currency], "shcurrencycode": supplier.currency,
              "shlastupdatetime": touched}  # fmt: skip
    line = {"SDItemid": item.id, "SDDesc": item.name, "SDProductCode": item.code, "SDItemCode": item.code,
            "SDquantity": 2.0, "SDPrice": 50.0, "SDTax": 0.0, "SDTaxCode": zero.id, "SDsortseq": 1}  # fmt: skip
    yield "SUPPLIERORDERHEADER", {**header, "SHid": 1, "SHPORef": "PO1", "SHApprovalStatus": 2,
                                  "SHCarriageDesc": "Pallet", "SHCarriagePrice": 12.5}  # fmt: skip
    yield "SUPPLIERORDERDETAIL", {**line, "SDid": 1, "SDSHid": 1}
    if seed.has("SUPPLIERORDERHEADER", "SHApprovalStatus"):
        yield "SUPPLIERORDERHEADER", {**header, "SHid": 2, "SHPORef": "PO2", "SHApprovalStatus": 1}
        yield "SUPPLIERORDERDETAIL", {**line, "SDid": 2, "SDSHid": 2}
