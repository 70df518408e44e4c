"""Where runs are kept, so that one that was killed goes on where it stopped: SQLite by default, Postgres by URL."""

from agentsdk.store.connect import open_store
from agentsdk.store.place import effect_key
from agentsdk.store.store import Lease, Row, RunRecord, Store

__all__ = ["Lease", "Row", "RunRecord", "Store", "effect_key", "open_store"]
