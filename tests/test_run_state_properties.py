"""What holds whatever happens, in any order."""

from collections.abc import Callable
from datetime import UTC, timedelta
from functools import partial

from hypothesis import example, given, settings, strategies as st

from custom_components.plex_butler.api import ActivityEvent
from custom_components.plex_butler.run_state import (
    Change,
    Command,
    EndedRun,
    Evidence,
    Moment,
    Result,
    Rules,
    Run,
    RunState,
    apply,
    dump,
    load,
    view,
)
from custom_components.plex_butler.schedule import Window
from custom_components.plex_butler.tracker import next_snapshot

from .run_state_story import (
    ALREADY_SO,
    FAILED,
    MIDNIGHT,
    OK,
    TASKS,
    Event,
    Story,
    activity,
    moment,
    session,
)

NAMES = [task.name for task in TASKS]
TITLES = ["", "Busy", "Butler tasks", *(task.title for task in TASKS)]
# Steps of a burst, a poll, a limit and a night
STEPS = [0.0, 0.1, 1.0, 5.0, 16.0, 31.0, 301.0, 1800.0, 22_000.0]

type Rule = Callable[..., None]
type Happening = tuple[float, float, Event]

moments = st.sampled_from([0, 1, 5, 30, 60, 400, 2000, 30_000]).map(moment)
butler_rows = st.builds(
    activity,
    uuid=st.sampled_from(["", "u1", "u2", "u3"]),
    title=st.sampled_from(TITLES),
    subtitle=st.sampled_from(["", "", NAMES[0], NAMES[1].upper()]),
    progress=st.sampled_from([-1, 0, 50, 99.5, 100, 200, float("nan")]),
)
other_rows = st.builds(
    activity,
    uuid=st.sampled_from(["u1", "n1", "n2"]),
    kind=st.sampled_from(["library.update.section", "media.generate.intros", "?"]),
    title=st.sampled_from(["Scanning", *TITLES]),
    progress=st.sampled_from([-1, 5, 100]),
)
tasks = st.sampled_from(NAMES)
commands = st.tuples(st.sampled_from(Command), tasks | st.none())
windows = st.sampled_from(
    [None]
    + [
        Window(start_hour=start, end_hour=end, zone=UTC)
        for start, end in ((0, 3), (23, 2))
    ]
)


def happened(
    rule: Rule, **given_: st.SearchStrategy[object]
) -> st.SearchStrategy[Event]:
    """Return what may happen that a rule is for."""
    return st.fixed_dictionaries(given_).map(lambda them: partial(rule, **them))


noise: st.SearchStrategy[Event] = (
    happened(Rules.snapshot, rows=st.lists(other_rows, max_size=4), asked=moments)
    | happened(Rules.notified, event=st.sampled_from(ActivityEvent), row=other_rows)
    | happened(Rules.push_changed, up=st.booleans())
    | happened(Rules.log_changed, up=st.booleans())
    | happened(Rules.version_seen, version=st.sampled_from(["1", "2"]))
    | happened(
        Rules.tasks_listed, tasks=st.permutations(TASKS).map(lambda all_: all_[:3])
    )
    | happened(Rules.poll_failed, refused=st.booleans())
    | happened(
        Rules.sub_activity_started, uuid=st.just("n1"), title=st.just("Scanning")
    )
    | happened(Rules.window_changed, window=windows)
    | st.just(Rules.tick)
)
commanded: st.SearchStrategy[Event] = commands.map(
    lambda it: partial(Rules.command_sent, command=it[0], task=it[1])
) | st.builds(
    lambda it, sent, answer: partial(
        Rules.command_answered, command=it[0], task=it[1], sent=sent, **answer
    ),
    commands,
    moments,
    st.sampled_from([OK, FAILED, ALREADY_SO, {"ours": False}]),
)
uuids = st.sampled_from(["a1", "a2"])
seen: st.SearchStrategy[Event] = (
    happened(
        Rules.snapshot,
        rows=st.lists(butler_rows | other_rows, max_size=4),
        asked=moments,
    )
    | happened(Rules.notified, event=st.sampled_from(ActivityEvent), row=butler_rows)
    | happened(Rules.sub_activity_started, uuid=uuids, title=tasks)
    | happened(Rules.sub_activity_ended, uuid=uuids)
)


def days(*events: st.SearchStrategy[Event]) -> st.SearchStrategy[list[Happening]]:
    """Return lists of what happens after how long, and how much the clock jumps."""
    jumps = st.sampled_from([0.0, 0.0, 0.0, -7200.0, 3600.0])
    happening = st.tuples(st.sampled_from(STEPS), jumps, st.one_of(*events))
    return st.lists(happening, max_size=40)


def live(day: list[Happening]) -> list[tuple[RunState, tuple[Change, ...], Event]]:
    """Return the states of a day, with a tick whenever one is due."""
    state, now = Story().state, moment(0)
    states: list[tuple[RunState, tuple[Change, ...], Event]] = []
    for after, jump, happened in day:
        end = now + timedelta(seconds=after)
        while (due := state.next_tick) and due < end:
            assert state.now < due
            state, changes = apply(state, due, Rules.tick)
            states.append((state, changes, Rules.tick))
        now = Moment(end.utc + timedelta(seconds=jump), end.monotonic)
        event = at_last(happened, now)
        state, changes = apply(state, now, event)
        states.append((state, changes, event))
    return states


