"""Where runs are kept, so that one that was killed goes on where it stopped: SQLite by default, Postgres by URL."""
