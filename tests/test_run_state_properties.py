"""What holds whatever happens, in any order."""

from datetime import timedelta

from hypothesis import given, settings, strategies as st

from custom_components.plex_butler.run_state import (
    Answer,
    Change,
    Command,
    CommandAnswered,
    CommandSent,
    Event,
    Evidence,
    Moment,
    Notified,
    PushChanged,
    Result,
    RunEnded,
    RunQueued,
    RunStarted,
    RunState,
    ServerAnswered,
    ServerRefused,
    ServerRestarted,
    Snapshot,
    TasksListed,
    Tick,
    Told,
    VersionSeen,
    WindowChanged,
    apply,
    dump,
    load,
    next_deadline,
    next_snapshot,
    view,
)
from tests.run_state_story import MIDNIGHT, TASKS, Row, Story, moment, window

NAMES = [task.name for task in TASKS]
LIMIT = timedelta(minutes=30)
STALE = timedelta(minutes=6.5)
QUEUED_AT_MOST = timedelta(days=1)

# Steps of a poll, of a limit, and of a night
STEPS = [0.0, 0.1, 1.0, 5.0, 11.0, 31.0, 301.0, 1800.0, 22_000.0]

type Happening = tuple[float, float, Event]


def moments() -> st.SearchStrategy[Moment]:
    """Return moments, of which many are not in the order of events."""
    return st.sampled_from([0, 1, 5, 30, 60, 400, 2000, 30_000]).map(moment)


butler_rows = st.builds(
    Row,
    uuid=st.sampled_from(["", "u1", "u2", "u3"]),
    title=st.sampled_from(["", "Busy", *(task.title for task in TASKS)]),
    subtitle=st.sampled_from(["", "", NAMES[0], NAMES[1].upper()]),
    progress=st.sampled_from([-1, 0, 50, 99.5, 100, 200, float("nan")]),
)
noise_rows = st.builds(
    Row,
    uuid=st.sampled_from(["u1", "n1", "n2"]),
    type=st.sampled_from(["library.update.section", "media.generate.intros", "?"]),
    title=st.sampled_from(["Scanning", *(task.title for task in TASKS)]),
    progress=st.sampled_from([-1, 5, 100]),
)
rows = butler_rows | noise_rows
tasks = st.sampled_from(NAMES)
commands = st.tuples(st.sampled_from([Command.START, Command.STOP]), tasks) | st.tuples(
    st.sampled_from([Command.START_ALL, Command.STOP_ALL]), st.none()
)

noise: st.SearchStrategy[Event] = (
    st.builds(
        Snapshot,
        rows=st.lists(noise_rows | st.just(Row(uuid="idle", progress=100)), max_size=4),
        asked=moments(),
    )
    | st.builds(Notified, told=st.sampled_from(Told), row=noise_rows)
    | st.builds(PushChanged, up=st.booleans())
    | st.builds(VersionSeen, version=st.sampled_from(["1", "2"]))
    | st.builds(TasksListed, tasks=st.permutations(TASKS).map(lambda all_: all_[:3]))
    | st.builds(
        WindowChanged, window=st.sampled_from([None, window(0, 3), window(23, 2)])
    )
    | st.sampled_from([ServerRefused(), ServerAnswered(), ServerRestarted(), Tick()])
)
commanded: st.SearchStrategy[Event] = commands.map(
    lambda it: CommandSent(command=it[0], task=it[1])
) | st.builds(
    lambda it, sent, answer: CommandAnswered(
        command=it[0], task=it[1], sent=sent, answer=answer
    ),
    commands,
    moments(),
    st.sampled_from(Answer),
)
seen: st.SearchStrategy[Event] = st.builds(
    Snapshot, rows=st.lists(rows, max_size=4), asked=moments()
) | st.builds(Notified, told=st.sampled_from(Told), row=rows)


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
        while (due := next_deadline(state)) and due < end:
            assert state.now < due
            state, changes = apply(state, Tick(), due)
            states.append((state, changes, Tick()))
        now = Moment(end.utc + timedelta(seconds=jump), end.monotonic)
        event = at_last(happened, now)
        state, changes = apply(state, event, now)
        states.append((state, changes, event))
    return states


def at_last(event: Event, now: Moment) -> Event:
    """Let most of what was asked for have been so just now."""
    match event:
        case Snapshot(rows=rows_, asked=asked) if asked.monotonic % 2:
            return Snapshot(rows=rows_, asked=now)
        case CommandAnswered(sent=sent) if sent.monotonic % 2:
            return CommandAnswered(
                command=event.command, task=event.task, sent=now, answer=event.answer
            )
    return event


