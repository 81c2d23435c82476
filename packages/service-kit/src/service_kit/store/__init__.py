"""What the packs with SQL share: where the database is, its migrations, its transactions."""
