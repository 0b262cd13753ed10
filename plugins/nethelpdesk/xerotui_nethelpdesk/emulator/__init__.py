"""NetHelpDesk emulated: its database as an SQLite file in several ages, or the folder that its CSV files go through.

It imports the sandbox and nothing of the plugin.
"""

from xerotui_nethelpdesk.emulator.emulator import NetHelpDeskEmulator
from xerotui_nethelpdesk.emulator.folder import NetHelpDeskFolder

__all__ = ["NetHelpDeskEmulator", "NetHelpDeskFolder"]
