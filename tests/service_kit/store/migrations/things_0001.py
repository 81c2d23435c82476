"""Creates a table of things."""

from alembic import op
from sqlalchemy import Column, Integer, String

revision = "things_0001"
down_revision = None


def upgrade() -> None:
    op.create_table("things", Column("id", Integer, primary_key=True), Column("name", String, unique=True))
