"""Shards: files that hold many encoded images each, tar files and tables of Parquet or Arrow."""

from .encoded_images import STREAMED, Shards
from .kinds import KINDS, scan
from .scanned import Scan, data_set

__all__ = ["KINDS", "STREAMED", "Scan", "Shards", "data_set", "scan"]
