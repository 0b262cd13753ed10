"""`xerotui connect xero`: the address to open, its answer by hand or by the browser itself, the organisations."""

import asyncio
import base64
import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.settings import key, values_of
from xerotui.cli.text import safe
from xerotui.model.problems import SyncError

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.login_pages import XeroConsent, XeroTenantChoice
from xerotui.workspace.pages import FormField

# Refusals after which the same address can be opened again.
AGAIN = ("xero.no_address", "xero.state_mismatch", "xero.code_refused", "xero.code_used", "xero.access_denied")
PROMPT = "Paste the address where the browser landed, or the code in it: "


def extras() -> list[click.Parameter]:
    """The options beside those of the settings."""
    return [
        click.Option(
            ["--answer-file"],
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Where the address that the browser landed on, or its code, is read from; - is stdin. Else asked.",
        ),
        click.Option(
            ["--listen/--no-listen"],
            default=True,
            help="Also take the browser's answer on the redirect address's port, on loopback alone.  [default: listen]",
        ),
        click.Option(["--qr"], is_flag=True, help="Show the address as a QR code as well."),
        click.Option(["--copy"], is_flag=True, help="Send the address to the terminal's clipboard as well (OSC 52)."),
        click.Option(["--tenant"], multiple=True, help="Organisation to connect, by name or id; again for more."),
        click.Option(["--all"], is_flag=True, help="Connect every organisation of the consent."),
    ]


async def run(
    space: "Workspace", out: Output, *, source: str, fields: "tuple[FormField, ...]", options: dict[str, Any]
) -> int:
    """Sign in, choose, save; what isn't saved is given back."""
    name = options["name"] or "Xero"
    _, saved = await space.xero_again(name)
    kind = options.get("kind") or saved.get("kind")
    if kind != "custom" and not options["answer_file"] and not sys.stdin.isatty():
        raise click.UsageError("Where nobody can be asked, --answer-file says where the answer is read from.")
    # Lines of a pipe that a secret was read from as well may lie in our own buffer.
    shared = any(options.get(key(field)) == "-" for field in fields if field.secret)
    # What is saved under this name needn't be given again.
    asked = tuple(
        msgspec.structs.replace(f, required=f.required and f.name not in saved, default=saved.get(f.name, f.default))
        for f in fields
    )
    consent = await space.xero_begin(name, values_of(asked, options))
    try:
        offered = await _signed_in(space, out, consent, options, shared=shared)
        await _say_scopes(space, out, consent.connection)
        chosen = await _chosen(out, offered, options)
        scopes = await space.xero_scopes(consent.connection)
        await space.xero_save(consent.connection, chosen, consent.state)
    except BaseException:
        # Authorised but not saved would be a connection that nobody asked for.
        out.say(await space.xero_discard(consent.connection, consent.state))
        raise
    by = {choice.tenant: choice for choice in offered}
    if out.json:
        tenants = [{"tenant": t, "name": by[t].name, "demo": by[t].is_demo} for t in chosen]
        out.data({"connection": consent.connection, "tenants": tenants, "scopes": scopes})
    for tenant in chosen:
        out.say(f"Connected {by[tenant].name}.")
    return Exit.DONE


async def _signed_in(
    space: "Workspace", out: Output, consent: "XeroConsent", options: dict[str, Any], *, shared: bool
) -> "tuple[XeroTenantChoice, ...]":
    if not consent.needs_code:
        return await space.xero_finish(consent.connection, "", consent.state)
    _show(out, consent, options)
    file = options["answer_file"]
    while True:
        if file and (file != "-" or shared):
            pasted = _from_file(file)
        else:
            pasted = await _first_answer(space, out, consent.connection, options)
        try:
            return await space.xero_finish(consent.connection, pasted, consent.state)
        except SyncError as error:
            if file or error.code not in AGAIN:
                raise
            out.say(f"{error.sentence.rstrip('.')}. {error.remedy}")


def _show(out: Output, consent: "XeroConsent", options: dict[str, Any]) -> None:
    """The address, unbroken so that it can be selected and copied, in the ways that were asked for."""
    for warning in consent.warnings:
        out.say(f"! {warning}")
    out.say("Open this address in a browser on any machine, sign in to Xero and choose the organisation:")
    url = safe(consent.url, 8000)
    terminal = sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
    sys.stderr.write((f"\x1b]8;;{url}\x1b\\{url}\x1b]8;;\x1b\\" if terminal else url) + "\n")
    if options["copy"] and terminal:
        sys.stderr.write(f"\x1b]52;c;{base64.b64encode(url.encode()).decode()}\x07")
        out.say("Sent to the terminal's clipboard; inside tmux this needs set-clipboard on.")
    if options["qr"]:
        _show_qr(out, url, terminal=terminal)
    out.say(f"The browser then goes to {consent.redirect_uri}… That page needn't load: its address is the answer.")
    out.say("Where Xero shows an error page instead, type the name of the error, such as invalid_scope.")
    sys.stderr.flush()


def _show_qr(out: Output, url: str, *, terminal: bool) -> None:
    from xerotui.workspace import qr

    lines = qr.half_blocks(url)
    width = shutil.get_terminal_size().columns
    if terminal and width < len(lines[0]):
        out.say(f"The QR code needs {len(lines[0])} columns; this terminal has {width}.")
        return
    for line in lines:
        # Light on dark whatever the terminal's colours are.
        sys.stderr.write(f"\x1b[97;40m{line}\x1b[0m\n" if terminal else f"{line}\n")


