"""The plugin contract: hooks, Source, registry, emulator protocol."""
