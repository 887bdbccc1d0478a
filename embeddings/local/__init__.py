"""A collection in one folder: SQLite is the truth, the tantivy and FAISS indexes beside it are caches.

The only package that imports sqlite3, tantivy or faiss.
"""

from embeddings.local.storage import LocalStorage

__all__ = ["LocalStorage"]
