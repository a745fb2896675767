"""Files and folders: written whole, read with care, kept from a second process, summed up."""

from .json_object import parse_json, plain, read_json
from .writing import (
    GONE_BACK,
    IDENTITY,
    LOCK,
    append_line,
    cache_folder,
    discard,
    explained,
    filling,
    recover,
    recover_all,
    require_free,
    require_room,
    save_array,
    sha256,
    within,
    writing,
)

__all__ = [
    "GONE_BACK",
    "IDENTITY",
    "LOCK",
    "append_line",
    "cache_folder",
    "discard",
    "explained",
    "filling",
    "parse_json",
    "plain",
    "read_json",
    "recover",
    "recover_all",
    "require_free",
    "require_room",
    "save_array",
    "sha256",
    "within",
    "writing",
]
