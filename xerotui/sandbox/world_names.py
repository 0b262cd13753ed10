"""Believable names, people and addresses for the demo world, all invented.

Word lists and the generator that draws from them without repeating itself; hostile names live in
`world_trouble`.
"""

from __future__ import annotations

import random

from xerotui.sandbox.world_regions import Region
from xerotui.sandbox.world_xero_types import Address

_FIRST = (
    "Harrow", "Kestrel", "Oakfield", "Marlow", "Tidewater", "Bramble", "Silverbirch", "Fairmile", "Quayside",
    "Westbrook", "Larkhill", "Stonegate", "Meridian", "Copperfield", "Thistledown", "Amberley", "Northwick",
    "Pennant", "Rosemount", "Holloway", "Bluebell", "Granary", "Lindisfarne", "Castlegate", "Elmwood",
    "Foxglove", "Highfield", "Ironbridge", "Juniper", "Kingsmead", "Lanternway", "Millstone", "Osprey",
    "Peregrine", "Redcliff", "Saltmarsh", "Thornbury", "Underhill", "Wychwood", "Yarrow",
)  # fmt: skip
_TRADES = (
    "Dental Group", "Legal", "Joinery", "Freight", "Architects", "Veterinary Clinic", "Print Works",
    "Engineering", "Recruitment", "Estates", "Bakeries", "Motor Group", "Physiotherapy", "Publishing",
    "Interiors", "Brewing", "Surveyors", "Care Homes", "Wholesale Foods", "Opticians", "Sails", "Textiles",
    "Academy Trust", "Film Studios", "Garden Centres", "Metrology", "Insurance Brokers", "Travel",
    "Property Management", "Pharma Services",
)  # fmt: skip
_SUPPLY = (
    "Distribution", "Components", "Telecom Wholesale", "Licensing", "Network Supplies", "Cabling",
    "Server Hardware", "Cloud Reseller", "Print Supplies", "Power Systems", "Rack and Stack",
)  # fmt: skip
_GIVEN = (
    "Priya", "Tom", "Aisha", "Daniel", "Moira", "Callum", "Ines", "Oluwaseun", "Grace", "Henrik", "Siobhan",
    "Rafael", "Beth", "Kwame", "Yuki", "Laura", "Imran", "Chloe", "Patrick", "Nadia",
)  # fmt: skip
_FAMILY = (
    "Nair", "Okafor", "Fraser", "Whitfield", "Sandoval", "Brandt", "Kowalska", "Achebe", "Ferris", "Tanaka",
    "Moriarty", "Delacroix", "Hughes", "Abara", "Lindqvist", "Parry", "Rahman", "Sutcliffe", "Novak", "Quinn",
)  # fmt: skip
_STREETS = (
    "Station Road", "Mill Lane", "Wharf Street", "Park Avenue", "Foundry Row", "Harbour Parade",
    "Meadow Park", "Chapel Street", "Victoria Terrace", "Orchard Close",
)  # fmt: skip
_ENDINGS = {
    "uk": ("Ltd", "Ltd", "LLP", "Limited", "Group plc"),
    "au": ("Pty Ltd", "Pty Ltd", "Pty Limited", "Holdings Pty Ltd"),
}


class Names:
    """Draws names from one random stream; no company name comes twice, whatever its case."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self._used: set[str] = set()

    def customer(self, region: Region) -> str:
        """A new name for a customer of that region."""
        return self._company(_TRADES, region)

    def supplier(self, region: Region) -> str:
        """A new name for a supplier of that region."""
        return self._company(_SUPPLY, region)

    def person(self) -> tuple[str, str]:
        """A given name and a family name."""
        return self.random.choice(_GIVEN), self.random.choice(_FAMILY)

    def address(self, region: Region) -> Address:
        """An address in one of the region's towns."""
        town, county, postcode = self.random.choice(region.towns)
        street = f"{self.random.randint(1, 140)} {self.random.choice(_STREETS)}"
        unit = f"Unit {self.random.randint(1, 30)}" if self.random.random() < 0.3 else ""
        lines = (unit, street) if unit else (street, "")
        return Address(*lines, town, county, postcode.format(n=self.random.randint(1, 9)), region.country_name)

    def phone(self, region: Region) -> str:
        """A telephone number from the ranges that are kept for fiction."""
        if region.key == "uk":
            return f"01632 960{self.random.randint(0, 999):03d}"
        return f"02 5550 {self.random.randint(0, 9999):04d}"

    def _company(self, trades: tuple[str, ...], region: Region) -> str:
        for attempt in range(10_000):
            first, trade = self.random.choice(_FIRST), self.random.choice(trades)
            # Past the first tries the short names run out at large scales, so two first words are joined.
            if attempt > 3:
                first = f"{first} {self.random.choice(_FIRST)}"
            if attempt > 12:
                first = f"{first} {self.random.randint(2, 9999)}"
            name = f"{first} {trade}"
            if name.casefold() not in self._used:
                self._used.add(name.casefold())
                return f"{name} {self.random.choice(_ENDINGS[region.key])}"
        raise RuntimeError("no name is left")


def account_number(name: str, number: int) -> str:
    """An account number in the style of `HAR0214`, unique because the number is."""
    letters = "".join(c for c in name.upper() if "A" <= c <= "Z")
    return f"{(letters + 'XXX')[:3]}{number:04d}"


def domain(name: str, number: int) -> str:
    """An ASCII mail domain made of a company's name, below `.example`."""
    letters = "".join(c for c in name.lower() if "a" <= c <= "z")[:18] or "client"
    return f"{letters}{number}.example"
