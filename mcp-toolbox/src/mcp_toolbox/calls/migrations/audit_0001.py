"""The table of tool calls."""

import sqlalchemy as sa
from alembic import op

revision = "audit_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "tool_calls",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("at", sa.Float, nullable=False, index=True),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("end_user", sa.String, nullable=False),
        sa.Column("traceparent", sa.String),
        sa.Column("tool", sa.String, nullable=False),
        sa.Column("source", sa.String),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("result_bytes", sa.BigInteger),
        sa.Column("transport", sa.String, nullable=False),
        sa.Column("arguments", sa.Text),
        sa.Index("tool_calls_of_principal", "principal", "at"),
    )


def downgrade() -> None:
    op.drop_table("tool_calls")
