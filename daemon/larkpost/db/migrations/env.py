"""The entry point of Alembic: steps run in the transaction that the caller opened."""

from alembic import context

from larkpost.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by rebuilding the table
    transactional_ddl=True,  # SQLite too, if the driver does not interfere
)
with context.begin_transaction():
    context.run_migrations()
