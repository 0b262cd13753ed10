"""HaloPSA emulated on loopback: a judge of what callers do, built from what halo-api says of the real one.

It imports the sandbox and nothing of the plugin.
"""

from xerotui_halo.emulator.emulator import HaloEmulator, meant_to_sync
from xerotui_halo.emulator.switches import Switches

__all__ = ["HaloEmulator", "Switches", "meant_to_sync"]
