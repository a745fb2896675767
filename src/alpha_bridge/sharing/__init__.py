"""Models in folders and on the hub, and as ONNX: data that can be read, and no code.

:func:`save` and :func:`push` write a model, :func:`load` reads it, from either.
"""

from ..networks.blueprint import Blueprint, shareable
from .card import Card, Picture
from .pretrained import Pretrained, load, push, save

__all__ = ["Blueprint", "Card", "Picture", "Pretrained", "load", "push", "save", "shareable"]