def at_last(event: Event, now: Moment) -> Event:
    """Let most of what was asked for have been so just now."""
    if isinstance(event, partial):
        for name in {"asked", "sent"} & event.keywords.keys():
            if event.keywords[name].monotonic % 2:
                return partial(event, **{name: now})
    return event


@given(days(noise, commanded, seen))
def test_runs_begin_before_they_end_and_one_at_a_time(day: list[Happening]) -> None:
    known: set[str] = set()
    for state, changes, _ in live(day):
        for change in changes:
            match change:
                case Run(task=task, queued=queued):
                    assert task not in known or not queued
                    known.add(task)
                case EndedRun(duration=duration, started_at=started) as ended:
                    assert ended.task in known
                    assert duration is None or duration >= timedelta(0)
                    assert not started or started <= ended.ended.utc
                    # One that was given up goes on without a word
                    if (ended.result, ended.evidence) != (
                        Result.LOST,
                        Evidence.ASSUMED,
                    ):
                        known.remove(ended.task)
        if not state.held_changes:
            assert state.runs.keys() <= known


@given(days(noise, commanded, seen))
def test_no_end_is_told_of_what_was_not_seen(day: list[Happening]) -> None:
    for state, changes, _ in live(day):
        for change in changes:
            if isinstance(change, EndedRun) and change.result is Result.ENDED:
                assert change.evidence is Evidence.OBSERVED
        for run in state.runs.values():
            if run.evidence is Evidence.ASSUMED:
                assert not run.begin_seen


@given(days(noise, commanded, seen))
def test_same_inputs_give_same_outputs_and_leave_a_state_as_it_was(
    day: list[Happening],
) -> None:
    state = Story().state
    for after, _, event in day:
        before, now = repr(state), state.now + timedelta(seconds=after)
        following, changes = apply(state, now, event)
        # Not-a-number is unlike itself, so what is shown is compared
        other, other_changes = apply(state, now, event)
        assert (repr(other), other_changes) == (repr(following), changes)
        assert repr(state) == before
        state = following


@given(days(noise, commanded, seen))
def test_all_goes_off_when_nothing_is_seen_any_more(day: list[Happening]) -> None:
    states = live(day)
    state = states[-1][0] if states else Story().state
    end = state.now + timedelta(days=2)
    while (due := state.next_tick) and due < end:
        assert state.now < due
        state, _ = apply(state, due, Rules.tick)
    assert state.runs == {}
    assert not state.busy_since


@given(st.floats(0, 1_000_000))
@example(22_000.3)
def test_a_row_that_stands_shows_no_work_once_its_time_is_over(when: float) -> None:
    """That time is a sum of floats, which a difference of them may miss."""
    state = Story().see(when, session("", 0)).state
    assert state.busy_since
    for _ in range(10):
        if due := state.next_tick:
            state, _changes = apply(state, due, Rules.tick)
    assert not state.busy_since


@given(days(noise))
def test_noise_turns_nothing_on(day: list[Happening]) -> None:
    for state, changes, _ in live(day):
        assert not any(task.is_on for task in view(state).tasks.values())
        assert not any(isinstance(it, Run) for it in changes)
        assert not state.busy_since


@given(days(noise, commanded))
def test_without_a_name_nothing_is_claimed_but_by_command(day: list[Happening]) -> None:
    for state, changes, _ in live(day):
        assert all(run.evidence is Evidence.ASSUMED for run in state.runs.values())
        for change in changes:
            assert not isinstance(change, EndedRun) or change.result is not Result.ENDED


@given(days(noise, seen))
def test_without_a_command_nothing_is_stopped_or_queued(day: list[Happening]) -> None:
    for _, changes, _ in live(day):
        for change in changes:
            assert not isinstance(change, Run) or not change.queued
            if isinstance(change, EndedRun):
                assert change.result is not Result.STOPPED


@given(days(noise, commanded, seen), st.sampled_from([*STEPS, -500.0]))
def test_memory_survives_and_begins_nothing_by_itself(
    day: list[Happening], away: float
) -> None:
    states = live(day)
    state = states[-1][0] if states else Story().state
    loaded = load(dump(state), Moment(MIDNIGHT + timedelta(days=1, seconds=away), 5))
    assert set(loaded.runs) == set(state.runs)
    assert set(loaded.last) == set(state.last)
    told, _ = apply(loaded, loaded.now, partial(Rules.tasks_listed, tasks=TASKS))
    after, changes = apply(
        told, loaded.now, partial(Rules.snapshot, rows=(), asked=loaded.now)
    )
    assert not any(isinstance(it, Run) for it in changes)
    assert not any(run.row for run in after.runs.values())


@given(days(noise, commanded, seen))
def test_idleness_follows_work_and_is_told_once(day: list[Happening]) -> None:
    was_busy = False
    for state, changes, _ in live(day):
        was_busy = was_busy or state.was_busy
        if "butler_idle" in changes:
            assert was_busy
            was_busy = state.was_busy


@settings(max_examples=50)
@given(days(noise, commanded, seen))
def test_a_look_is_due_before_long(day: list[Happening]) -> None:
    for state, _, _ in live(day):
        assert next_snapshot(state) <= state.now + timedelta(minutes=5)