async def _first_answer(space: "Workspace", out: Output, connection: str, options: dict[str, Any]) -> str:
    """What is pasted, or what the browser brings by itself: whichever comes first."""
    typed = asyncio.create_task(_typed(options["answer_file"]))
    try:
        if not options["listen"]:
            return await _asked(typed)
        async with space.xero_landing(connection) as landing:
            out.say(landing.words)
            brought = asyncio.create_task(landing.wait())
            try:
                return await _race(out, typed, brought)
            finally:
                brought.cancel()
    finally:
        typed.cancel()


async def _race(out: Output, typed: "asyncio.Task[str]", brought: "asyncio.Task[str]") -> str:
    _prompt()
    await asyncio.wait((typed, brought), return_when=asyncio.FIRST_COMPLETED)
    if typed.done():
        return typed.result()
    sys.stderr.write("\n")
    out.say("The browser has come back by itself: nothing needs to be pasted.")
    return brought.result()


async def _asked(typed: "asyncio.Task[str]") -> str:
    _prompt()
    return await typed


def _prompt() -> None:
    if sys.stdin.isatty():
        sys.stderr.write(PROMPT)
        sys.stderr.flush()


async def _typed(file: str | None) -> str:
    """A line of standard input, waited for beside other things; blank ones are asked for again at a terminal."""
    while True:
        line = await _line()
        if line.strip():
            return line.strip()
        if not line and not file:
            raise click.Abort
        if file:
            raise click.UsageError("The answer is blank: it is the address where the browser landed, or its code.")
        _prompt()


async def _line() -> str:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        number = sys.stdin.fileno()
        loop.add_reader(number, ready.set)
    except (OSError, ValueError):
        # A file, which is always ready, or no descriptor at all.
        return sys.stdin.readline()
    try:
        await ready.wait()
    finally:
        with contextlib.suppress(OSError, ValueError):
            loop.remove_reader(number)
    return sys.stdin.readline()


def _from_file(file: str) -> str:
    try:
        read = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise click.UsageError("The answer file can't be read.") from None
    if not read.strip():
        raise click.UsageError("The answer is blank: it is the address where the browser landed, or its code.")
    return read.strip()


async def _say_scopes(space: "Workspace", out: Output, connection: str) -> None:
    """What was granted against what is needed, and what each missing permission costs."""
    rows = await space.xero_scopes(connection)
    lacking = [row for row in rows if not row.granted_by]
    if rows:
        out.say(f"Granted: {len(rows) - len(lacking)} of the {len(rows)} permissions that XeroTUI uses.")
    for row in lacking:
        out.say(f"! {row.scopes[0]} is missing ({row.feature}): {row.costs}")


def _words(choice: "XeroTenantChoice") -> str:
    kind = {True: "DEMO company", False: "live", None: "demo or live: unknown"}[choice.is_demo]
    parts = [kind, f"{choice.country} {choice.currency}".strip()]
    parts += ["already connected"] * choice.already
    parts += [f"moves here from {choice.other}"] * bool(choice.other)
    parts += [f"{choice.kept} links are kept"] * bool(choice.kept and not choice.already)
    parts += [f"! {choice.trouble}"] * bool(choice.trouble)
    return f"{choice.name} ({', '.join(part for part in parts if part)})"


async def _chosen(out: Output, offered: "tuple[XeroTenantChoice, ...]", options: dict[str, Any]) -> list[str]:
    for choice in offered:
        if not choice.reached:
            out.say(f"! {choice.name} isn't in this login: sign in for it too, or disconnect it.")
    usable = [t for t in offered if t.type in ("", "ORGANISATION") and t.reached]
    if not usable:
        raise SyncError(
            "The consent holds no organisation",
            "Consent again and choose one in Xero.",
            code="core.not_connected",
            exit_code=Exit.NOT_CONNECTED,
        )
    wanted = [w.casefold() for w in options["tenant"]]
    if options["all"] or (len(usable) == 1 and not wanted):
        for choice in usable:
            out.say(_words(choice))
        return [t.tenant for t in usable]
    if not wanted:
        if not sys.stdin.isatty():
            raise click.UsageError("Several organisations: choose with --tenant or --all.")
        for number, choice in enumerate(usable, 1):
            out.say(f"{number}. {_words(choice)}")
        return await _picked(out, usable)
    chosen = [t.tenant for t in usable if t.tenant.casefold() in wanted or t.name.casefold() in wanted]
    if len(chosen) < len(set(wanted)):
        raise click.UsageError("The consent doesn't hold all of these organisations.")
    return chosen


async def _picked(out: Output, usable: "list[XeroTenantChoice]") -> list[str]:
    """Asked until the answer can be read: a slip must not cost the consent."""
    while True:
        sys.stderr.write("Which ones? Numbers with commas, or all [all]: ")
        sys.stderr.flush()
        line = await _line()
        if not line:
            raise click.Abort
        answer = line.strip().casefold()
        if answer in ("", "all"):
            return [t.tenant for t in usable]
        try:
            return list(dict.fromkeys(_numbered(usable, number) for number in answer.split(",")))
        except click.UsageError as error:
            out.say(error.message)


def _numbered(usable: "list[XeroTenantChoice]", number: str) -> str:
    try:
        index = int(number) - 1
        if index < 0:
            raise IndexError
        return usable[index].tenant
    except (ValueError, IndexError):
        raise click.UsageError(f"{safe(number.strip(), 40)!r} is none of the numbers 1 to {len(usable)}.") from None
