"""Texts of connecting Xero: the address, its QR code, the organisations to choose from, what was granted."""

from rich.style import Style
from rich.text import Text

from xerotui.console.text import clean, count, join, safe, stack
from xerotui.workspace import qr
from xerotui.workspace.login_pages import ScopeRow, XeroTenantChoice


def address_text(url: str) -> Text:
    """The address unbroken and undecorated, so that it can be selected; a link where the terminal knows OSC 8."""
    plain = clean(url, 8000)
    return Text(plain, style=Style(link=plain), no_wrap=False, overflow="fold", end="")


def qr_text(url: str) -> Text:
    """The address as a QR code in half blocks, dark on light whatever the theme."""
    return Text("\n".join(qr.half_blocks(url)) + "\n", style="white on black", end="")


def choice_text(choice: XeroTenantChoice) -> Text:
    """An organisation with what tells it from others: demo or live, country, currency, and how it stands here."""
    badge = {True: ("DEMO", "bold magenta"), False: ("LIVE", "bold green"), None: ("demo or live?", "yellow")}
    parts: list[object] = [safe(choice.name, "", 80), "  ", safe(*badge[choice.is_demo])]
    if not choice.reached:
        return join(safe(choice.name, "", 80), safe("  connected, but not in this login", "yellow"))
    parts.append(safe(f"  {choice.country} {choice.currency}".rstrip(), "dim"))
    if choice.already:
        parts.append(safe("  already connected", "dim"))
    elif choice.kept:
        parts.append(safe(f"  {count(choice.kept, 'link')} kept", "dim"))
    if choice.other:
        parts.append(safe(f"  moves here from {choice.other}", "yellow", 80))
    if choice.trouble:
        parts.append(safe(f"  ! {choice.trouble}", "yellow", 200))
    return join(*parts)


def scopes_text(rows: tuple[ScopeRow, ...]) -> Text:
    """Granted against needed, and what each missing permission costs."""
    lacking = [row for row in rows if not row.granted_by]
    if not rows:
        return safe("Xero doesn't say what was granted.", "dim")
    if not lacking:
        return safe(f"✓ All {len(rows)} permissions that XeroTUI uses are granted.", "green")
    parts = [safe(f"! {len(lacking)} of {len(rows)} permissions that XeroTUI uses are missing:", "bold yellow")]
    parts += [
        join(safe(f"  {row.scopes[0]}", "bold"), safe(f"  {row.feature}. {row.costs}", "yellow")) for row in lacking
    ]
    return stack(*parts, safe("To add one, choose b on the way out and correct the scopes; then sign in again.", "dim"))
