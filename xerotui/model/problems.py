"""Problems: a stable code, whose fault it is, a sentence, a remedy, and the place where it is mended."""

import datetime as dt

import msgspec

from xerotui.model.kinds import Kind


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a cause is mended: an id of the command registry with its arguments."""

    command: str
    args: dict[str, str] = {}


class RecordRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source record, by connection, kind and id; number or name for people; tenant where it belongs to one."""

    connection: str
    kind: Kind
    id: str
    title: str = ""
    tenant: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one record can't go, or what is odd about one that went.

    `subject` is the thing at fault (`tax:9`, `customer:214`): code and subject together are the *cause* that
    Errors groups by and a fix releases. Sentence and remedy are rendered when the problem is recorded.
    """

    code: str
    subject: str
    record: RecordRef
    sentence: str
    remedy: str = ""
    place: Place | None = None
    blocks: bool = True
    # What the other system said, kept to the letter.
    said: str = ""
    correlation: str = ""
    at: dt.datetime | None = None

    @property
    def cause(self) -> tuple[str, str]:
        """What a fix mends."""
        return (self.code, self.subject)


class Explanation(msgspec.Struct, frozen=True):
    """Words for a problem code."""

    title: str
    remedy: str


# The core's own codes. Each is used somewhere in `sync`; a test holds the two together.
CORE: dict[str, Explanation] = {
    "core.tax_unmapped": Explanation(
        "Tax rate without a Xero tax rate",
        "Map the rate on Tax mapping; everything that waits for it goes on.",
    ),
    "core.tax_account_conflict": Explanation(
        "Tax rate that Xero doesn't allow on the account", "Map the rate, or the account, to another one."
    ),
    "core.tax_gone": Explanation(
        "Mapped tax rate no longer active in Xero", "Map the rate to an active one on Tax mapping."
    ),
    "core.customer_missing": Explanation(
        "Customer unknown at the source", "Check the customer of this document in the source."
    ),
    "core.account_number_missing": Explanation(
        "Customer without an account number",
        "Give the customer an account number in the source, or leave it blank on purpose: then it isn't synced.",
    ),
    "core.tenant_missing": Explanation(
        "Record without a Xero tenant",
        "Choose the tenant of the record in the source, or set a default tenant.",
    ),
    "core.contact_archived": Explanation(
        "Contact archived in Xero", "Restore the contact in Xero (its API can't), or link another contact."
    ),
    "core.contact_ambiguous": Explanation(
        "Several Xero contacts fit", "Open Imports and choose the contact that is meant."
    ),
    "core.contact_near": Explanation(
        "New contact that Xero may have already",
        "Look at both. Is it the same, link them (xerotui import link) before the plan runs: Xero's API can't merge.",
    ),
    "core.contact_contradicts": Explanation(
        "Name and account number point to different Xero contacts",
        "Open Imports and choose the contact that is meant.",
    ),
    "core.name_refused": Explanation(
        "Name that Xero refuses",
        "Shorten or clean the name in the source: 255 characters, no < or >, no control characters.",
    ),
    "core.name_taken": Explanation(
        "Name already used by another Xero contact",
        "Rename one of the two, or link this record to that contact on Imports.",
    ),
    "core.item_unmapped": Explanation(
        "Item code not in Xero",
        "Create or import the item, correct the code on the line, or set a default item.",
    ),
    "core.item_incomplete": Explanation(
        "Item that can't be synced as it is",
        "Complete the item in the source: code, and account on each side it is traded on.",
    ),
    "core.account_missing": Explanation(
        "Line without an account", "Set the account on the item or the line, or set a default account."
    ),
    "core.account_unknown": Explanation(
        "Account that this organisation doesn't have",
        "Map the account, correct its code in the source, or create it in Xero.",
    ),
    "core.account_archived": Explanation(
        "Account archived in Xero", "Restore the account in Xero, or map it to another one."
    ),
    "core.contact_refused": Explanation(
        "Contact details that Xero refuses", "Correct the address named here, or the contact's status, in the source."
    ),
    "core.status_refused": Explanation(
        "Status that Xero refuses for a new document",
        "Choose another status for new documents in the pair's policy on Tenants.",
    ),
    "core.lines_missing": Explanation(
        "Document without lines", "Add a line to the document in the source, or send it as a draft."
    ),
    "core.discount_refused": Explanation(
        "Discount that Xero refuses", "Correct the discount in the source: percent, at most 100."
    ),
    "core.rate_missing": Explanation(
        "Day without an exchange rate", "Give the rate in the source, or enter it in Xero."
    ),
    "core.payment_refused": Explanation(
        "Payment that Xero refuses", "Compare what is due on both sides, and the account of the payment."
    ),
    "core.plan_limit": Explanation(
        "Limit of the organisation in Xero", "Stay below the limit named here, or change the plan in Xero."
    ),
    "core.permission": Explanation(
        "User whose role in Xero forbids it", "Connect again as a user whose role in this organisation may do this."
    ),
    "core.id_refused": Explanation("Id that Xero can't read", "Link the record again on Imports."),
    "core.number_missing": Explanation("Document without a number", "Finish the document in the source."),
    "core.number_taken": Explanation(
        "Number already used in Xero", "Renumber one of the two; nothing in Xero is overwritten."
    ),
    "core.already_posted": Explanation(
        "Said to be in Xero already",
        "Compare both sides on the record; clear the Xero id at the source if it is wrong, or link the document.",
    ),
    "core.looks_alike": Explanation(
        "Like a document that Xero has",
        "Compare the two. Is it the same document, give it that number at the source; else nothing needs to be done.",
    ),
    "core.repeating_in_xero": Explanation(
        "Customer whom Xero bills by itself as well",
        "End the repeating invoice in Xero, or stop billing the same thing from the source; nothing is changed here.",
    ),
    "core.duplicate_code": Explanation(
        "Two source items of one code", "Give one of the two another code at the source, or make it inactive."
    ),
    "core.list_incomplete": Explanation(
        "List that came incomplete",
        "It is read again with the next refresh; where it stays so, look at the source for records that its own lists "
        "leave out.",
    ),
    "core.unreadable": Explanation(
        "Record that can't be read", "Look at the record in its own system; it is left alone until it can be read."
    ),
    "core.date_missing": Explanation("Document without a date", "Set the date in the source."),
    "core.period_locked": Explanation(
        "Date in a locked period",
        "Move the lock date in Xero, date the document after it, or choose another date for it: xerotui set NUMBER "
        "--date DATE.",
    ),
    "core.tracking_unmapped": Explanation(
        "Tracking without a place in Xero",
        "Map the placeholder to a category, or to nothing; or create the option in Xero and read it again.",
    ),
    "core.total_mismatch": Explanation(
        "Totals differ from what Xero will compute",
        "Correct the amounts in the source; nothing is posted that is off by a penny.",
    ),
    "core.zero_total": Explanation("Document over nothing", "Nothing to do: documents of zero are listed, not sent."),
    "core.currency_missing": Explanation(
        "Currency that the organisation doesn't have",
        "Add the currency in Xero; XeroTUI never adds one unasked.",
    ),
    "core.unfinished": Explanation("Not finished at the source", "Finish the document in the source."),
    "core.before_start": Explanation(
        "Before the start date", "Nothing to do; an earlier start date in the pair's settings lets it in."
    ),
    "core.not_ready": Explanation(
        "Not ready yet", "Nothing to do but wait, or to complete it at the source; the next plan takes it."
    ),
    "core.switched_off": Explanation(
        "Switched off", "Nothing to do; the pair's settings on Tenants switch its kind on again."
    ),
    "core.kind_off": Explanation(
        "Needs a record of a kind that is switched off",
        "Switch the kind on in the pair's settings on Tenants, or link the record on Imports.",
    ),
    "core.excluded": Explanation("Excluded at the source", "Nothing to do while the source says that it isn't synced."),
    "core.duplicate_number": Explanation(
        "Two source documents of one number", "Renumber one of the two in the source."
    ),
    "core.conflict": Explanation(
        "Changed in Xero since it was sent",
        "Compare both sides on the record and make them agree; a contact or item may be linked again on Imports, "
        "which keeps what Xero has.",
    ),
    "core.locked_document": Explanation(
        "Paid or closed in Xero", "Needs a credit note: the changed fields can't be edited in Xero any more."
    ),
    "core.needs_credit_note": Explanation(
        "Change that only a credit note can make",
        "Credit the document at the source and bill the difference anew, or take the change back there; it is never "
        "tried again as it is.",
    ),
    "core.credit_unallocated": Explanation(
        "Credit that isn't laid on an invoice",
        "Authorise both documents, then plan again; or lay the rest on another invoice in Xero.",
    ),
    "core.allocation_refused": Explanation(
        "Credit that Xero didn't lay on the invoice",
        "Compare what is due and what is left of the credit on both documents, then plan again.",
    ),
    "core.removal_refused": Explanation(
        "Gone at the source, and can't be removed in Xero",
        "Take its payments and credits back in Xero, or credit what is left of it; then plan again.",
    ),
    "core.ceiling": Explanation(
        "Automatic plan over a ceiling",
        "Look at the plan and approve it, or raise the ceiling in the pair's settings.",
    ),
    "core.archive_refused": Explanation(
        "Inactive at the source, and can't be archived in Xero",
        "Settle what is named here; the contact is archived with a later plan.",
    ),
    "core.inactive": Explanation(
        "Inactive at the source, active in Xero",
        "Nothing to do; to archive such contacts, switch it on in the pair's settings.",
    ),
    "core.native_sync": Explanation(
        "The source syncs with Xero by itself",
        "Switch its own sync off at the source and read it again: two writers make duplicates.",
    ),
    "core.came_back": Explanation(
        "Back at the source after its removal in Xero",
        "Make it anew at the source, under another number: what was removed in Xero never comes back.",
    ),
    "core.override_stale": Explanation(
        "Choice for a line that is gone",
        "Choose anew for the line that is meant, or take the choice back: xerotui set NUMBER --clear.",
    ),
    "core.override_refused": Explanation(
        "Choice that Xero has no place for",
        "Choose another value, or take the choice back: xerotui set NUMBER --clear.",
    ),
    "core.dependency": Explanation(
        "Waits for a record that was refused", "Mend that record first; this one follows by itself."
    ),
    "core.rejected": Explanation("Refused by the other system", "Read what it said, correct the record, then retry."),
    "core.warning": Explanation("Saved with a warning", "Check the document in Xero."),
    "core.mismatch_after": Explanation(
        "What Xero stored differs from the plan", "Compare both sides on the record and correct one of them."
    ),
    "core.parked": Explanation("Set aside after repeated failures", "Read what was said, then retry by hand."),
    "core.attach_failed": Explanation(
        "Link not written back to the source", "The document is in Xero; retry to write the link back."
    ),
    "core.hand_over_failed": Explanation(
        "Record not handed over to the source's importer",
        "Read what the source said of its folder, mend it there, then retry.",
    ),
    "core.settle_failed": Explanation(
        "Payment not written to the source", "Read what the source said, mend it there, then retry."
    ),
    "core.void_failed": Explanation(
        "Document not voided at the source", "Read what the source said; void it there by hand, or retry."
    ),
    "core.plugin_failed": Explanation(
        "A plugin failed on this record", "Open Plugins for the reason; update or remove the plugin."
    ),
    "core.mapping_renamed": Explanation(
        "Renamed in Xero under a mapping",
        "Nothing is stopped: look whether it still is what was meant, and map it again.",
    ),
    "core.mapping_changed": Explanation(
        "Changed in Xero under a mapping", "Map the value to another one on Tax mapping; what waits goes on."
    ),
    "core.mapping_gone": Explanation(
        "Archived or deleted in Xero under a mapping",
        "Map the value to another one, or restore it in Xero and read it again.",
    ),
    "core.mapping_missing": Explanation("Value without a mapping", "Map the value on the screen named here."),
    "core.import_ambiguous": Explanation(
        "Several source records fit", "Open Imports and choose the record that is meant."
    ),
}


class SyncError(Exception):
    """Something that a person must read: a sentence and a remedy, never a traceback.

    `code` is the stable problem code; `exit_code` what a command ends with.
    """

    def __init__(self, sentence: str, remedy: str = "", *, code: str = "core.error", exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        self.code = code
        self.exit_code = exit_code
