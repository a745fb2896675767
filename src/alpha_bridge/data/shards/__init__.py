"""Shards: files that hold many encoded images each, tar files and tables of Parquet or Arrow."""
