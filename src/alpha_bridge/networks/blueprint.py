"""How a network is built: an import path and arguments, and never code.

What is stored of a network beside its weights can be read by people, and says what would be
imported before anything is. A path outside ``alpha_bridge.networks`` and
``alpha_bridge.vae`` is imported only if the caller trusts the package that it lies in.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from inspect import BoundArguments, Parameter, signature
from reprlib import repr as shortened
from typing import Any, ClassVar, TypeVar

from torch import Tensor, nn

from ..errors import one_line

Class = TypeVar("Class", bound=type[nn.Module])

OWN = ("alpha_bridge.networks", "alpha_bridge.vae")
"""Packages whose classes need no trust: they import torch, and for a VAE the library that the
caller has installed for it, and run nothing else."""


@dataclass(frozen=True)
class Blueprint:
    """An import path and arguments, of which a network can be built.

    Attributes:
        path: ``package.module:Class`` of a :class:`torch.nn.Module`.
        arguments: Of its constructor, by name; values that JSON knows, tensors, which it has as
            lists, and blueprints of networks that it is made of, which it has as
            ``{"network": path, "arguments": {...}}``.

    Example:
        >>> plan = Blueprint("alpha_bridge.networks.mlp:MLPDiscriminator", {"features": 3})
        >>> plan.build().blueprint == plan
        True
    """

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # in a file, other keys are a mistake

    @classmethod
    def of(cls, network: nn.Module) -> "Blueprint":
        """How ``network`` was built, in values that JSON has.

        Raises:
            ValueError: It has no blueprint, its class cannot be imported by others, or JSON does
                not know an argument.
        """
        plan = getattr(network, "blueprint", None)
        if not isinstance(plan, cls):
            kind = type(network)
            raise ValueError(
                f"{kind.__module__}:{kind.__qualname__} does not say how it is built: decorate "
                "the class with alpha_bridge.sharing.shareable, or build the network with "
                "alpha_bridge.sharing.Blueprint(path, arguments).build(trust=...)"
            )
        return plan.as_json()

    def as_json(self) -> "Blueprint":
        """The same as it comes back from a file: tuples are lists there."""
        assert self.module
        try:
            plain = json.dumps(dict(self.arguments), allow_nan=False, default=_as_json)
            arguments = json.loads(plain)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"the arguments of {self.path} must be values that JSON knows, got "
                f"{shortened(self.arguments)}: {error}"
            ) from error
        return Blueprint(self.path, arguments)

    @property
    def module(self) -> str:
        """The module that the path names; a path of another form is refused."""
        module, colon, name = self.path.partition(":")
        parts = [*module.split("."), *name.split(".")]
        if not colon or any(part.startswith("__") or not part.isidentifier() for part in parts):
            raise ValueError(
                f"a network is named as package.module:Class, got {self.path!r}: a class of a "
                "script, a notebook or a function must move to a module that others can import"
            )
        return module

    @property
    def modules(self) -> set[str]:
        """Modules of the network, and of those that it is made of."""
        parts = filter(None, map(_part, self.arguments.values()))
        return {self.module}.union(*(part.modules for part in parts))

    def build(self, trust: Collection[str] = ()) -> nn.Module:
        """Build the network, with first weights of its own.

        Args:
            trust: Modules and packages beside ``alpha_bridge.networks`` that may be imported.

        Returns:
            The network, whose ``blueprint`` this is.

        Raises:
            ValueError: The path lies outside what is trusted, there is no such network, or it does
                not take the arguments.
        """
        kind = self._import(trust)
        arguments = {name: _built(value, trust) for name, value in self.arguments.items()}
        try:
            network: nn.Module = kind(**arguments)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{self.path} cannot be built with {shortened(self.arguments)}: {one_line(error)}"
            ) from error
        network.blueprint = self  # type: ignore[assignment]
        return network

    def _import(self, trust: Collection[str]) -> type[nn.Module]:
        module, name = self.module, self.path.partition(":")[2]
        if not any(module == one or module.startswith(f"{one}.") for one in (*OWN, *trust)):
            raise ValueError(
                f"the network {self.path} is not one of {OWN[0]}, and importing it would run its "
                f"code: if you trust it, give trust=[{module.split('.')[0]!r}]"
            )
        try:
            found = vars(import_module(module))
            for outer in name.split(".")[:-1]:
                found = vars(found[outer])
            kind = found[name.rpartition(".")[-1]]
        except (ImportError, LookupError, TypeError) as error:
            raise ValueError(
                f"there is no network {self.path} ({error}): install the package that has it"
            ) from error
        made_here = getattr(kind, "__module__", None) == module
        if not (made_here and isinstance(kind, type) and issubclass(kind, nn.Module)):
            raise ValueError(f"{self.path} is not a torch.nn.Module that {module} defines")
        return kind


def shareable(kind: Class) -> Class:
    """Let the networks of a class remember how they were built, as a decorator of the class.

    Its constructor takes values that JSON knows. A subclass needs a decorator of its own.

    Example:
        >>> from alpha_bridge.networks import MLPDiscriminator
        >>> MLPDiscriminator(3, hidden=(8,)).blueprint.arguments
        {'features': 3, 'hidden': (8,), 'trials': None}
    """
    plain, parameters = kind.__init__, signature(kind)

    @wraps(plain)
    def build(self: nn.Module, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        plain(self, *args, **kwargs)
        if type(self) is kind:
            given = parameters.bind(*args, **kwargs)
            given.apply_defaults()
            path = f"{kind.__module__}:{kind.__qualname__}"
            self.blueprint = Blueprint(path, _by_name(given))  # type: ignore[assignment]

    kind.__init__ = build  # type: ignore[method-assign]
    return kind


def _as_json(value: object) -> object:
    """An argument that JSON does not know: numbers, or how a part is built."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, Blueprint):
        return {"network": value.path, "arguments": dict(value.arguments)}
    raise TypeError(
        f"{shortened(value)} is neither such a value nor a network of a shareable class"
    )


def _built(value: object, trust: Collection[str]) -> object:
    """An argument as the constructor takes it."""
    part = _part(value)
    return value if part is None else part.build(trust)


def _part(value: object) -> Blueprint | None:
    """How a network is built that is an argument of another, if ``value`` is one."""
    if isinstance(value, dict) and value.keys() == {"network", "arguments"}:
        value = Blueprint(value["network"], value["arguments"])
    return value if isinstance(value, Blueprint) else None


def _by_name(given: BoundArguments) -> dict[str, Any]:
    """Arguments by name, those of ``**kwargs`` among them."""
    arguments = dict(given.arguments)
    for parameter in given.signature.parameters.values():
        if parameter.kind is Parameter.VAR_KEYWORD:
            arguments |= arguments.pop(parameter.name)
        elif parameter.kind is Parameter.VAR_POSITIONAL and not arguments[parameter.name]:
            del arguments[parameter.name]
    return {name: _planned(value) for name, value in arguments.items()}


def _planned(value: object) -> object:
    """How a network is built in place of the network, which would be kept twice."""
    return getattr(value, "blueprint", type(value)) if isinstance(value, nn.Module) else value
