r"""Rows of a table: categories and numbers, independent of each other given the latent.

.. math:: p_\theta(x|z) = \prod_v p_v(x_v|z)

with a softmax for a category and a Gaussian with its own σ for a number. A generator gives the
parameters of all of them, its logits, means and log σ; a row is drawn from those.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..gaussian import LOG_TWO_PI

__all__ = ["DrawnRows", "RowFamily"]

LEAST = 2.0**-24
"""The least uniform draw, half a step of single precision: a normal one of -5.3."""

Function = Callable[[Tensor], Tensor]
"""Of rows ``(count, *lead, D)``, to a number for each, ``(count, *lead)``."""


@dataclass(frozen=True)
class RowFamily:
    """Where categories and numbers lie in a row of D numbers.

    A category is a block of K places, one of which holds 1 and the others 0. A number is a place,
    and may have a gate: a place of some category that must hold 1 for the number to be there; it is
    0 where it is not.

    Attributes:
        categories: The first place of each block, and K.
        numbers: The place of each number, and that of its gate or None.

    Raises:
        ValueError: Places overlap or leave some out, or a gate is in no category.

    Example:
        >>> rows = RowFamily(categories=((0, 2),), numbers=((2, 1),))
        >>> rows.size, rows.parameters
        (3, 4)
    """

    categories: tuple[tuple[int, int], ...] = ()
    numbers: tuple[tuple[int, int | None], ...] = ()

    def __post_init__(self) -> None:
        of_categories = [at for start, size in self.categories for at in range(start, start + size)]
        places = sorted([*of_categories, *(place for place, _ in self.numbers)])
        if places != [*range(len(places))] or not places:
            raise ValueError(f"places of a row must be 0, 1, ... once each, got {places}")
        gates = {gate for _, gate in self.numbers if gate is not None}
        if stray := sorted(gates - {*of_categories}):
            raise ValueError(f"the gate of a number must lie in a category, got place {stray[0]}")

    @property
    def size(self) -> int:
        """D, numbers of a row."""
        return sum(size for _, size in self.categories) + len(self.numbers)

    @property
    def draws(self) -> int:
        """V + N + 1, uniform numbers that a row is drawn with, and its alternatives chosen."""
        return len(self.categories) + len(self.numbers) + 1

    @property
    def parameters(self) -> int:
        """Numbers that describe the distribution of a row: D logits and means, and each log σ."""
        return self.size + len(self.numbers)

    def log_likelihood(self, x: Tensor, parameters: Tensor) -> Tensor:
        r"""Log-likelihood of rows, :math:`\sum_v \log p_v(x_v|z)`.

        Args:
            x: Rows, shape ``(*lead, D)``.
            parameters: What the generator made of the latents, ``(*lead, D + N)``.

        Returns:
            Nats, shape ``lead``; densities are in the units of the row.
        """
        nats = torch.zeros_like(x[..., 0])
        if self.categories:
            nats = nats + (x[..., self._in_categories] * self.log_shares(parameters)).sum(-1)
        if self.numbers:
            mean, log_sigma = self.moments_of_numbers(parameters)
            there = self.there(x)
            squared = ((x[..., self._places] - mean) * torch.exp(-log_sigma)).square()
            nats = nats - (there * (squared / 2 + log_sigma + LOG_TWO_PI / 2)).sum(-1)
        return nats

    def draw(self, parameters: Tensor, noise: Tensor | None = None) -> "DrawnRows":
        """Draw a row from each distribution.

        Args:
            parameters: As of :meth:`log_likelihood`.
            noise: Uniform draws in [0, 1), ``(*lead, V + N + 1)``: for each category, for each
                number, and for the choice of alternatives; None for draws of torch's global
                generator.

        Returns:
            Rows whose numbers have a graph to the parameters; categories have none.
        """
        count = len(self.categories)
        if noise is None:
            shape = (*parameters.shape[:-1], self.draws)
            noise = torch.rand(shape, device=parameters.device, dtype=parameters.dtype)
        x = torch.zeros_like(parameters[..., : self.size])
        if self.categories:
            each = noise[..., :count].split([count for _, count, _ in self._runs], -1)
            found = [*map(_chosen, self._blocks(parameters.detach()), each)]
            x = x.scatter(-1, self._first.to(x.device) + torch.cat(found, -1), 1.0)
        values = parameters[..., :0]
        if self.numbers:
            mean, log_sigma = self.moments_of_numbers(parameters)
            within = noise[..., count:-1].clamp(LEAST, 1 - LEAST)
            values = mean + log_sigma.exp() * torch.special.ndtri(within)
            x = self.with_numbers(x, values)
        return DrawnRows(self, parameters, x, values, noise[..., -1])

    def _blocks(self, places: Tensor) -> Iterator[Tensor]:
        """Places of categories, ``(*lead, categories, K)``: those of each run together."""
        for start, count, size in self._runs:
            yield places[..., start : start + count * size].unflatten(-1, (count, size))

    def log_shares(self, parameters: Tensor) -> Tensor:
        """Log-probabilities of all categories' places, block after block."""
        blocks = self._blocks(parameters)
        return torch.cat([F.log_softmax(block, -1).flatten(-2) for block in blocks], -1)

    def moments_of_numbers(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ of each number, ``(*lead, N)``, of parameters ``(*lead, D + N)``."""
        return parameters[..., self._places], parameters[..., self.size :]

    def there(self, x: Tensor) -> Tensor:
        """1 where a number is there, and 0 where its gate is closed, ``(*lead, N)``."""
        there = torch.ones_like(x[..., self._places])
        gated = [at for at, (_, gate) in enumerate(self.numbers) if gate is not None]
        if gated:
            there[..., gated] = x[..., [self.numbers[at][1] for at in gated]]
        return there

    def with_numbers(self, x: Tensor, values: Tensor) -> Tensor:
        """The rows ``(*lead, D)`` with these numbers, ``(*lead, N)``, where they are there."""
        places = torch.tensor(self._places, device=x.device).expand(values.shape)
        return x.scatter(-1, places, self.there(x) * values)

    @cached_property
    def _places(self) -> list[int]:
        return [place for place, _ in self.numbers]

    @cached_property
    def _in_categories(self) -> list[int]:
        return [at for start, size in self.categories for at in range(start, start + size)]

    @cached_property
    def _first(self) -> Tensor:
        return torch.tensor([start for start, _ in self.categories])

    @cached_property
    def _sizes(self) -> Tensor:
        return torch.tensor([size for _, size in self.categories])

    @cached_property
    def _category(self) -> Tensor:
        """Of each place of a row, which category it is in; 0 for a number."""
        of = torch.zeros(self.size, dtype=torch.long)
        for at, (start, size) in enumerate(self.categories):
            of[start : start + size] = at
        return of

    @cached_property
    def _ways(self) -> Tensor:
        """Every category with every way to another of its places, ``(S, 2)``."""
        ways = [(at, far) for at, (_, size) in enumerate(self.categories) for far in range(1, size)]
        return torch.tensor(ways, dtype=torch.long).reshape(-1, 2)

    @cached_property
    def _runs(self) -> list[tuple[int, int, int]]:
        """Categories side by side that have as many places: the first place, their number, and K.

        Their softmax is one operation. To fill all blocks up to the largest K takes five times as
        long on Adult, where one category has 41 places and most have fewer than ten.
        """
        runs: list[tuple[int, int, int]] = []
        for start, size in self.categories:
            first, count, each = runs[-1] if runs else (0, 0, 0)
            if each == size and first + count * size == start:
                runs[-1] = first, count + 1, size
            else:
                runs.append((start, 1, size))
        return runs


@dataclass(frozen=True)
class DrawnRows:
    """Rows that were drawn, and what they were drawn from.

    Attributes:
        family: Where what lies.
        parameters: Of the distributions, ``(*lead, D + N)``, with their graph.
        x: The rows, ``(*lead, D)``; their numbers have a graph.
        values: All numbers, ``(*lead, N)``, also those whose gate is closed.
        choice: A uniform draw for each row, ``lead``, by which alternatives are chosen.
    """

    family: RowFamily
    parameters: Tensor
    x: Tensor
    values: Tensor
    choice: Tensor

    def surrogate(self, w: Function, most: int | None = None, at_once: int = 2**16) -> Tensor:
        r"""What has the gradient of E[w] to the categories' parameters, given the latent.

        .. math:: \sum_v \sum_k p_v(k|z) \, w(x_{-v}, k)

        with the other columns as they were drawn and w constant: exact in each column, unbiased in
        all. It is the GO gradient of categories; see :mod:`alpha_bridge.go`. With ``most``, w is
        asked of so many alternatives of a row, each as often as it is likely to be drawn in the
        place of the row's own; its difference to w(x) counts the less the likelier it is, so that
        all stays unbiased.

        Args:
            w: The function under the expectation.
            most: Alternatives of each row; None for all.
            at_once: Rows of which w is asked at once.

        Returns:
            Zero, with that gradient, shape ``lead``.
        """
        family, lead = self.family, self.x.shape[:-1]
        if not family.categories:
            return torch.zeros_like(self.x[..., 0])
        shares = family.log_shares(self.parameters).exp()
        chunk = max(1, at_once // max(1, lead.numel()))
        with torch.no_grad():
            # a row's own categories are no alternatives: for two of each, half of the work
            (here,) = w(self.x.detach()[None])
            of_places = here[..., None].expand(self.x.shape).clone()
            if most is None or most >= len(family._ways):
                places, counts = self._all()
            else:
                places, counts = self._likely(shares, most)
            for place, count in zip(places.split(chunk), counts.split(chunk), strict=True):
                more = count * (w(self._alternatives(place)) - here)
                of_places.scatter_add_(-1, place.movedim(0, -1), more.movedim(0, -1))
        weighted = (shares - shares.detach()) * of_places[..., family._in_categories]
        total: Tensor = weighted.sum(-1)
        return total

    def straight_through(self, temperature: float) -> Tensor:
        r"""The rows, with the gradient of a softmax to their categories: cheap, and biased.

        .. math:: \partial x_v = \partial \, softmax((\log p_v(\cdot|z) + g) / \tau)

        with Gumbel noise g given what was drawn, so that the largest place is the row's own. The
        noise is of torch's global generator.

        Args:
            temperature: τ, above zero: a small one varies much, a large one is far off.

        Returns:
            The shape of ``x``, and equal to it.

        Source:
            Jang et al., Categorical Reparameterization with Gumbel-Softmax, ICLR 2017; the noise
            given the draw: Maddison et al., A* Sampling, NeurIPS 2014.
        """
        family, x = self.family, self.x.detach()
        if not family.categories:
            return self.x
        blocks = zip(family._blocks(self.parameters), family._blocks(x), strict=True)
        soft = torch.cat([_relaxed(*block, temperature).flatten(-2) for block in blocks], -1)
        places = torch.tensor(family._in_categories, device=x.device).expand(soft.shape)
        return family.with_numbers(
            x.scatter(-1, places, x.gather(-1, places) + (soft - soft.detach())), self.values
        )

    def _all(self) -> tuple[Tensor, Tensor]:
        """All other places that 1 may go to, ``(S, *lead)``, and how much each counts."""
        category, far = self.family._ways.to(self.x.device).unbind(-1)
        own = self._own[..., category].movedim(-1, 0)
        first, size = (
            of.to(self.x.device)[category].reshape(-1, *[1] * (own.ndim - 1))
            for of in (self.family._first, self.family._sizes)
        )
        places = first + (own - first + far.reshape(first.shape)) % size
        return places, torch.ones_like(places, dtype=self.x.dtype)

    def _likely(self, shares: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Some of them, evenly along the shares of all, and how much each counts, inversely."""
        in_categories = torch.tensor(self.family._in_categories, device=self.x.device)
        others = shares.double() * (self.x.detach()[..., in_categories] == 0)
        upto = others.cumsum(-1)
        steps = torch.arange(count, device=self.x.device) + self.choice.double()[..., None]
        found = torch.searchsorted(upto, steps / count * upto[..., -1:], right=True)
        found = found.clamp(max=len(in_categories) - 1)
        # a row that could be no other has shares of 0, and no gradient
        once = upto[..., -1:] / (count * others.gather(-1, found)).clamp(min=LEAST**8)
        return in_categories[found].movedim(-1, 0), once.to(self.x.dtype).movedim(-1, 0)

    @cached_property
    def _own(self) -> Tensor:
        """The place of each category that holds 1, ``(*lead, V)``."""
        first = self.family._first.to(self.x.device)
        blocks = self.family._blocks(self.x.detach())
        return first + torch.cat([block.argmax(-1) for block in blocks], -1)

    def _alternatives(self, places: Tensor) -> Tensor:
        """Rows ``(count, *lead, D)`` in which a category has another place."""
        category = self.family._category.to(self.x.device)[places].movedim(0, -1)
        own = self._own.gather(-1, category).movedim(-1, 0)
        x = self.x.detach().expand(*places.shape, -1)
        changed = x.scatter(-1, own[..., None], 0.0).scatter_(-1, places[..., None], 1.0)
        if not self.family.numbers:
            return changed
        values = self.values.detach()
        return self.family.with_numbers(changed, values.expand(*places.shape, -1))


def _chosen(logits: Tensor, draws: Tensor) -> Tensor:
    """The place that a uniform draw chooses in each block ``(*lead, categories, K)``."""
    upto = logits.double().softmax(-1).cumsum(-1)  # so that rare categories have their share
    return (upto < draws[..., None]).sum(-1).clamp(max=logits.shape[-1] - 1)


def _relaxed(logits: Tensor, chosen: Tensor, temperature: float) -> Tensor:
    """Softmax of logits with Gumbel noise given what was chosen of each block."""
    log_shares = F.log_softmax(logits, -1)
    with torch.no_grad():
        own = chosen > 0
        waits = torch.empty_like(log_shares).exponential_().clamp_(min=LEAST**2)
        first = waits.masked_fill(~own, 0.0).sum(-1, keepdim=True)
        later = waits * torch.exp(-log_shares) + first
        noise = -torch.where(own, first, later).log() - log_shares
    return ((log_shares + noise) / temperature).softmax(-1)
