"""The table of approvals that have been used."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "spent_approvals",
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float, nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("spent_approvals")
