"""Xero's validation messages, one row each: problem code, cause, remedy and the place to mend it.

Rows only (xero-api section 7.1); `messages` finds the one that is meant.
"""

from xerotui.xero.catalogue_records import RECORDS
from xerotui.xero.catalogue_rows import IMPORTS, ITEMS, MAP, STORY, TENANT, Message

_M = Message
CATALOGUE: tuple[Message, ...] = (
    *RECORDS,
    # Money.
    _M(
        "The invoice total does not equal | The document total does not equal | The creditnote total does not equal | "
        "The purchaseorder total does not equal",
        "core.total_mismatch",
        "Totals were sent that Xero computes otherwise.",
        "Correct quantities, prices or tax of the document in the source.",
        STORY,
    ),
    _M(
        "The tax amount cannot be greater than the line amount",
        "core.total_mismatch",
        "A line's tax is more than the line itself.",
        "Correct the tax of the line in the source.",
        STORY,
    ),
    _M(
        "The discount rate <x> is invalid",
        "core.discount_refused",
        "The discount is above a hundred percent, or an amount stands where a percentage belongs.",
        "Correct the discount in the source: percent, at most 100.",
        STORY,
    ),
    _M(
        "Organisation is not subscribed to currency <x> | Users Organisation is not subscribed to currency <x>",
        "core.currency_missing",
        "The organisation doesn't have the currency, or its plan knows only its own.",
        "Add the currency in Xero; XeroTUI never adds one unasked.",
        TENANT,
        "currency:{x}",
    ),
    _M(
        "A currency rate must be specified",
        "core.rate_missing",
        "Xero has no exchange rate for that day.",
        "Give the rate in the source, or enter it in Xero.",
        STORY,
    ),
    _M(
        "Payment amount exceeds the amount outstanding",
        "core.payment_refused",
        "The payment is more than what is still due.",
        "Compare the amounts on both sides; pay at most what is due.",
        STORY,
    ),
    _M(
        "Payments can only be made against authorised documents",
        "core.payment_refused",
        "The document is a draft, paid already, or voided.",
        "Approve the document in Xero first.",
        STORY,
    ),
    _M(
        "Account could not be found",
        "core.payment_refused",
        "The account of the payment isn't a bank account and doesn't take payments.",
        "Choose a bank account, or enable payments to the account in Xero.",
        TENANT,
    ),
    # Accounts, tax, items, tracking.
    _M(
        "Account code must be specified | Account code or ID must be specified",
        "core.account_missing",
        "A line of an approved document has no account.",
        "Set the account on the item or the line, or set a default account.",
        STORY,
    ),
    _M(
        "Account code <x> has been archived or deleted",
        "core.account_archived",
        "The account is archived in Xero.",
        "Restore the account in Xero, or use another account on the line or item.",
        TENANT,
        "account:{x}",
    ),
    _M(
        "Account code <x> is not a valid code for this document",
        "core.account_unknown",
        "The organisation has no such account, or it can't be used here: a bank or system account.",
        "Choose an account that can be used on this kind of document.",
        TENANT,
        "account:{x}",
    ),
    _M(
        "Account code <x> has been removed",
        "core.account_unknown",
        "The organisation has no such account, and Xero saved the draft without it.",
        "Correct the code in the source, then set the account on the document in Xero.",
        TENANT,
        "account:{x}",
    ),
    _M(
        "Account must be valid",
        "core.account_unknown",
        "The item names an account that the organisation doesn't have.",
        "Correct the account of the item in the source, or create the account in Xero.",
        TENANT,
    ),
    _M(
        "The TaxType field is mandatory",
        "core.tax_unmapped",
        "A line has no tax rate and its account has no default one.",
        "Map the rate on Tax mapping, or give the account a default tax rate in Xero.",
        MAP,
    ),
    _M(
        "The TaxType code <x> cannot be used with account code",
        "core.tax_account_conflict",
        "Xero doesn't allow this rate on accounts of that class.",
        "Map the rate, or the account, to another one.",
        MAP,
        "tax:{x}",
    ),
    _M(
        "The TaxType code <x> does not exist or cannot be used",
        "core.tax_gone",
        "The rate is another country's, deleted, or for the other side of trade.",
        "Map the rate to an active one of this organisation on Tax mapping.",
        MAP,
        "tax:{x}",
    ),
    _M(
        "Tax rate must be valid",
        "core.tax_gone",
        "The item names a rate that the organisation doesn't have.",
        "Map the rate to an active one on Tax mapping.",
        MAP,
    ),
    _M(
        "Item code <x> is not valid",
        "core.item_unmapped",
        "Xero has no such item, or doesn't sell (or buy) it.",
        "Create or import the item, see that it is sold (or purchased) in Xero, or correct the code.",
        ITEMS,
        "item:{x}",
    ),
    _M(
        "Price List Item with Code <x> already exists",
        "core.number_taken",
        "Xero has an item of this code.",
        "Link this record to that item on Imports.",
        IMPORTS,
        "item:{x}",
    ),
    _M(
        "Price List Item Code must not be more than | Price List Item Code cannot be empty",
        "core.item_incomplete",
        "Item codes have one to thirty characters.",
        "Shorten the item's code in the source to 30 characters.",
        STORY,
    ),
    _M(
        "Unknown tracking details",
        "core.tracking_unmapped",
        "A tracking category or option is missing, archived or spelt otherwise.",
        "Create or restore the option in Xero, or change it at the source, then read the organisation again.",
        TENANT,
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
        TENANT,
        "lock",
    ),
    _M(
        "You have reached the limit of invoices you can approve",
        "core.plan_limit",
        "The organisation's Xero plan allows no more approved invoices this month.",
        "Send drafts until the month ends, or change the plan in Xero.",
        TENANT,
        "plan_limit",
    ),
    _M(
        "The User specified does not have the correct permissions",
        "core.permission",
        "The role of the user who connected doesn't allow this.",
        "Connect again as a user whose role in this organisation may do this.",
        TENANT,
        "permissions",
    ),
    _M(
        "Guid should contain 32 digits",
        "core.id_refused",
        "A number stands where Xero wants an id.",
        "Link the record again on Imports.",
        IMPORTS,
    ),
    # Warnings: saved, but something was left out.
    _M(
        "Only AUTHORISED invoices may have SentToContact updated | Only AUTHORISED and BILLED purchase orders may have "
        "SentToContact updated | Only AUTHORISED credit notes may have SentToContact updated",
        "core.warning",
        "A document can be marked as sent only once it is approved.",
        "Mark it as sent in Xero once it is approved.",
        STORY,
    ),
)
