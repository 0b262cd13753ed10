"""A document as a file to print: one plain page, enough for a client that asks for application/pdf."""

from __future__ import annotations

from xerotui.sandbox.xero.store import Record

PRINTED = {"Invoices": "InvoiceNumber", "CreditNotes": "CreditNoteNumber", "PurchaseOrders": "PurchaseOrderNumber"}


def printed(record: Record, plural: str) -> bytes:
    """Return a PDF of one page that names the document, its date and its total."""
    words = [
        f"{plural.removesuffix('s')} {record.get(PRINTED[plural], '')}",
        f"{record['Date']:%d %B %Y}",
        f"{record['Total']} {record['CurrencyCode']}",
    ]
    shown = " T* ".join(f"({_escaped(line)}) Tj" for line in words)
    content = f"BT /F1 14 Tf 60 780 Td 20 TL {shown} ET".encode("latin-1", "replace")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
