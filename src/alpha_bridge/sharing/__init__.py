"""Models in folders and on the hub, and as ONNX: data that can be read, and no code."""

from ..networks.blueprint import Blueprint, shareable
from .card import Card, Picture
from .pretrained import Pretrained

__all__ = ["Blueprint", "Card", "Picture", "Pretrained", "shareable"]
