"""Creates the table of companies, with two example rows."""

import sqlalchemy as sa
from alembic import op

revision = "companies_0001"
down_revision = None

_FIRST = [
    {"name": "Empresa X", "name_key": "empresa x", "employees": 100},
    {"name": "Empresa Y", "name_key": "empresa y", "employees": 200},
]


def upgrade() -> None:
    companies = op.create_table(
        "companies",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("name_key", sa.String(500), nullable=False, unique=True),
        sa.Column("employees", sa.Integer, nullable=False),
        sa.CheckConstraint("employees >= 0", name="companies_employees"),
    )
    op.bulk_insert(companies, _FIRST)


def downgrade() -> None:
    op.drop_table("companies")
