"""The engine: pull, match, resolve, plan, send, settle, verify, import, worker."""
