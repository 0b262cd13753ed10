"""Xero, emulated: identity, connections and the accounting endpoints, judged by what is known of Xero.

It shares no code with the client that it judges. What is not known of Xero is refused and noted as a violation.
"""

from xerotui.sandbox.xero.emulator import XeroEmulator

__all__ = ["XeroEmulator"]
