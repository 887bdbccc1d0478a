"""A collection in one folder: SQLite is the truth, the tantivy and FAISS indexes beside it are caches.

The only package that imports sqlite3, tantivy or faiss.
"""

from embeddings.local.database import has_collection, read_model
from embeddings.local.jobs import JobStore, StoredJob
from embeddings.local.storage import LocalStorage

__all__ = ["JobStore", "LocalStorage", "StoredJob", "has_collection", "read_model"]
