"""Alembic's way in: the steps run on the connection and in the transaction that `schema.upgrade` has open."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
