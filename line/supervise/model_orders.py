"""Carries out orders about models: which one the workers run, and which shadow model runs beside.

A model is looked at first, by a process of its own. What then holds stands in session.json before
anybody hears of it; that a swap has come to its end, when it has.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from line.errors import BadInput
from line.model.facts import ModelFacts
from line.observe.orders import ModelOrder, Shadow, ShadowOff, Swap
from line.observe.status import Status
from line.run_files.line_logs import EventLog
from line.run_files.run_folder import RunFolder
from line.run_files.runtime_overrides import MOST_MODELS, Shadowing
from line.run_files.session import Session
from line.section import EngineName
from line.supervise.child import Child, ProcessSpec
from line.supervise.fitting_model import fitting, with_limits
from line.supervise.model_check import ModelCheck
from line.supervise.model_swap import Swap as Changeover
from line.supervise.process_table import ProcessTable

Done = dict[str, Any]


def shadow_spec(model: str) -> ProcessSpec:
    """The shadow worker; `model`: its short hash."""
    return ProcessSpec("shadow", "shadow", 0, "workers.shadow", model)


class ModelOrders:
    """Owned by the supervisor. `hold` writes down what holds from now on, or raises BadInput."""

    def __init__(
        self,
        table: ProcessTable,
        session: Session,
        folder: RunFolder,
        status: Status,
        events: EventLog,
        selector: selectors.BaseSelector,
    ) -> None:
        self._table = table
        self._overrides = session.overrides
        self._status = status
        self._events = events
        self._selector = selector
        self._own = ModelFacts.load(folder.path)
        self._session = session.number
        self._check: ModelCheck | None = None
        self._swap = Changeover(table, status, self._conclude)
        self._next = self._own
        self._notice = ""
        """id of what is told of the swap under way"""
        self._engine_fault: tuple[str, str] | None = None
        """a worker, and why the engine that serves is to be left, once that can be done"""
        self._has_fallen_back = False
        self.on_swap: Callable[[], None] = lambda: None
        """called when another model serves, before the dispatcher asks for it"""

    @property
    def is_swapping(self) -> bool:
        return self._swap.is_under_way

    @property
    def serving(self) -> ModelFacts:
        """The model of new workers."""
        return self._overrides.serving(self._own)

    def carry_out(self, order: ModelOrder, hold: Callable[..., None]) -> Done | Future[Done]:
        """Do it; a model that has to be looked at first is answered for later.

        Raises:
            BadInput: why it cannot be done; so does the result that comes later.
        """
        if self._status.phase == "stopping":
            raise BadInput("the line is stopping")
        if self._check is not None:
            raise BadInput("another model is being looked at")
        match order:
            case Swap(model=path, engine=engine):
                if self.is_swapping:
                    raise BadInput("a swap is under way")
                return self._look_at(path, engine, lambda model: self._begin_swap(model, hold))
            case Shadow(model=path, engine=engine, share=share):
                return self._look_at(
                    path, engine, lambda model: self._begin_shadow(model, share, hold)
                )
            case ShadowOff():
                return self._end_shadow(hold)

    def look(self) -> None:
        """Called several times a second."""
        if self._check is not None:
            self._check.look()
        self._swap.step()
        if self._engine_fault and not self.is_swapping:
            self._fall_back()

    def lost(self, child: Child, how: str) -> None:
        """A process has ended and was reaped."""
        self._swap.lost(child, how)

    def close(self) -> None:
        """Nobody is looked at any more."""
        if self._check is not None:
            self._check.close()
            self._check = None

    # -- which model --------------------------------------------------------------------------

    def _look_at(
        self, path: str, engine: EngineName | None, then: Callable[[ModelFacts], Done]
    ) -> Future[Done]:
        answer: Future[Done] = Future()

        def handle(found: ModelFacts | BadInput) -> None:
            self._check = None
            try:
                answer.set_result(then(fitting(found, self._own)))
            except Exception as error:  # whoever gave the order is told, and the line goes on
                answer.set_exception(error)

        settings = self._status.settings
        self._check = ModelCheck(
            Path(path),
            engine or self._overrides.serving(self._own).engine,
            settings.drawn_px,
            self._selector,
            handle,
        )
        return answer

    # -- swap ---------------------------------------------------------------------------------

    def _begin_swap(self, found: ModelFacts, hold: Callable[..., None]) -> Done:
        limit = self._status.settings.decision.novelty_energy
        model = with_limits(found, self._own, limit)
        before = self._overrides.serving(self._own)
        if model.short_hash == before.short_hash:
            raise BadInput(f"{model.path}: is the model that serves")
        both = [model] if model.standby is None else [model, model.standby]
        models = {**self._overrides.models, **{each.short_hash: each for each in both}}
        if len(models) > MOST_MODELS:
            raise BadInput(f"a run takes no more than {MOST_MODELS} models")
        hold(models=models)
        self._next, self._notice = model, f"swap-{self._overrides.orders}"
        self._has_fallen_back = False
        self._tell_dispatcher("judge")
        self._swap.begin(before.short_hash, model.short_hash)
        self._tell("under way")
        return {"model": model.short_hash, "before": before.short_hash}

    def _conclude(self, fault: str) -> None:
        """The swap has come to its end, or back to its beginning."""
        notice = self._notice
        if fault:
            self._tell("undone", fault)
            text = f"model {self._next.short_hash} was not taken: {fault}"
            self._events.append(notice, "swap_undone", text)
            return
        self._overrides.model = self._next.short_hash
        self._table.record()
        self.on_swap()
        self._tell_dispatcher("serve", sha256=self._next.sha256, engine=self._next.engine)
        self._tell("done")
        text = f"model {self._next.short_hash} serves"
        decision = self._status.settings.decision
        if decision.promised and not decision.thresholds_of(self._next.short_hash):
            names = ", ".join(each.class_name for each in decision.promised)
            text += f"; what was promised of the bins of another one is not in force ({names})"
        self._events.append(notice, "swap", text)

    def _tell(self, state: str, reason: str = "") -> None:
        model = self._next.short_hash
        self._status.swap = {"model": model, "state": state, "reason": reason}

    # -- the default engine -------------------------------------------------------------------

    def engine_failed(self, worker: str, why: str) -> None:
        """The engine that serves fails on a worker: all are to go on in the default one."""
        if not self._has_fallen_back:
            self._engine_fault = self._engine_fault or (worker, why)

    def revived(self, spec: ProcessSpec, why: str) -> bool:
        """Start a worker that was given up again in the default engine; False if it had that."""
        serving = self._overrides.serving(self._own)
        if serving.standby is None or spec.model != serving.short_hash:
            return False
        self.engine_failed(spec.name, f"{serving.engine}: {why}")
        self._table.add(replace(spec, model=serving.standby.short_hash))
        return True

    def _fall_back(self) -> None:
        """A swap to the same file in the default engine, which stands among the run's models."""
        assert self._engine_fault is not None
        (worker, why), self._engine_fault = self._engine_fault, None
        serving = self._overrides.serving(self._own)
        standby = serving.standby
        if standby is None:
            return  # a swap that was under way has led to the default engine
        self._has_fallen_back = True
        self._next = standby
        self._notice = f"engine-{self._session}-{self._overrides.orders}"
        text = f"{why}; the line changes to {standby.engine}"
        self._events.append(f"{self._notice}-failed", "engine_failed", text, worker)
        self._swap.begin(serving.short_hash, standby.short_hash)
        self._tell("under way", why)

    # -- shadow -------------------------------------------------------------------------------

    def _begin_shadow(self, model: ModelFacts, share: float, hold: Callable[..., None]) -> Done:
        if "shadow" in self._table.specs and self._overrides.shadow is None:
            raise BadInput("the last shadow model is still leaving")
        hold(shadow=Shadowing(model=model, share=share))
        if "shadow" in self._table.children:
            self._table.change_model("shadow", model.short_hash)
        else:
            self._table.add(shadow_spec(model.short_hash))
        self._tell_dispatcher("shadow", share=share)
        return {"model": model.short_hash, "share": share}

    def _end_shadow(self, hold: Callable[..., None]) -> Done:
        if self._overrides.shadow is None:
            raise BadInput("there is no shadow model")
        model = self._overrides.shadow.model.short_hash
        hold(shadow=None)
        self._table.dismiss("shadow")
        self._tell_dispatcher("shadow", share=0.0)
        return {"model": model}

    def _tell_dispatcher(self, kind: str, **facts: Any) -> None:
        if self._table.dispatcher is not None:
            self._table.dispatcher.channel.send(kind, **facts)
