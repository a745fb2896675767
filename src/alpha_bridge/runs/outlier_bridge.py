"""Outliers by the α-Bridge of vectors, images or a table, in the manner of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset
import torch
from numpy.typing import NDArray
from rich.console import Console
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from ..data import PixelUnits, Source, samples_of
from ..data.array_kinds import with_held_out
from ..data.tables import TableUnits, load_table, read_rows
from ..inference.calibrated_ratio import FEWEST_HELD_OUT
from ..inference.outlyingness import Outlyingness
from ..settings import REALISM
from .bridge_estimator import USUAL, BridgeEstimator
from .loading import CALIBRATED, data_of, load_model
from .opening import open_run, require_ratio
from .table_bridge import name_of

__all__ = ["OutlierBridge"]

ARRAY = "ndarray.npy"
"""What the configuration calls data that came as an array."""


class OutlierBridge(OutlierMixin, BridgeEstimator):
    r"""Scores of samples that are unlike the data: bound, reconstruction, ratio, and their sum.

    It trains what ``alpha-bridge train`` trains, with the same defaults. The training data may hold
    a share of outliers. Each score becomes the surprisal of one as large among the samples that are
    held out, a tenth, and the three are summed (:mod:`alpha_bridge.inference.outlyingness`). Fewer
    than 40 of them are joined by those that were trained on.

    It takes arrays of numbers ``(N, D)``, uint8 images ``(N, H, W)``, ``(N, H, W, C)`` or
    ``(N, C, H, W)``, and tables as :class:`~alpha_bridge.TableBridge` does.

    Attributes:
        config_: The resolved configuration, with what was decided.
        model_: The averaged model, :class:`~alpha_bridge.model.AlphaBridge`.
        units_: Between the data and the model.
        outlyingness_: The calibrated sum of a model's scores.
        offset_: Of :meth:`decision_function`: a share ``contamination`` of the samples that were
            fitted has a lower score.
        n_features_in_: Columns, or numbers of one sample.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> settings = {"model.hidden": (8,)}
        >>> found = OutlierBridge(steps=20, settings=settings, progress=False).fit(x)
        >>> near, far = found.score_samples([[0.0, 0.0], [9.0, -9.0]])
        >>> bool(near > far), found.predict([[9.0, -9.0]]).tolist()
        (True, [-1])
    """

    def __init__(
        self,
        steps: int | None = None,
        realism: float = REALISM,
        method: str = USUAL.method,
        columns: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = USUAL.seed,
        progress: bool = True,
        contamination: float = 0.1,
    ) -> None:
        """Keep the arguments, which :meth:`fit` holds to their ranges.

        Args:
            steps: Number of updates; None for 2,000 of a table, and 10,000 of other samples.
            realism: As of :class:`~alpha_bridge.TableBridge`, and so are all others but the last.
            method: Of training.
            columns: Of a table, kinds that are to be others than those recognised.
            settings: Any other setting by its name on the command line.
            random_state: Seed of weights, batches and draws.
            progress: Whether to say on standard error how training goes.
            contamination: Share of the samples fitted that :meth:`predict` takes for outliers, in
                (0, 0.5].
        """
        super().__init__(steps, realism, method, columns, settings, random_state, progress)
        self.contamination = contamination

    def fit(self, X: Any, y: object = None) -> OutlierBridge:  # noqa: ANN401, ARG002, N803
        """Train on samples, of which a tenth is held out, always the same.

        Args:
            X: An array or a table.
            y: Not used.

        Raises:
            ValueError: A parameter is wrong, or the samples cannot be used; one line.
            Diverged: A parameter became NaN, and roll-backs, if any, did not help.
            Halted: An incident after which ``watch.answer`` asks to stop.
        """
        _require_share(self.contamination)
        if _is_table(X):
            config = self._configured(name_of(X))
            source = self._trained(config, lambda: load_table(X, config.columns))
        else:
            array = self._array(X, reset=True)
            source = self._trained(self._configured(ARRAY), lambda: with_held_out(array))
        return self._calibrated(source)

    @classmethod
    def from_run(
        cls,
        folder: str | Path,
        contamination: float = 0.1,
        data: str | None = None,
        step: int | None = None,
        console: Console | None = None,
    ) -> OutlierBridge:
        """That of the model of a run, calibrated on its data.

        Args:
            folder: Of the run.
            contamination: As of the class.
            data: Data in place of the run's.
            step: Updates of the checkpoint; by default the latest.
            console: Where to show progress; nowhere by default.

        Raises:
            ValueError: The run has no ratio, or it or its data cannot be used; one line.
            FileNotFoundError: There is no run.
        """
        _require_share(contamination)
        at = open_run(Path(folder), step)
        config = at.config
        require_ratio(config, at.step)
        realism = REALISM if config.realism is None else config.realism
        found = cls(config.steps, realism, config.method, random_state=config.seed)
        found.set_params(contamination=contamination, progress=console is not None)
        console = console or Console(quiet=True)
        source = data_of(at, console, data, "--held-out")
        found.config_, found.model_ = config, load_model(at)
        return found._calibrated(source)

    def score_samples(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Minus the calibrated sum in nats, ``(N,)``: the lower, the less usual."""
        x = self.to_model(X)
        return -self.outlyingness_(x)

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """The same less :attr:`offset_`: below 0 for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:  # noqa: ANN401, N803
        """−1 for outliers, and 1 for all others."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def to_model(self, X: Any) -> Tensor:  # noqa: ANN401, N803
        """Samples as the model sees them, ``(N, *event)``.

        Raises:
            ValueError: They are of another kind or shape than those that were fitted; one line.
        """
        check_is_fitted(self)
        shape = self.config_.event_shape or ()
        if _is_table(X) != isinstance(self.units_, TableUnits):
            kind = "rows of a table" if isinstance(self.units_, TableUnits) else "an array"
            raise ValueError(f"the samples that were fitted are {kind}, got {type(X).__name__}")
        if isinstance(self.units_, TableUnits):
            return self.units_.normalize(read_rows(X, self.units_, self._say))
        x = samples_of(self._array(X, reset=False), shape)
        if tuple(x.shape[1:]) != shape:
            raise ValueError(f"samples must have the shape {shape}, got {tuple(x.shape[1:])}")
        return self.units_.normalize(x)

    def _calibrated(self, source: Source) -> OutlierBridge:
        units, held_out = source.units, source.held_out(CALIBRATED)
        every = torch.cat([source.training(CALIBRATED), held_out])
        if len(held_out) < FEWEST_HELD_OUT:
            self._say(f"{len(held_out)} samples are held out: scores are calibrated on all of them")
            held_out = every
        self.units_ = units
        self.n_features_in_ = int(np.prod(source.event_shape))
        if isinstance(units, TableUnits):
            self.feature_names_in_ = np.array(units.coding.schema.names, dtype=object)
            self.n_features_in_ = len(self.feature_names_in_)
        self.outlyingness_ = Outlyingness.of(self.model_, units.normalize(held_out))
        scores = -self.outlyingness_(units.normalize(every))
        self.offset_ = float(np.quantile(scores, self.contamination))
        return self

    def _array(self, X: Any, reset: bool) -> NDArray[Any]:  # noqa: ANN401, N803
        """An array as it is given: uint8 images, or numbers that scikit-learn has checked."""
        given = X.numpy(force=True) if isinstance(X, Tensor) else X
        images = getattr(given, "ndim", 2) > 2
        if not reset and images != isinstance(self.units_, PixelUnits):
            kind = "vectors" if images else "images"
            raise ValueError(
                f"the samples that were fitted are {kind}, got an array of shape {np.shape(given)}"
            )
        if images:
            return np.asarray(given)
        array: NDArray[Any] = validate_data(
            self,
            given,
            reset=reset,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2 - (not reset),
        )
        return array


def _require_share(contamination: float) -> None:
    if not 0 < contamination <= 0.5:
        raise ValueError(f"contamination must lie in (0, 0.5], got {contamination}")


def _is_table(data: Any) -> bool:  # noqa: ANN401
    """Whether data have columns with names and types."""
    named = str | Path | pyarrow.dataset.Dataset
    return isinstance(data, named) or hasattr(data, "__arrow_c_stream__")
