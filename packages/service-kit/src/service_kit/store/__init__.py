"""Stores that outlive a process: SQL (SQLite, PostgreSQL) and Redis (Valkey). One that is away is `StoreAway`."""
