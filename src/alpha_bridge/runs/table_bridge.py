"""The α-Bridge of a table in the manner of scikit-learn."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ..checks import at_least
from ..data.rng import latents
from ..data.tables import TableUnits, load_table, read_rows, read_table
from ..inference import imputation
from ..inference.conditional_rows import rows_given
from ..inference.importance import SmoothedWeights, smoothed_weights
from ..metrics.evaluation import decoded, in_chunks
from ..recipe import Config, known_keys, value_of
from ..settings import REALISM
from ..training.checkpoint import write
from ..training.state import UNITS
from .bridge_estimator import BridgeEstimator
from .folder import Run
from .loading import load_model, units_of
from .opening import open_run

__all__ = ["TableBridge", "name_of"]

FRAME, TABLE = "DataFrame.parquet", "Table.parquet"
"""What the configuration calls data that came from Python: of pandas, or of pyarrow and others."""

OWN = ("columns", "data", "event_shape", "fingerprint", "rows", "seed")
"""Keys of a configuration that are no settings of an estimator: parameters, or of its table."""


class TableBridge(TransformerMixin, ClassNamePrefixFeaturesOutMixin, BridgeEstimator):
    r"""A model of the rows of a table, :math:`p_\theta(x|z) = \prod_v p_v(x_v|z)`.

    It trains what ``alpha-bridge train`` trains, by the same loop and with the same defaults, and
    :meth:`save` leaves a run. Tables come back as they were given: data frames of pandas as such,
    all others, files included, as tables of pyarrow, with types and the order of columns.

    In a pipeline it is a transformer: :meth:`transform` gives the means of
    :math:`q_\phi(z|x)`. It takes tables with names and types, and no arrays.

    Attributes:
        config_: The resolved configuration, with what was decided.
        model_: The averaged model, :class:`~alpha_bridge.model.AlphaBridge`.
        units_: Between the table and rows of the model.
        feature_names_in_: Names of the columns.

    Example:
        >>> frame = pyarrow.table({"a": [1.5, 2.5, 3.5, 4.5] * 20, "b": ["x", "y"] * 40})
        >>> settings = {"model.latent": 2, "model.hidden": (8,)}
        >>> bridge = TableBridge(steps=20, settings=settings, progress=False).fit(frame)
        >>> bridge.sample(3, where={"b": "x"})["b"].to_pylist()
        ['x', 'x', 'x']
        >>> bridge.encode(frame).shape
        (80, 2)
    """

    def fit(self, X: Any, y: object = None) -> TableBridge:  # noqa: ANN401, ARG002, N803
        """Train on a table, of which a tenth is held out, always the same.

        Args:
            X: A data frame of pandas or any library that Arrow's interface is known to, a table of
                pyarrow, or the path of a file.
            y: Not used.

        Raises:
            ValueError: A parameter is wrong, or the table cannot be used; one line.
            FileNotFoundError: There is no such file.
            Diverged: A parameter became NaN, and roll-backs, if any, did not help.
            Halted: An incident after which ``watch.answer`` asks to stop.
        """
        config = self._configured(name_of(X))
        source = self._trained(config, lambda: load_table(X, config.columns))
        assert isinstance(source.units, TableUnits)
        self._described(source.units)
        return self

    def sample(
        self,
        n: int = 1,
        where: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:  # noqa: ANN401
        """Draw rows, given conditions if there are any.

        Args:
            n: How many.
            where: By column, the value that it must have, None for a gap.
            random_state: Of the draws; by default the estimator's.

        Raises:
            ValueError: No row, or too few, can meet the conditions; one line.
        """
        check_is_fitted(self)
        at_least(1, "n", n)
        seed = self._seed(random_state)
        if where:
            found = rows_given(self.model_, self.units_, where, n, seed)
            self._say(found.line)
            return self._given_back(found.table)
        z = latents(seed, n, self.model_.latent_shape)
        return self._given_back(self.units_.table(decoded(self.model_, z, seed), seed))

    def impute(
        self,
        X: Any,  # noqa: ANN401, N803
        draws: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:  # noqa: ANN401
        """Fill gaps by draws from the model, given what is known of each row.

        Args:
            X: A table with the columns that were fitted.
            draws: How often, for multiple imputation; None for once.
            random_state: Of the draws; by default the estimator's.

        Returns:
            A table, or a list of ``draws`` tables. What was known is as it was.

        Raises:
            ValueError: The columns differ; one line.
        """
        check_is_fitted(self)
        seed = self._seed(random_state)
        table = read_table(X, self._say, self.units_.coding.texts_alone)
        count = 1 if draws is None else draws
        found = imputation.impute(self.model_, self.units_, table, count, seed, self._say)
        self._say(found.line)
        tables = [self._given_back(one, like=X) for one in found.tables]
        return tables[0] if draws is None else tables

    def encode(self, X: Any) -> NDArray[np.float32]:  # noqa: ANN401, N803
        r"""Means of :math:`q_\phi(z|x)`, shape ``(rows, latent)``."""
        z: NDArray[np.float32] = in_chunks(self.model_.encode, self._rows(X)).numpy()
        return z

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: ANN401, N803
        """The same as :meth:`encode`, as pipelines call it."""
        return self.encode(X)

    def log_ratio(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        r"""The discriminator's :math:`f(x) = \log q(x) - \log p_\theta(x)`, shape ``(rows,)``.

        :mod:`alpha_bridge.inference.calibrated_ratio` says how good it is on held-out rows.
        """
        return in_chunks(self.model_.log_ratio, self._rows(X)).double().numpy()

    def weights(self, X: Any) -> SmoothedWeights:  # noqa: ANN401, N803
        """Weights q/p of rows that the model has made, towards the data.

        Returns:
            Weights with sum 1, the k̂ of their tail and the share of the rows that is effective.
        """
        return smoothed_weights(self.log_ratio(X))

    def save(self, folder: str | Path) -> None:
        """Leave a run in a new folder, which :meth:`load` and the command line take.

        Raises:
            FileExistsError: The folder holds something already.
        """
        check_is_fitted(self)
        run = Run.create(Path(folder), self.config_.model_dump(mode="json"))
        networks = self.model_.state_dict()
        arms = {k: v for k, v in networks.items() if k.startswith(("generator.", "encoder."))}
        tensors = {"model": networks, "average": arms, "memory": {}, UNITS: self.units_.tensors()}
        write(tensors, self.config_.steps, run.checkpoint_folder(self.config_.steps))

    @classmethod
    def load(cls, folder: str | Path, step: int | None = None) -> TableBridge:
        """What :meth:`save` left, or any run of a table after ``step`` updates, or the last.

        Raises:
            ValueError: The run is of no table, or damaged; one line.
            FileNotFoundError: There is no run.
        """
        at = open_run(Path(folder), step)
        config = at.config
        if config.rows is None:
            raise ValueError(f"the samples of {folder} are no rows of a table: give a run of one")
        realism = REALISM if config.realism is None else config.realism
        bridge = cls(config.steps, realism, config.method, config.columns)
        units, usual = units_of(at), bridge._configured(config.data)
        assert isinstance(units, TableUnits)
        given = {key: value_of(config, key) for key in _given(config, usual)}
        bridge.set_params(settings=given or None, random_state=config.seed)
        bridge.config_, bridge.model_ = config, load_model(at)
        bridge._described(units)
        return bridge

    @property
    def _n_features_out(self) -> int:
        return int(np.prod(self.model_.latent_shape or ()))

    def _described(self, units: TableUnits) -> None:
        self.units_ = units
        self.feature_names_in_ = np.array(units.coding.schema.names, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

    def _rows(self, X: Any) -> Tensor:  # noqa: ANN401, N803
        check_is_fitted(self)
        return self.units_.normalize(read_rows(X, self.units_, self._say)).float()

    def _given_back(self, table: pyarrow.Table, like: Any = None) -> Any:  # noqa: ANN401
        """A table of the kind that was given, or fitted."""
        if not (self.config_.data == FRAME if like is None else _is_frame(like)):
            return table
        frame = table.to_pandas()
        return frame if like is None else frame.set_axis(like.index)


def _given(config: Config, usual: Config) -> list[str]:
    """The settings that were given for a run, and neither usual, decided nor recorded."""
    return [
        key
        for key in known_keys()
        if key not in (*OWN, *config.decided)
        and (key in usual.decided or value_of(config, key) != value_of(usual, key))
    ]


def name_of(data: Any) -> str:  # noqa: ANN401
    """What the configuration calls a table."""
    return str(data) if isinstance(data, str | Path) else FRAME if _is_frame(data) else TABLE


def _is_frame(data: Any) -> bool:  # noqa: ANN401
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)
