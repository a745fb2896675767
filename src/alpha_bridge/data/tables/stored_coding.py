"""The coding of a table as tensors, and back."""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow
import torch
from torch import Tensor

from .cells import plain_type
from .coding import Coding
from .columns import read_columns
from .quantiles import Quantiles

COLUMNS = b"alpha_bridge.columns"
"""The key of a schema's metadata that has its columns."""


def tensors_of(coding: Coding) -> dict[str, Tensor]:
    """All that a coding holds as tensors, from which :func:`coding_of` makes it again."""
    record = {
        "dtype": coding.dtype.name,
        "counts": {at: one.count for at, one in coding.quantiles.items()},
        "columns": coding.record(),
    }
    own = coding.schema.metadata or {}
    schema = coding.schema.with_metadata(own | {COLUMNS: json.dumps(record).encode()})
    found = {"schema": _tensor(schema.serialize())}
    for at, one in coding.quantiles.items():
        found[f"quantiles.{at}"] = torch.from_numpy(np.stack([one.values, one.shares]))
    for at, members in coding.members.items():
        found[f"members.{at}"] = _tensor(members.serialize())
    return found


def coding_of(tensors: Mapping[str, Tensor]) -> Coding:
    """The coding that gave these tensors."""
    schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(tensors["schema"].numpy().tobytes()))
    metadata = dict(schema.metadata)
    record = json.loads(metadata.pop(COLUMNS))
    read = read_columns(record["columns"])
    columns = tuple(one.resolved for one in read.values() if one.resolved is not None)
    quantiles = {
        int(at): Quantiles(values.numpy(), shares.numpy(), count)
        for at, count in record["counts"].items()
        for values, shares in [tensors[f"quantiles.{at}"].double()]
    }
    members = {
        int(at): pyarrow.ipc.read_record_batch(
            pyarrow.py_buffer(tensor.numpy().tobytes()), _members(schema, int(at))
        )
        for name, tensor in tensors.items()
        for kind, _, at in [name.partition(".")]
        if kind == "members"
    }
    dtype = np.dtype(record["dtype"])
    return Coding(columns, schema.with_metadata(metadata or None), quantiles, members, dtype)


def _members(schema: pyarrow.Schema, at: int) -> pyarrow.Schema:
    """The schema of what the buckets of a column stand for."""
    kind = plain_type(schema.field(at).type)
    return pyarrow.schema({"value": kind, "bucket": pyarrow.int32(), "count": pyarrow.int64()})


def _tensor(buffer: pyarrow.Buffer) -> Tensor:
    return torch.frombuffer(bytearray(buffer), dtype=torch.uint8)
