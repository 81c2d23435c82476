"""Creates the tables of documents, of their pieces with vectors, and of the model that computed the vectors."""

import sqlalchemy as sa
from alembic import op

revision = "memory_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "memory_documents",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("title_key", sa.String(900), nullable=False),
        sa.Column("source", sa.String(500)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("pieces", sa.Integer, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.UniqueConstraint("tenant", "digest", name="memory_documents_once"),
    )
    op.create_table(
        "memory_pieces",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "document_id",
            sa.Integer,
            sa.ForeignKey("memory_documents.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS vector")
        op.execute("ALTER TABLE memory_pieces ADD COLUMN embedding vector NOT NULL")
        # By default PostgreSQL moves a vector of 512 numbers out of its row, where reading it takes much longer.
        op.execute("ALTER TABLE memory_pieces SET (toast_tuple_target = 8160)")
    else:
        op.execute("ALTER TABLE memory_pieces ADD COLUMN embedding BLOB NOT NULL DEFAULT x''")
    op.create_table(
        "memory_models",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
    )
    op.create_table(
        "memory_tenants",
        sa.Column("tenant", sa.String(200), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("memory_tenants", "memory_models", "memory_pieces", "memory_documents"):
        op.drop_table(table)
