"""Letting Xero mail an invoice, at a person's word alone (H40). Nobody gets a mail twice without being asked about it.

What is asked of Xero is kept before it leaves. Where no answer came the same request goes once more, which Xero knows
by its key; then the invoice itself is looked at, and what it doesn't tell stays unknown until a person decides.
"""

import datetime as dt
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.model.records import Document
from xerotui.net.http import BadAnswer, NotSent, Throttle, Unanswered
from xerotui.store import Mail
from xerotui.store.mails import ASKED, SENT, UNKNOWN
from xerotui.sync import pair as pairs
from xerotui.sync.pair import PairData
from xerotui.sync.ports import Ports, refuse_read_only
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import Unsettled
from xerotui.xero.setup import Setup

# As with every write: within this Xero surely knows a key (DESIGN section 5).
KEY_LIFE = dt.timedelta(minutes=5, seconds=30)
MAILED = ("AUTHORISED", "PAID")
REFUSED = 4


def _refused(sentence: str, remedy: str = "") -> SyncError:
    return SyncError(sentence, remedy, code="core.mail_refused", exit_code=REFUSED)


def invoice(data: PairData, record: str) -> Document:
    """The invoice in Xero that would be mailed.

    Raises SyncError where Xero mails none: a draft, one that isn't there, a contact without an address.
    """
    link, source = data.link(Kind.INVOICE, record), data.documents.get((Kind.INVOICE, record))
    held = data.xero_documents[Kind.INVOICE].get(link.xero_id) if link else None
    title = source.number if source else record
    if held is None:
        raise _refused(f"Invoice {title} isn't in {data.organisation.name}", "Sync it first.")
    if held.status not in MAILED:
        raise _refused(f"Invoice {held.number} is {held.status.lower()} in Xero", "Xero mails approved invoices alone.")
    contact = data.contacts.by_id.get(held.party)
    if contact is not None and not contact.email:
        raise _refused(f"{contact.name[:80]} has no e-mail address in Xero", "Give the contact one, then sync it.")
    return held


def already(held: Document, before: Mail | None) -> str:
    """Why a person is asked once more before this goes; "" for no reason."""
    if before is not None and before.state == SENT:
        return f"Invoice {held.number} was mailed from here on {before.at.date().isoformat()} by {before.actor}"
    if before is not None:
        return f"Invoice {held.number} may have been mailed on {before.at.date().isoformat()}; nobody can tell"
    return f"Xero says that invoice {held.number} was sent already" if held.sent else ""


async def mail(ports: Ports, request: str, args: Mapping[str, str], actor: str) -> dict[str, str]:
    """Let Xero mail one invoice to its contact, for the request of that id; `again` where it was mailed before.

    Raises SyncError when Xero refuses, or when nobody can tell whether the mail left.
    """
    tenant = args["tenant"]
    await refuse_read_only(ports, (tenant,))
    data = await pairs.load(ports, args["connection"], tenant)
    held = invoice(data, args["record"])
    async with ports.ledger.read() as tx:
        before = await ports.ledger.mails.get(tx, tenant, held.id)
    retaken = before is not None and before.request == request
    if not retaken and not args.get("again") and (why := already(held, before)):
        raise _refused(why, "To mail it all the same: xerotui mail NUMBER --again.")
    if not retaken or before is None:
        before = Mail(tenant=tenant, xero_id=held.id, request=request, state=ASKED, actor=actor, at=ports.clock.now())
        async with ports.ledger.write() as tx:
            await ports.ledger.mails.put(tx, before)
    # Of one that went before, or of a request taken up again, the invoice's own mark proves nothing.
    proves = not retaken and not await _marked(ports, before, held)
    sent = before.state == SENT or await _send(ports, before, held, proves=proves)
    await _note(ports, before, held, sent=sent)
    if not sent:
        raise SyncError(
            f"Nobody can tell whether Xero mailed invoice {held.number}",
            "Ask the customer, or look at its history in Xero; then decide: xerotui mail NUMBER --again.",
            code="core.mail_unknown",
        )
    return {"number": held.number}


async def _marked(ports: Ports, mail: Mail, held: Document) -> bool:
    """Whether the invoice is marked as sent before anything is asked of Xero."""
    client = await ports.xero(mail.tenant)
    try:
        now = await client.get(Kind.INVOICE, held.id)
    except Exception as error:
        await _forget(ports, mail)
        raise SyncError(f"Xero wasn't reached: {error}", "Try again later.", code="core.unreachable") from None
    return isinstance(now, Document) and now.sent


async def _send(ports: Ports, mail: Mail, held: Document, *, proves: bool) -> bool:
    """Ask Xero, at most twice under one key; whether the mail surely left."""
    client = await ports.xero(mail.tenant)
    key = sha256(f"mail|{mail.tenant}|{mail.request}".encode()).hexdigest()
    for _ in range(2):
        if ports.clock.now() - mail.at >= KEY_LIFE:
            break
        try:
            await Setup(client).email_invoice(held.id, key)
            return True
        except (Unsettled, Unanswered, BadAnswer):
            continue
        except (Throttle, NotSent) as error:
            await _forget(ports, mail)
            raise SyncError(f"Xero wasn't reached: {error}", "Try again later.", code="core.unreachable") from None
        except SyncError:
            await _forget(ports, mail)
            raise
    return proves and await _shows(client, held)


async def _shows(client: TenantClient, held: Document) -> bool:
    """Whether the invoice is marked as sent."""
    try:
        now = await client.get(Kind.INVOICE, held.id)
    except Exception:
        return False
    return isinstance(now, Document) and now.sent


async def _forget(ports: Ports, mail: Mail) -> None:
    async with ports.ledger.write() as tx:
        await ports.ledger.mails.drop(tx, mail.tenant, mail.xero_id)


async def _note(ports: Ports, mail: Mail, held: Document, *, sent: bool) -> None:
    state = SENT if sent else UNKNOWN
    async with ports.ledger.write() as tx:
        await ports.ledger.mails.put(tx, msgspec.structs.replace(mail, state=state))
        detail = {"xero_id": held.id, "tenant": mail.tenant, "state": state}
        await ports.ledger.audit.append(tx, mail.actor, "mailed", held.number, detail, ports.clock.now())


__all__ = ["already", "invoice", "mail"]
