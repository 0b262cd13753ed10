"""Xero's validation messages, one row each: problem code, cause, remedy and the place to mend it.

Rows only (xero-api section 7.1); `messages` finds the one that is meant.
"""

import msgspec

from xerotui.model.problems import Place

# Where a person goes. Who records the problem adds the organisation, the connection, the kind and the record.
_MAP = Place("go.mapping", {"spec": "tax"})
_IMPORTS = Place("go.imports")
_ITEMS = Place("go.imports", {"kind": "item"})
_TENANT = Place("go.tenants")
QUEUE = Place("queue.open")
_STORY = Place("go.errors")


class Message(msgspec.Struct, frozen=True):
    """One row of the catalogue. In `says` `<x>` and `<y>` stand for values, ` | ` for another wording."""

    says: str
    code: str
    cause: str
    remedy: str
    place: Place = QUEUE
    # The thing at fault, with `{x}` for the value; blank = the record itself.
    subject: str = ""


_M = Message
CATALOGUE: tuple[Message, ...] = (
    # Contacts.
    _M(
        "The contact name <x> is already assigned to another contact",
        "core.name_taken",
        "Another active contact has this name.",
        "Link this record to the contact that has the name (Imports), or rename one of the two.",
        _IMPORTS,
        "name:{x}",
    ),
    _M(
        "The contact number <x> is already assigned to another contact | Another contact has this contact number",
        "core.number_taken",
        "Another contact, perhaps an archived one, carries this contact number.",
        "Link this record to that contact on Imports.",
        _IMPORTS,
        "contact_number:{x}",
    ),
    _M(
        "The Account Number already exists",
        "core.number_taken",
        "Another contact, perhaps an archived one, has this account number.",
        "Link this record to that contact on Imports, or change one of the two.",
        _IMPORTS,
    ),
    _M(
        "The contact with the specified contact details has been archived",
        "core.contact_archived",
        "The document is for a contact that is archived in Xero.",
        "Restore the contact in Xero's own pages (the API can't), or link another contact.",
        _IMPORTS,
    ),
    _M(
        "The specified contact details matched an archived contact",
        "core.contact_archived",
        "The change means a contact that is archived in Xero.",
        "Restore the contact in Xero's own pages (the API can't), or link another contact.",
        _IMPORTS,
    ),
    _M(
        "Unable to assign an Archived contact",
        "core.contact_archived",
        "An archived contact can't join a contact group.",
        "Restore the contact in Xero's own pages, or leave it out of the group.",
        _IMPORTS,
    ),
    _M(
        "The status <x> is not valid for contacts",
        "core.contact_refused",
        "A contact can't be made in this status.",
        "Create the contact first, then archive it.",
    ),
    _M(
        "Contact Name cannot be empty",
        "core.name_refused",
        "The contact has no name, or its number means no contact.",
        "Give the customer a name in the source.",
        _STORY,
    ),
    _M(
        "Contact Name <y> | Name must not be <y> | The name <y> cannot | The name <y> must not",
        "core.name_refused",
        "Xero takes names of at most 255 characters without < and >, control characters and stray blanks.",
        "Shorten or clean the name in the source: 255 characters, no < or >, no control characters.",
        _STORY,
    ),
    _M(
        "The Contact must contain at least 1 | A Contact must be specified for this type of transaction",
        "core.customer_missing",
        "The document names no contact.",
        "Sync or link the customer of this document first.",
        _IMPORTS,
    ),
    _M(
        "Email address must be valid",
        "core.contact_refused",
        "The e-mail address isn't one that Xero takes; letters with accents are refused.",
        "Correct the e-mail address in the source.",
        _STORY,
    ),
    _M(
        "Website must be valid",
        "core.contact_refused",
        "The web address isn't a whole address with http or https.",
        "Correct the web address in the source.",
        _STORY,
    ),
    _M(
        "You've reached the limit of <x> contact groups",
        "core.plan_limit",
        "An organisation has at most a hundred contact groups.",
        "Delete a contact group in Xero, then retry.",
        _TENANT,
        "groups",
    ),
    # Numbers and statuses of documents.
    _M(
        "Invoice # must be unique | Credit note number must be unique | Credit note # must be unique",
        "core.number_taken",
        "Another document of the organisation has this number.",
        "Adopt it if it is the same document, else renumber one of the two.",
        _STORY,
    ),
    _M(
        "Order number must be unique",
        "core.number_taken",
        "Another purchase order has this number.",
        "Adopt it if it is the same order, else renumber one of the two.",
        _STORY,
    ),
    _M(
        "PurchaseOrder status change is invalid | Deleted PurchaseOrders cannot be updated",
        "core.number_taken",
        "The order was deleted in Xero, or can't go from its status to this one.",
        "Give this order a new number in the source; a deleted one stays deleted.",
        _STORY,
    ),
    _M(
        "Invoice not of valid status for creation | Invoice not of valid type for creation | "
        "CreditNote not of valid <y> for creation | PurchaseOrder not of valid <y> for creation",
        "core.status_refused",
        "A new document can only be a draft, submitted or authorised, and of a type that Xero has.",
        "Choose another status for new documents in the pair's policy on Tenants.",
        _TENANT,
    ),
    _M(
        "Invoice not of valid status for modification | Credit note not of valid status for modification | "
        "CreditNote not of valid status for modification | PurchaseOrder not of valid status for modification",
        "core.locked_document",
        "The document is paid, voided or deleted in Xero, or can't go to this status.",
        "Correct it in Xero, or with a credit note.",
        _STORY,
    ),
    _M(
        "This document cannot be edited as it has a payment or credit note",
        "core.locked_document",
        "Something is paid or credited on it, so its amounts are fixed.",
        "Remove the payment or credit note in Xero first, or correct it with a credit note.",
        _STORY,
    ),
    _M(
        "The status VOIDED cannot be applied",
        "core.locked_document",
        "Something is paid or credited on the document that was to be voided.",
        "Remove payments and credit notes from the document in Xero, then void it again.",
        _STORY,
    ),
    _M(
        "One or more line items must be specified",
        "core.lines_missing",
        "A submitted or authorised document needs a line.",
        "Add a line to the document in the source, or send it as a draft.",
        _STORY,
    ),
    _M(
        "Could not find line item(s)",
        "core.conflict",
        "The lines were changed in Xero since they were read.",
        "Read both sides again, then plan again.",
        _STORY,
    ),
    _M(
        "An existing Credit Note with the specified <y> could not be found | The document with the supplied id was not "
        "found",
        "core.conflict",
        "Xero doesn't have the document under this id, or keeps no such thing with it.",
        "Read both sides again, then plan again.",
        _STORY,
    ),
    # Money.
    _M(
        "The invoice total does not equal | The document total does not equal | The creditnote total does not equal | "
        "The purchaseorder total does not equal",
        "core.total_mismatch",
        "Totals were sent that Xero computes otherwise.",
        "Correct quantities, prices or tax of the document in the source.",
        _STORY,
    ),
    _M(
        "The tax amount cannot be greater than the line amount",
        "core.total_mismatch",
        "A line's tax is more than the line itself.",
        "Correct the tax of the line in the source.",
        _STORY,
    ),
    _M(
        "The discount rate <x> is invalid",
        "core.discount_refused",
        "The discount is above a hundred percent, or an amount stands where a percentage belongs.",
        "Correct the discount in the source: percent, at most 100.",
        _STORY,
    ),
    _M(
        "Organisation is not subscribed to currency <x> | Users Organisation is not subscribed to currency <x>",
        "core.currency_missing",
        "The organisation doesn't have the currency, or its plan knows only its own.",
        "Add the currency in Xero; XeroTUI never adds one unasked.",
        _TENANT,
        "currency:{x}",
    ),
    _M(
        "A currency rate must be specified",
        "core.rate_missing",
        "Xero has no exchange rate for that day.",
        "Give the rate in the source, or enter it in Xero.",
        _STORY,
    ),
    _M(
        "Payment amount exceeds the amount outstanding",
        "core.payment_refused",
        "The payment is more than what is still due.",
        "Compare the amounts on both sides; pay at most what is due.",
        _STORY,
    ),
    _M(
        "Payments can only be made against authorised documents",
        "core.payment_refused",
        "The document is a draft, paid already, or voided.",
        "Approve the document in Xero first.",
        _STORY,
    ),
    _M(
        "Account could not be found",
        "core.payment_refused",
        "The account of the payment isn't a bank account and doesn't take payments.",
        "Choose a bank account, or enable payments to the account in Xero.",
        _TENANT,
    ),
    # Accounts, tax, items, tracking.
    _M(
        "Account code must be specified | Account code or ID must be specified",
        "core.account_missing",
        "A line of an approved document has no account.",
        "Set the account on the item or the line, or set a default account.",
        _STORY,
    ),
    _M(
        "Account code <x> has been archived or deleted",
        "core.account_archived",
        "The account is archived in Xero.",
        "Restore the account in Xero, or use another account on the line or item.",
        _TENANT,
        "account:{x}",
    ),
    _M(
        "Account code <x> is not a valid code for this document",
        "core.account_unknown",
        "The organisation has no such account, or it can't be used here: a bank or system account.",
        "Choose an account that can be used on this kind of document.",
        _TENANT,
        "account:{x}",
    ),
    _M(
        "Account code <x> has been removed",
        "core.account_unknown",
        "The organisation has no such account, and Xero saved the draft without it.",
        "Correct the code in the source, then set the account on the document in Xero.",
        _TENANT,
        "account:{x}",
    ),
    _M(
        "Account must be valid",
        "core.account_unknown",
        "The item names an account that the organisation doesn't have.",
        "Correct the account of the item in the source, or create the account in Xero.",
        _TENANT,
    ),
    _M(
        "The TaxType field is mandatory",
        "core.tax_unmapped",
        "A line has no tax rate and its account has no default one.",
        "Map the rate on Tax mapping, or give the account a default tax rate in Xero.",
        _MAP,
    ),
    _M(
        "The TaxType code <x> cannot be used with account code",
        "core.tax_account_conflict",
        "Xero doesn't allow this rate on accounts of that class.",
        "Map the rate, or the account, to another one.",
        _MAP,
        "tax:{x}",
    ),
    _M(
        "The TaxType code <x> does not exist or cannot be used",
        "core.tax_gone",
        "The rate is another country's, deleted, or for the other side of trade.",
        "Map the rate to an active one of this organisation on Tax mapping.",
        _MAP,
        "tax:{x}",
    ),
    _M(
        "Tax rate must be valid",
        "core.tax_gone",
        "The item names a rate that the organisation doesn't have.",
        "Map the rate to an active one on Tax mapping.",
        _MAP,
    ),
    _M(
        "Item code <x> is not valid",
        "core.item_unmapped",
        "Xero has no such item, or doesn't sell (or buy) it.",
        "Create or import the item, see that it is sold (or purchased) in Xero, or correct the code.",
        _ITEMS,
        "item:{x}",
    ),
    _M(
        "Price List Item with Code <x> already exists",
        "core.number_taken",
        "Xero has an item of this code.",
        "Link this record to that item on Imports.",
        _IMPORTS,
        "item:{x}",
    ),
    _M(
        "Price List Item Code must not be more than | Price List Item Code cannot be empty",
        "core.item_incomplete",
        "Item codes have one to thirty characters.",
        "Shorten the item's code in the source to 30 characters.",
        _STORY,
    ),
    _M(
        "Unknown tracking details",
        "core.tracking_unmapped",
        "A tracking category or option is missing, archived or spelt otherwise.",
        "Create or restore the option in Xero, or change it at the source, then read the organisation again.",
        _TENANT,
        "tracking",
    ),
    _M(
        "Please enter a unique Name",
        "core.name_taken",
        "Something of this kind has the name already.",
        "Choose another name.",
    ),
    # The organisation and its users.
    _M(
        "The document date cannot be before the <y> lock date | Dates cannot be before the <y> lock date",
        "core.period_locked",
        "The books of that day are closed.",
        "Move the lock date in Xero, or date the document after it.",
        _TENANT,
        "lock",
    ),
    _M(
        "You have reached the limit of invoices you can approve",
        "core.plan_limit",
        "The organisation's Xero plan allows no more approved invoices this month.",
        "Send drafts until the month ends, or change the plan in Xero.",
        _TENANT,
        "plan_limit",
    ),
    _M(
        "The User specified does not have the correct permissions",
        "core.permission",
        "The role of the user who connected doesn't allow this.",
        "Connect again as a user whose role in this organisation may do this.",
        _TENANT,
        "permissions",
    ),
    _M(
        "Guid should contain 32 digits",
        "core.id_refused",
        "A number stands where Xero wants an id.",
        "Link the record again on Imports.",
        _IMPORTS,
    ),
    # Warnings: saved, but something was left out.
    _M(
        "Only AUTHORISED invoices may have SentToContact updated | Only AUTHORISED and BILLED purchase orders may have "
        "SentToContact updated | Only AUTHORISED credit notes may have SentToContact updated",
        "core.warning",
        "A document can be marked as sent only once it is approved.",
        "Mark it as sent in Xero once it is approved.",
        _STORY,
    ),
)
