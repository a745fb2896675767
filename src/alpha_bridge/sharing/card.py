"""The page of a shared model: its data, its training, and what was measured."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from torch import nn

from ..errors import printable
from ..networks.blueprint import OWN, Blueprint

TEMPLATES = Path(__file__).with_name("templates")


class Picture(NamedTuple):
    """A picture on the page: the file's name and bytes, and what it shows."""

    file: str
    caption: str
    content: bytes


@dataclass(frozen=True)
class Card:
    """The page of a model; everything may be left out.

    The licence is the sharer's to choose: ``README.md`` has none until a line
    ``license: …`` is added to its head.

    Attributes:
        title: The heading.
        data: What the model was trained on, in short.
        dataset: The data's id on the hub, if they are there.
        training: What was done, a row for each name: the method, the path through α, γ, σ.
        measured: When the metrics were taken, such as ``after 3,000 updates``.
        metrics: Numbers by names that state their protocol, ``metric/protocol/samples``.
        pictures: Stored beside the page.
        draws: Whether samples can be drawn from the prior.
        columns: Of a table, what each is, by its name.

    Raises:
        ValueError: A metric's name does not state its protocol.
    """

    title: str = "α-Bridge"
    data: str = ""
    dataset: str | None = None
    training: Mapping[str, str] = field(default_factory=dict)
    measured: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    draws: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.metrics:
            if name.count("/") != 2:
                raise ValueError(
                    "a metric's name is metric/protocol/samples, such as modes/3std/10000, got "
                    f"{name!r}"
                )


def render(
    card: Card, networks: Mapping[str, nn.Module], source: str, vae: Mapping[str, Any] | None = None
) -> ModelCard:
    """The page, with a head for the hub that has the metrics as well.

    Args:
        card: What it says.
        networks: Of the model, by name.
        source: From where the reader will load it.
        vae: Library, configuration and form of the VAE whose networks they are, if any.
    """
    results = _results(card)
    head = ModelCardData(
        library_name="alpha_bridge",
        tags=["alpha-divergence", "generative-model", *(["tabular"] if card.columns else [])],
        datasets=[card.dataset] if card.dataset else None,
        eval_results=results or None,
        model_name=printable(card.title) if results else None,
    )
    plans = {name: Blueprint.of(network) for name, network in networks.items()}
    packages = {module.split(".")[0] for plan in plans.values() for module in plan.modules}
    body = _template().render(
        card=card,
        metrics=[(*name.split("/"), value) for name, value in card.metrics.items()],
        networks=[
            (name, plan.path, sum(p.numel() for p in networks[name].parameters()))
            for name, plan in plans.items()
        ],
        source=source,
        vae=vae,
        trust=sorted(packages - {own.split(".")[0] for own in OWN}),
    )
    return ModelCard(f"---\n{head.to_yaml()}\n---\n\n{body}")


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"markdown": markdown, "literal": _literal, "address": quote}
    return environment.get_template("model_card.md.jinja")


def _literal(text: str) -> str:
    r"""Text as Python's code has it.

    Example:
        >>> print(_literal('a"\x1bc'))
        "a\"\u001bc"
    """
    return printable(json.dumps(text, ensure_ascii=False))


def _results(card: Card) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="unconditional-generation",
            dataset_type=card.dataset or "custom",
            dataset_name=printable(card.data) or "unnamed data",
            metric_type=name.split("/")[0],
            metric_name=printable(name),
            metric_value=value,
        )
        for name, value in card.metrics.items()
        if math.isfinite(value)
    ]


def markdown(text: str) -> str:
    r"""Text from elsewhere for a Markdown page: no HTML, no link, no end of a cell.

    Example:
        >>> print(markdown("a <b> | [c](d)"))
        a &lt;b&gt; \| \[c\](d)
    """
    plain = html.escape(printable(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*|\[\]])", r"\\\1", plain)
