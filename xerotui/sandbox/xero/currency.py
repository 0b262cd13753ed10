"""Rates between currencies: units of the foreign one for one unit of the organisation's own (xero-api section 8).

Rates and what they make of an amount; which document or payment may have one is decided elsewhere.
"""

from __future__ import annotations

from decimal import Decimal

from xerotui.sandbox.xero.tax import rounded

# The currencies of ISO 4217 that are money of a country.
_MONEY = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
    "HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD "
    "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN "
    "PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY "
    "TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
CODES = frozenset(_MONEY.split())
NO_RATE = "A currency rate must be specified"

# Units of each currency for one US dollar. Xero asks a rate service of the day; the emulator needs rates that
# never move.
_PER_DOLLAR = {
    "USD": Decimal(1),
    "GBP": Decimal("0.77"),
    "EUR": Decimal("0.89"),
    "AUD": Decimal("1.52"),
    "NZD": Decimal("1.68"),
    "CAD": Decimal("1.37"),
}


def day_rate(base: str, code: str) -> Decimal | None:
    """Return the rate that holds where none was sent, six decimals; None where there is none of the day."""
    if base == code:
        return Decimal(1)
    if base not in _PER_DOLLAR or code not in _PER_DOLLAR:
        return None
    return rounded(_PER_DOLLAR[code] / _PER_DOLLAR[base], 6)


def in_account(amount: Decimal, code: str, rate: Decimal, base: str, account: str) -> Decimal | None:
    """Return what an amount in ``code`` at ``rate`` is in an account's currency; None where neither is known of it.

    The account is in the document's own currency, or in the organisation's.
    """
    if account == code:
        return amount
    return rounded(amount / rate) if account == base else None
