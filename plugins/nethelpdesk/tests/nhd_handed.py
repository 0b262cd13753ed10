"""What the help desk's own importer finds in the folder that files are handed over in."""

import csv
from pathlib import Path

from xerotui.model.kinds import Kind

NEW = {
    Kind.CUSTOMER: "customers_new.csv",
    Kind.SUPPLIER: "suppliers_new.csv",
    Kind.ITEM: "items_new.csv",
    Kind.TAX_RATE: "taxes_new.csv",
}


def names(outbox: str | Path, kind: Kind) -> list[str]:
    """The names in the file of a kind, in its order."""
    with (Path(outbox) / "import" / NEW[kind]).open(encoding="utf-8-sig", newline="") as file:
        return [row["name" if "name" in row else "description"] for row in csv.DictReader(file)]
