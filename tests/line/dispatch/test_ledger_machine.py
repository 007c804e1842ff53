"""Cameras, workers and a log that do all that processes can do, around a real ledger.

The machine knows the truth: what was fed, what each process holds, what is written. The
ledger only hears of it what messages and the supervisor would tell. Messages to the dead vanish, a
new dispatcher knows nothing, and at the end everything that was fed must stand in the log.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from line.dispatch.actions import Acknowledge, Action, Assign, Picture, ShutOut, Suspect, Write
from line.dispatch.ledger import Ledger, Rules
from line.messages import (
    BatchTimes,
    Frame,
    Key,
    Refusal,
    Result,
    Unseen,
)
from line.outcome import Outcome, Verdict
from line.verdicts import Judge

RULES = Rules(lease_s=2.0, attempts=3)
JUDGE = Judge(classes=("glass", "metal"), residue_class="", threshold=0.6)
CAMERAS = (0, 1)
WINDOW_ITEMS = 6
DATA = b"abc"

Item = Frame | Unseen
CAMERA = st.sampled_from(CAMERAS)
OWNERS = ("press", "mill")
BATCHES = BatchTimes(base_s=0.4, picture_s=0.1, largest=4)
OTHER_BATCHES = BatchTimes(base_s=0.2, picture_s=0.0, largest=3)


@dataclass
class Camera:
    fed: int = 0
    window: dict[int, Item] = field(default_factory=dict)
    """what is not acknowledged, as far as this incarnation knows"""
    sent: dict[int, Item] = field(default_factory=dict)
    """everything that was ever fed, as it was last sent"""


@dataclass
class Worker:
    credit: int
    owner: str | None
    """the key that it came in by, if it is on another machine"""
    batches: BatchTimes | None = None
    joined: bool = False
    """the dispatcher counts on it"""
    suspected: bool = False
    """by this dispatcher, which will not count on it again"""
    holds: list[Frame] = field(default_factory=list)
    lost: list[Frame] = field(default_factory=list)
    """frames that it was given, as the ledger believes, and that never reached it"""
    answered: list[Frame] = field(default_factory=list)
    coming: list[Frame] = field(default_factory=list)
    """by slack: of a batch whose end has not been seen"""

    @property
    def most(self) -> int:
        """Frames that it holds at most: by slack a batch in work, and one at hand."""
        return self.credit if self.batches is None else 2 * self.batches.largest


@dataclass
class Log:
    credit: int = 0
    joined: bool = False
    inbox: dict[Key, Outcome] = field(default_factory=dict)
    """rows under way, in order"""
    rows: dict[Key, Outcome] = field(default_factory=dict)
    """what is written survives the process"""

    def write(self, count: int) -> list[Key]:
        """Store the next rows; the first row of an item stands."""
        keys = list(self.inbox)[:count]
        for key in keys:
            self.rows.setdefault(key, self.inbox.pop(key))
            self.inbox.pop(key, None)
        return keys


class Line(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.names = 0
        self.ledger = Ledger(RULES, JUDGE)
        self.cameras = {number: Camera() for number in CAMERAS}
        self.workers: dict[str, Worker] = {}
        self.untold: list[str] = []
        """workers whose death the dispatcher has not heard of"""
        self.log = Log()
        self.given: Counter[Key] = Counter()
        """times that this dispatcher gave an item to a worker"""

    # -- what the dispatcher does with the ledger's actions ---------------------------------------

    def carry_out(self, actions: Iterable[Action]) -> None:
        suspects: set[str] = set()
        for action in reversed(list(actions)):
            if isinstance(action, Suspect):
                suspects.add(action.worker)
            elif isinstance(action, Assign):
                assert action.worker not in suspects, "given to a worker that is known to hang"
        actions = list(actions)
        for action in actions:
            match action:
                case Assign(worker, picture, ends_batch):
                    self.assign(worker, picture)
                    if worker in self.workers:
                        self.take_batch(self.workers[worker], ends_batch)
                case Write(outcome):
                    self.write(outcome)
                case Acknowledge(outcome, has_picture):
                    self.acknowledge(outcome, has_picture)
                case Suspect(worker) if worker in self.workers:
                    self.workers[worker].joined = False
                    self.workers[worker].suspected = True
                case ShutOut(owner):
                    assert owner in OWNERS

    def assign(self, name: str, picture: Picture) -> None:
        frame = picture.frame
        assert picture.packed is DATA
        assert frame.deadline > self.now, "given out after its deadline"
        if name not in self.ledger._gaining:
            self.not_before_a_more_urgent_one(frame)
        self.given[frame.key] += 1
        # Each owner can cost it once, and beyond that it dies alone so often.
        assert self.given[frame.key] <= 2 * RULES.attempts
        if name in self.workers:  # what is sent to a dead one vanishes
            worker = self.workers[name]
            assert worker.joined
            worker.holds.append(frame)
            given = worker.holds + worker.lost
            assert len(given) <= worker.most, "more than its credit"
            worker.coming.append(frame)
            retried = any(self.given[f.key] > 1 for f in given)
            assert not retried or len(given) == 1, "a retried frame is not alone"

    def take_batch(self, worker: Worker, ends_batch: bool) -> None:
        """A batch by slack is done in time, as far as anybody can know, or it is a single frame."""
        assert not ends_batch or worker.batches is not None
        if not ends_batch and worker.batches is not None:
            return
        batch, worker.coming = worker.coming, []
        if worker.batches is not None and len(batch) > 1:
            assert len(batch) <= worker.batches.largest
            done_s = worker.batches.seconds(len(batch))
            assert min(frame.deadline for frame in batch) >= self.now + done_s, "too large"
            assert done_s <= RULES.lease_s

    def not_before_a_more_urgent_one(self, frame: Frame) -> None:
        """Frames that stay behind have a later deadline, or came later with the same one.

        One that cost a worker before waits for an idle one, and holds up nobody meanwhile.
        """
        assert all((frame.deadline,) <= entry[:1] for entry in self.ledger._waiting) or (
            self.given[frame.key] > 0
        )

    def write(self, outcome: Outcome) -> None:
        key = (outcome.camera, outcome.seq)
        assert self.log.joined, "sent to a log that is not there"
        assert key not in self.log.inbox, "sent twice"
        self.log.inbox[key] = outcome
        assert len(self.log.inbox) <= self.log.credit, "more than its credit"

    def acknowledge(self, outcome: Outcome, has_picture: bool) -> None:
        key = (outcome.camera, outcome.seq)
        assert key in self.log.rows, "not in the log"
        self.cameras[outcome.camera].window.pop(outcome.seq)  # KeyError: done twice
        assert not has_picture or self.given[key] or outcome.verdict is not Verdict.DROPPED
        self.given.pop(key, None)

    # -- cameras ----------------------------------------------------------------------------------

    def send(self, item: Item) -> None:
        if isinstance(item, Frame):
            self.carry_out(self.ledger.frame(item, DATA, self.now))
        else:
            self.carry_out(self.ledger.unseen([item]))

    def feed(self, number: int, item: Item) -> None:
        camera = self.cameras[number]
        camera.window[item.seq] = camera.sent[item.seq] = item
        self.send(item)

    def frame(self, camera: int, seq: int, lives_s: float) -> Frame:
        end = self.now + lives_s
        return Frame(camera, seq, float(seq), self.now, self.now, end, "glass", 1.0, "raw", 1, 1, 0)

    def drop(self, camera: int, seq: int) -> Unseen:
        return Unseen(camera, seq, float(seq), "glass", 1.0, Verdict.DROPPED, "overrun")

    @rule(
        number=CAMERA, lives_s=st.sampled_from([0.5, 1.5, 4.0, math.inf]), count=st.integers(1, 3)
    )
    def a_camera_sees_items(self, number: int, lives_s: float, count: int) -> None:
        camera = self.cameras[number]
        for _ in range(min(count, WINDOW_ITEMS - len(camera.window))):
            camera.fed += 1
            self.feed(number, self.frame(number, camera.fed - 1, lives_s))

    @rule(number=CAMERA)
    def a_camera_drops_an_item(self, number: int) -> None:
        camera = self.cameras[number]
        if len(camera.window) < WINDOW_ITEMS:
            camera.fed += 1
            self.feed(number, self.drop(number, camera.fed - 1))

    @rule(number=CAMERA)
    def a_camera_repeats_what_is_not_acknowledged(self, number: int) -> None:
        for item in list(self.cameras[number].window.values()):
            self.send(item)

    @rule(number=CAMERA, paced=st.booleans())
    def a_camera_restarts(self, number: int, paced: bool) -> None:
        """It knows of acknowledgements without a gap only; a paced one has missed the pictures."""
        camera = self.cameras[number]
        for seq in range(min(camera.window, default=camera.fed), camera.fed):
            self.feed(number, self.drop(number, seq) if paced else camera.sent[seq])

    # -- workers ----------------------------------------------------------------------------------

    @rule(
        credit=st.integers(1, 3),
        owner=st.sampled_from([None, *OWNERS]),
        batches=st.sampled_from([None, BATCHES]),
    )
    def a_worker_starts(
        self, credit: int, owner: str | None = None, batches: BatchTimes | None = None
    ) -> None:
        if len(self.workers) < 4:
            self.names += 1
            self.workers[f"worker#{self.names}"] = Worker(credit, owner, batches)
            self.a_worker_greets(f"worker#{self.names}")

    def a_worker_greets(self, name: str) -> None:
        """Frames from before the greeting are void."""
        worker = self.workers[name]
        worker.joined = True
        worker.holds.clear()
        worker.lost.clear()
        worker.coming.clear()
        joined = self.ledger.worker_joined(
            name, worker.credit, self.now, worker.owner, worker.batches
        )
        self.carry_out(joined)

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), batches=st.sampled_from([None, BATCHES, OTHER_BATCHES]))
    def a_worker_has_another_model(self, data: st.DataObject, batches: BatchTimes | None) -> None:
        """It greets again with what it holds."""
        name = data.draw(st.sampled_from(sorted(self.workers)))
        worker = self.workers[name]
        if worker.joined:
            worker.batches = batches
            self.carry_out(
                self.ledger.worker_joined(name, worker.credit, self.now, worker.owner, batches)
            )

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), metal=st.sampled_from([0.1, 0.5, 0.9]), in_turn=st.booleans())
    def a_worker_answers(self, data: st.DataObject, metal: float, in_turn: bool) -> None:
        """Perhaps long after its lease. A new dispatcher does not listen before the greeting."""
        name = data.draw(st.sampled_from(sorted(self.workers)))
        worker = self.workers[name]
        if worker.holds:
            frame = worker.holds.pop(0 if in_turn else -1)
            worker.answered.append(frame)
            result = Result(*frame.key, (1 - metal, metal), self.now, 0.01, "model")
            if worker.joined or worker.suspected:
                self.carry_out(self.ledger.result(name, result, self.now))

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), verdict=st.sampled_from([Verdict.EXPIRED, Verdict.FAILED]))
    def a_worker_refuses(self, data: st.DataObject, verdict: Verdict) -> None:
        name = data.draw(st.sampled_from(sorted(self.workers)))
        worker = self.workers[name]
        if worker.holds:
            frame = worker.holds.pop(0)
            refusal = Refusal(*frame.key, verdict, "because")
            if worker.joined or worker.suspected:
                self.carry_out(self.ledger.refusal(name, refusal, self.now))

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), metal=st.sampled_from([0.2, 0.8]))
    def a_worker_answers_once_more(self, data: st.DataObject, metal: float) -> None:
        """Another answer to what it answered before, by now perhaps another worker's."""
        name = data.draw(st.sampled_from(sorted(self.workers)))
        worker = self.workers[name]
        if worker.answered and (worker.joined or worker.suspected):
            frame = data.draw(st.sampled_from(worker.answered))
            if frame not in worker.holds + worker.lost:
                result = Result(*frame.key, (1 - metal, metal), self.now, 0.01, "model")
                self.carry_out(self.ledger.result(name, result, self.now))

    @precondition(lambda self: any(worker.holds for worker in self.workers.values()))
    @rule(data=st.data())
    def a_frame_is_lost_on_the_way(self, data: st.DataObject) -> None:
        """Its worker never hears of it; only the lease can tell."""
        holders = sorted(name for name, worker in self.workers.items() if worker.holds)
        worker = self.workers[data.draw(st.sampled_from(holders))]
        worker.lost.append(worker.holds.pop())

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), told=st.booleans())
    def a_worker_dies(self, data: st.DataObject, told: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.workers)))
        del self.workers[name]
        self.untold.append(name)
        if told:
            self.the_supervisor_tells_of_deaths()

    @precondition(lambda self: self.untold)
    @rule()
    def the_supervisor_tells_of_deaths(self) -> None:
        for name in self.untold:
            self.carry_out(self.ledger.worker_left(name, self.now))
        self.untold.clear()

    # -- the log ----------------------------------------------------------------------------------

    @rule(credit=st.integers(1, 4))
    def the_log_greets(self, credit: int) -> None:
        """For the first time, or again; what was on its way to an earlier incarnation is lost."""
        self.log.joined, self.log.credit = True, credit
        self.log.inbox.clear()
        self.carry_out(self.ledger.log_joined(credit))

    @rule(count=st.integers(1, 4))
    def the_log_stores(self, count: int) -> None:
        """A new dispatcher does not listen to it before its greeting."""
        keys = self.log.write(count)
        if self.log.joined and keys:
            self.carry_out(self.ledger.stored(keys))

    @rule(written=st.integers(0, 3))
    def the_log_dies(self, written: int) -> None:
        """Perhaps after the write and before the acknowledgement."""
        self.log.write(written)
        self.log.inbox.clear()
        self.log.joined = False
        self.ledger.log_left()

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        for name, worker in self.workers.items():
            for frame in worker.holds[:]:
                if worker.joined:
                    worker.holds.remove(frame)
                    result = Result(*frame.key, (0.9, 0.1), self.now, 0.01, "model")
                    self.carry_out(self.ledger.result(name, result, self.now))
        self.the_log_stores(4)

    # -- the line itself --------------------------------------------------------------------------

    @rule()
    def the_dispatcher_restarts(self) -> None:
        """The new one knows nobody; its peers greet it one after the other."""
        self.ledger = Ledger(RULES, JUDGE)
        self.given.clear()
        self.untold.clear()
        for worker in self.workers.values():
            worker.joined = worker.suspected = False
        self.log.joined = False

    @rule(data=st.data())
    def a_worker_greets_the_new_dispatcher(self, data: st.DataObject) -> None:
        strangers = sorted(
            name for name, w in self.workers.items() if not (w.joined or w.suspected)
        )
        if strangers:
            self.a_worker_greets(data.draw(st.sampled_from(strangers)))

    @rule()
    def all_is_well_again(self) -> None:
        for name, worker in self.workers.items():
            if not (worker.joined or worker.suspected):
                self.a_worker_greets(name)
        if not self.log.joined:
            self.the_log_greets(4)
        for number in CAMERAS:
            self.a_camera_repeats_what_is_not_acknowledged(number)
        self.all_goes_well_for_a_while()

    @rule(passed_s=st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0]), noticed=st.booleans())
    def time_passes(self, passed_s: float, noticed: bool) -> None:
        self.now += passed_s
        if noticed:
            self.carry_out(self.ledger.tick(self.now))
            assert self.ledger.next_tick() > self.now, "due again at the same moment"

    # -- what always holds ------------------------------------------------------------------------

    @initialize()
    def everybody_greets(self) -> None:
        self.a_worker_starts(2)
        self.the_log_greets(4)

    @invariant()
    def memory_is_bounded_by_the_windows(self) -> None:
        assert self.ledger.held <= sum(len(camera.window) for camera in self.cameras.values())
        assert self.ledger.waiting <= self.ledger.held

    @invariant()
    def the_ledger_remembers_nothing_of_what_is_done(self) -> None:
        """Every container of its state, not only those it counts itself."""
        open_items = {(n, seq) for n, camera in self.cameras.items() for seq in camera.window}
        known_workers = {*self.workers, *self.untold}
        assert set(self.ledger._items) <= open_items
        waiting = [*self.ledger._waiting, *self.ledger._suspects]
        assert {key for _, _, key in waiting} <= open_items
        assert set(self.ledger.loads()) <= known_workers
        assert len(self.ledger._log) <= len(open_items)
        assert set(self.ledger._gaining) <= set(self.ledger.loads())
        assert set(self.ledger._costs._costs) <= set(OWNERS)

    @invariant()
    def no_frame_waits_while_a_worker_is_idle(self) -> None:
        """Nothing starves. A frame that cost workers waits for one of another owner, if any."""
        joined = {name: w for name, w in self.workers.items() if w.joined}
        idle = {name: w for name, w in joined.items() if not (w.holds or w.lost)}
        assert not idle or not self.ledger._waiting
        if self.ledger._waiting and self.ledger.next_tick() == math.inf:
            assert all(len(w.holds) + len(w.lost) > 1 for w in joined.values()), "held back"
        for _, _, key in self.ledger._suspects:
            charged = self.ledger._items[key].charged
            others = {name for name, w in joined.items() if (w.owner or name) not in charged}
            assert not others & idle.keys(), "waits though a worker is idle"
            assert others or not idle or self.untold, "waits for nobody"

    @invariant()
    def every_outcome_that_the_log_has_room_for_is_on_its_way(self) -> None:
        """A log that stores gets the next ones: no row waits for ever."""
        if self.log.joined and len(self.log.inbox) < self.log.credit:
            assert len(self.ledger._log) <= len(self.log.inbox)

    @invariant()
    def only_what_was_fed_has_a_row(self) -> None:
        for camera, seq in self.log.rows:
            assert seq < self.cameras[camera].fed

    def teardown(self) -> None:
        """With a worker and a log that live, everything comes to its end."""
        self.the_supervisor_tells_of_deaths()
        for name in sorted(self.workers):
            del self.workers[name]
            self.carry_out(self.ledger.worker_left(name, self.now))
        self.the_log_greets(4)
        for number in CAMERAS:
            self.a_camera_repeats_what_is_not_acknowledged(number)
        self.a_worker_starts(2)
        (worker,) = self.workers.values()
        for _ in range(10 * WINDOW_ITEMS * len(CAMERAS)):
            while worker.holds:
                frame = worker.holds.pop(0)
                result = Result(*frame.key, (0.9, 0.1), self.now, 0.01, "model")
                self.carry_out(self.ledger.result(f"worker#{self.names}", result, self.now))
            self.the_log_stores(4)
        assert not any(camera.window for camera in self.cameras.values())
        fed = {(number, seq) for number, c in self.cameras.items() for seq in range(c.fed)}
        assert set(self.log.rows) == fed
        assert (self.ledger.held, self.ledger.waiting, self.ledger.next_tick()) == (0, 0, math.inf)


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=400, stateful_step_count=60, deadline=None)
