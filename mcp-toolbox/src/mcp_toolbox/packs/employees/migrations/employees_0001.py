"""Creates the table of employees."""

import sqlalchemy as sa
from alembic import op

revision = "employees_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "employees",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("name_key", sa.String(500), nullable=False),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("department", sa.String(80), nullable=False),
        sa.Column("department_key", sa.String(400), nullable=False, index=True),
        sa.Column("position", sa.String(80)),
        sa.Column("salary_cents", sa.BigInteger),
        sa.Column("hired_on", sa.Date),
        sa.CheckConstraint("salary_cents >= 0", name="employees_salary"),
    )


def downgrade() -> None:
    op.drop_table("employees")
