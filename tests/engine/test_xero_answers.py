"""The verdict on each element of a write, on answers of the shapes that were recorded (xero-api sections 5.2 and 7)."""

import json
from typing import Any

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.records import Document
from xerotui.model.work import Verb
from xerotui.net.http import Response, Throttle
from xerotui.xero.answers import (
    Confirmed,
    Refused,
    Uncertain,
    Unclear,
    Verdicts,
    WholeRefusal,
    read_answer,
)
from xerotui.xero.errors import AuthTrouble
from xerotui.xero.wire import ZERO_ID

ID = "60aa5d55-a47e-4665-a974-874bb50263b9"


def element(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "Type": "ACCREC",
        "InvoiceID": ID,
        "InvoiceNumber": "INV-1",
        "HasErrors": False,
        "Contact": {"ContactID": "2f79af6c", "HasValidationErrors": False, "ValidationErrors": []},
        "Status": "AUTHORISED",
        "LineItems": [{"Description": "x", "Quantity": 2, "UnitAmount": 10.5}],
        "Total": 24.15,
        "UpdatedDateUTC": "/Date(1789378230894+0000)/",
        "StatusAttributeString": "OK",
    }
    return given | more


def answered(*elements: dict[str, Any], keys: tuple[str, ...] = (), status: int = 200) -> Any:
    content = json.dumps({"Id": "x", "Status": "OK", "Invoices": list(elements)}).encode()
    response = Response(status, {"xero-correlation-id": "corr"}, content)
    keys = keys or tuple("INV-1" for _ in elements)
    return read_answer(Kind.INVOICE, Verb.CREATE, response, len(keys), keys, "T")


def only(**more: Any) -> Any:
    answer = answered(element(**more))
    assert isinstance(answer, Verdicts)
    return answer.elements[0]


def test_a_saved_element_is_confirmed_with_what_xero_has() -> None:
    verdict = only()
    assert isinstance(verdict, Confirmed)
    assert (verdict.xero_id, verdict.number, verdict.version) == (ID, "INV-1", "2026-09-14T09:30:30.894000+00:00")
    assert isinstance(verdict.record, Document)
    assert str(verdict.record.total) == "24.15"


def test_a_warning_is_saved_and_told() -> None:
    verdict = only(StatusAttributeString="WARNING", Warnings=[{"Message": "Account code removed"}])
    assert isinstance(verdict, Confirmed)
    assert verdict.warnings == ("Account code removed",)


@pytest.mark.parametrize(
    "more",
    [
        {"StatusAttributeString": "ERROR", "ValidationErrors": [{"Message": "No"}], "HasErrors": True},
        # The specification's own sample says OK beside an error.
        {"StatusAttributeString": "OK", "ValidationErrors": [{"Message": "No"}]},
        {"StatusAttributeString": "OK", "ValidationErrors": [{"Description": "No"}]},
        {"LineItems": [{"Description": "x", "ValidationErrors": [{"Message": "No"}]}]},
        {"Contact": {"ContactID": "x", "ValidationErrors": [{"Message": "No"}]}},
        {"InvoiceID": ZERO_ID, "ValidationErrors": [{"Message": "No"}]},
    ],
)
def test_an_error_anywhere_in_the_element_refuses_it(more: dict[str, Any]) -> None:
    assert only(**more) == Refused(("No",))


@pytest.mark.parametrize(
    "more",
    [
        {"InvoiceID": ZERO_ID},
        {"InvoiceID": ""},
        {"StatusAttributeString": "NEWWORD"},
        {"HasErrors": True},
        {"InvoiceNumber": "INV-9", "InvoiceID": "other"},
    ],
)
def test_what_is_neither_saved_nor_refused_is_unclear(more: dict[str, Any]) -> None:
    assert isinstance(only(**more), Unclear)


def test_an_element_refused_without_a_word_is_still_refused() -> None:
    verdict = only(InvoiceID=ZERO_ID, StatusAttributeString="ERROR")
    assert isinstance(verdict, Refused)
    assert verdict.messages


def test_elements_are_judged_each_for_itself() -> None:
    bad = element(InvoiceID=ZERO_ID, InvoiceNumber="INV-2", ValidationErrors=[{"Message": "No"}])
    answer = answered(element(), bad, element(InvoiceNumber="INV-3"), keys=("INV-1", "inv-2", "INV-3"))
    assert [type(v) for v in answer.elements] == [Confirmed, Refused, Confirmed]
    assert answer.correlation == "corr"


def test_a_swapped_answer_confirms_nothing() -> None:
    answer = answered(element(), element(InvoiceNumber="INV-2"), keys=("INV-2", "INV-1"))
    assert all(isinstance(v, Unclear) for v in answer.elements)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, b'{"Invoices": [{"InvoiceID"'),
        (200, b"<html>proxy</html>"),
        (200, b'{"Contacts": []}'),
        (200, b'{"Invoices": []}'),
        (500, b"oops"),
        (503, b"The Organisation is offline"),
        (302, b""),
        (408, b""),
    ],
)
def test_answers_that_say_nothing_leave_the_outcome_unknown(status: int, content: bytes) -> None:
    answer = read_answer(Kind.INVOICE, Verb.CREATE, Response(status, {}, content), 1, ("INV-1",))
    assert isinstance(answer, Uncertain)


def test_too_few_elements_leave_all_unknown() -> None:
    assert isinstance(answered(element(), keys=("INV-1", "INV-2")), Uncertain)


def test_whole_refusals() -> None:
    def refused(status: int, content: bytes, n: int = 2) -> WholeRefusal:
        answer = read_answer(Kind.INVOICE, Verb.CREATE, Response(status, {}, content), n, ("",) * n)
        assert isinstance(answer, WholeRefusal)
        return answer

    gone = refused(404, b"<html>The resource you're looking for cannot be found</html>")
    assert (gone.code, gone.partial) == ("not_found", False)
    nothing = refused(400, b'{"ErrorNumber":17,"Type":"NoDataProcessedException","Message":"No data"}')
    assert (nothing.messages, nothing.code) == (("No data",), "bad_request")
    reused = refused(400, b'{"Message":"Idempotency Key: k is used with a different request"}')
    assert reused.code == "key_reused"
    summary = (
        b'{"ErrorNumber":10,"Type":"ValidationException","Message":"A validation exception occurred","Elements":'
        b'[{"ContactID":"00000000","ValidationErrors":[{"Message":"Name taken"}]}]}'
    )
    assert refused(400, summary).partial
    alone = refused(400, summary, 1)
    assert (alone.messages, alone.partial) == (("Name taken",), False)
    assert refused(413, b"").code == "too_large"


def test_refusals_of_the_caller_are_raised() -> None:
    with pytest.raises(AuthTrouble):
        read_answer(Kind.INVOICE, Verb.CREATE, Response(401, {}, b""), 1, ("",))
    with pytest.raises(Throttle):
        read_answer(Kind.INVOICE, Verb.CREATE, Response(429, {"retry-after": "5"}, b""), 1, ("",))


def test_a_deleted_item_is_confirmed_by_an_empty_answer() -> None:
    answer = read_answer(Kind.ITEM, Verb.DELETE, Response(204, {}, b""), 1, (ID,))
    assert answer == Verdicts((Confirmed(xero_id=ID),))