@given(days(noise, commanded, seen))
def test_runs_begin_before_they_end_and_one_at_a_time(day: list[Happening]) -> None:
    queued: set[str] = set()
    running: set[str] = set()
    over: dict[str, Moment] = {}
    for state, changes, _ in live(day):
        for change in changes:
            task = change.run.task if hasattr(change, "run") else ""
            match change:
                case RunQueued():
                    assert task not in queued | running
                    queued.add(task)
                case RunStarted(run=run):
                    assert task not in running
                    if run.started and task in over:
                        assert over[task] <= run.started
                    queued.discard(task)
                    running.add(task)
                case RunEnded(run=ended):
                    assert task in queued | running
                    assert ended.duration is None or ended.duration >= timedelta(0)
                    assert not ended.started_at or ended.started_at <= ended.ended_at
                    over[task] = ended.ended
                    queued.discard(task)
                    running.discard(task)
        on = {name for name, task in view(state).tasks.items() if task.is_on}
        assert on <= queued | running
        assert set(state.runs) == queued | running


@given(days(noise, commanded, seen))
def test_same_inputs_give_same_outputs(day: list[Happening]) -> None:
    # Not-a-number is unlike itself, so what is shown is compared
    one, other = live(day), live(day)
    assert [repr(state) for state, _, _ in one] == [repr(it) for it, _, _ in other]
    assert [changes for _, changes, _ in one] == [changes for _, changes, _ in other]


@given(days(noise, commanded, seen))
def test_nothing_is_on_beyond_its_limit_without_evidence(day: list[Happening]) -> None:
    for state, _, _ in live(day):
        for run in state.runs.values():
            age = state.now - run.proved
            if run.until:
                assert state.now < run.until <= state.now + QUEUED_AT_MOST
            elif run.worked:
                assert age < LIMIT or state.now - run.worked <= timedelta(seconds=15)
            else:
                assert age < max(LIMIT, STALE)


@given(days(noise, commanded, seen))
def test_all_goes_off_when_nothing_is_seen_any_more(day: list[Happening]) -> None:
    states = live(day)
    state = states[-1][0] if states else Story().state
    while due := next_deadline(state):
        assert state.now < due
        state, _ = apply(state, Tick(), due)
    assert all(run.held for run in state.runs.values())
    assert view(state).running == 0


@given(days(noise))
def test_noise_turns_nothing_on(day: list[Happening]) -> None:
    for state, changes, _ in live(day):
        assert view(state).running == 0
        assert not any(isinstance(it, RunQueued | RunStarted) for it in changes)
        assert state.known.tasks == frozenset()


@given(days(noise, commanded))
def test_without_a_row_nothing_is_claimed_but_by_command(day: list[Happening]) -> None:
    for state, _, event in live(day):
        for run in state.runs.values():
            assert run.evidence in (Evidence.COMMAND, Evidence.INFERRED)
        if isinstance(event, ServerRestarted):
            assert state.runs == {}


@given(days(noise, seen))
def test_without_a_command_nothing_is_stopped_or_queued(day: list[Happening]) -> None:
    for _, changes, _ in live(day):
        for change in changes:
            assert not isinstance(change, RunQueued)
            if isinstance(change, RunEnded):
                assert change.run.result in (Result.ENDED, Result.LOST)


@given(days(noise, commanded, seen), st.sampled_from([*STEPS, -500.0]))
def test_memory_survives_and_shows_nothing_by_itself(
    day: list[Happening], away: float
) -> None:
    states = live(day)
    state = states[-1][0] if states else Story().state
    now = Moment(MIDNIGHT + timedelta(days=1, seconds=away), 5)
    loaded = load(dump(state), now)
    assert set(loaded.runs) == set(state.runs)
    assert set(loaded.last) == set(state.last)
    told, _ = apply(loaded, TasksListed(tasks=TASKS), now)
    assert not any(task.is_on for task in view(told).tasks.values())
    after, changes = apply(told, Snapshot(rows=(), asked=now), now)
    assert not any(isinstance(it, RunStarted | RunQueued) for it in changes)
    assert not any(run.held for run in after.runs.values())


@settings(max_examples=50)
@given(days(noise, commanded, seen))
def test_somebody_looks_again_before_long(day: list[Happening]) -> None:
    for state, _, _ in live(day):
        assert next_snapshot(state) <= state.now + timedelta(minutes=5)
