"""Alembic's way in: the steps run in the transaction that the caller opened."""

from alembic import context

from larkpost.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by building the table anew
    transactional_ddl=True,  # so does SQLite, once the driver keeps its hands off
)
with context.begin_transaction():
    context.run_migrations()
