"""Stores that outlive a process: SQL (SQLite, PostgreSQL) and Redis (Valkey). `StoreAway` means that one is away."""
