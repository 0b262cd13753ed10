"""Rows of the catalogue about a whole contact or document: name, number, status, lines (xero-api section 7.1)."""

from xerotui.xero.catalogue_rows import IMPORTS, STORY, TENANT, Message

_M = Message
RECORDS: tuple[Message, ...] = (
    # Contacts.
    _M(
        "The contact name <x> is already assigned to another contact",
        "core.name_taken",
        "Another active contact has this name.",
        "Link this record to the contact that has the name (Imports), or rename one of the two.",
        IMPORTS,
        "name:{x}",
    ),
    _M(
        "The contact number <x> is already assigned to another contact | Another contact has this contact number",
        "core.number_taken",
        "Another contact, perhaps an archived one, carries this contact number.",
        "Link this record to that contact on Imports.",
        IMPORTS,
        "contact_number:{x}",
    ),
    _M(
        "The Account Number already exists",
        "core.number_taken",
        "Another contact, perhaps an archived one, has this account number.",
        "Link this record to that contact on Imports, or change one of the two.",
        IMPORTS,
    ),
    _M(
        "The contact with the specified contact details has been archived",
        "core.contact_archived",
        "The document is for a contact that is archived in Xero.",
        "Restore the contact in Xero's own pages (the API can't), or link another contact.",
        IMPORTS,
    ),
    _M(
        "The specified contact details matched an archived contact",
        "core.contact_archived",
        "The change means a contact that is archived in Xero.",
        "Restore the contact in Xero's own pages (the API can't), or link another contact.",
        IMPORTS,
    ),
    _M(
        "Unable to assign an Archived contact",
        "core.contact_archived",
        "An archived contact can't join a contact group.",
        "Restore the contact in Xero's own pages, or leave it out of the group.",
        IMPORTS,
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
        STORY,
    ),
    _M(
        "Contact Name <y> | Name must not be <y> | The name <y> cannot | The name <y> must not",
        "core.name_refused",
        "Xero takes names of at most 255 characters without < and >, control characters and stray blanks.",
        "Shorten or clean the name in the source: 255 characters, no < or >, no control characters.",
        STORY,
    ),
    _M(
        "The Contact must contain at least 1 | A Contact must be specified for this type of transaction",
        "core.customer_missing",
        "The document names no contact.",
        "Sync or link the customer of this document first.",
        IMPORTS,
    ),
    _M(
        "Email address must be valid",
        "core.contact_refused",
        "The e-mail address isn't one that Xero takes; letters with accents are refused.",
        "Correct the e-mail address in the source.",
        STORY,
    ),
    _M(
        "Website must be valid",
        "core.contact_refused",
        "The web address isn't a whole address with http or https.",
        "Correct the web address in the source.",
        STORY,
    ),
    _M(
        "You've reached the limit of <x> contact groups",
        "core.plan_limit",
        "An organisation has at most a hundred contact groups.",
        "Delete a contact group in Xero, then retry.",
        TENANT,
        "groups",
    ),
    # Numbers and statuses of documents.
    _M(
        "Invoice # must be unique | Credit note number must be unique | Credit note # must be unique",
        "core.number_taken",
        "Another document of the organisation has this number.",
        "Adopt it if it is the same document, else renumber one of the two.",
        STORY,
    ),
    _M(
        "Order number must be unique",
        "core.number_taken",
        "Another purchase order has this number.",
        "Adopt it if it is the same order, else renumber one of the two.",
        STORY,
    ),
    _M(
        "PurchaseOrder status change is invalid | Deleted PurchaseOrders cannot be updated",
        "core.number_taken",
        "The order was deleted in Xero, or can't go from its status to this one.",
        "Give this order a new number in the source; a deleted one stays deleted.",
        STORY,
    ),
    _M(
        "Invoice not of valid status for creation | Invoice not of valid type for creation | "
        "CreditNote not of valid <y> for creation | PurchaseOrder not of valid <y> for creation",
        "core.status_refused",
        "A new document can only be a draft, submitted or authorised, and of a type that Xero has.",
        "Choose another status for new documents in the pair's policy on Tenants.",
        TENANT,
    ),
    _M(
        "Invoice not of valid status for modification | Credit note not of valid status for modification | "
        "CreditNote not of valid status for modification | PurchaseOrder not of valid status for modification",
        "core.locked_document",
        "The document is paid, voided or deleted in Xero, or can't go to this status.",
        "Correct it in Xero, or with a credit note.",
        STORY,
    ),
    _M(
        "This document cannot be edited as it has a payment or credit note",
        "core.locked_document",
        "Something is paid or credited on it, so its amounts are fixed.",
        "Remove the payment or credit note in Xero first, or correct it with a credit note.",
        STORY,
    ),
    _M(
        "The status VOIDED cannot be applied",
        "core.locked_document",
        "Something is paid or credited on the document that was to be voided.",
        "Remove payments and credit notes from the document in Xero, then void it again.",
        STORY,
    ),
    _M(
        "One or more line items must be specified",
        "core.lines_missing",
        "A submitted or authorised document needs a line.",
        "Add a line to the document in the source, or send it as a draft.",
        STORY,
    ),
    _M(
        "Could not find line item(s)",
        "core.conflict",
        "The lines were changed in Xero since they were read.",
        "Read both sides again, then plan again.",
        STORY,
    ),
    _M(
        "An existing Credit Note with the specified <y> could not be found | The document with the supplied id was not "
        "found",
        "core.conflict",
        "Xero doesn't have the document under this id, or keeps no such thing with it.",
        "Read both sides again, then plan again.",
        STORY,
    ),
)
