"""What holds whatever happens, in any order."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from functools import partial

from hypothesis import example, given, settings, strategies as st

from custom_components.plex_butler import run_state as rs
from custom_components.plex_butler.api import ActivityEvent
from custom_components.plex_butler.run_state import EndedRun, Moment, Rules, Run
from custom_components.plex_butler.schedule import Window
from custom_components.plex_butler.tracker import next_snapshot

from .run_state_story import (
    ALREADY_SO,
    FAILED,
    MIDNIGHT,
    OK,
    TASKS,
    Rule,
    Story,
    activity,
    moment,
    session,
)

NAMES = [task.name for task in TASKS]
TITLES = ["", "Busy", "Butler tasks", *(task.title for task in TASKS)]
# Steps of a burst, a poll, a limit and a night
STEPS = [0.0, 0.1, 1.0, 5.0, 16.0, 31.0, 301.0, 1800.0, 22_000.0]

OBSERVED, ASSUMED = rs.Evidence.OBSERVED, rs.Evidence.ASSUMED
ENDED, LOST, STOPPED = rs.Result.ENDED, rs.Result.LOST, rs.Result.STOPPED
# After how long, by how much the clock jumps, and what happens
type Happening = tuple[float, float, Rule]

moments = st.sampled_from([0, 1, 5, 30, 60, 400, 2000, 30_000]).map(moment)
events = st.sampled_from(ActivityEvent)
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
all_rows = st.lists(butler_rows | other_rows, max_size=4)
tasks = st.sampled_from(NAMES)
fewer_tasks = st.permutations(TASKS).map(lambda all_: all_[:3])
hours = st.sampled_from([(0, 3), (23, 2)])
windows = hours.map(lambda it: Window(start_hour=it[0], end_hour=it[1], zone=UTC))


def told(rule: Rule, **given_: st.SearchStrategy[object]) -> st.SearchStrategy[Rule]:
    """Return a rule with what it may be given."""
    return st.builds(partial, st.just(rule), **given_)


noise = st.one_of(
    told(Rules.snapshot, rows=st.lists(other_rows, max_size=4), asked=moments),
    told(Rules.notified, event=events, row=other_rows),
    told(Rules.push_changed, up=st.booleans()),
    told(Rules.log_changed, up=st.booleans()),
    told(Rules.version_seen, version=st.sampled_from(["1", "2"])),
    told(Rules.tasks_listed, tasks=fewer_tasks),
    told(Rules.poll_failed, refused=st.booleans()),
    told(Rules.sub_activity_started, uuid=st.just("n1"), title=st.just("Scanning")),
    told(Rules.window_changed, window=windows | st.none()),
    told(Rules.tick),
)
command = st.builds(
    partial,
    st.sampled_from([Rules.command_sent]),
    command=st.sampled_from(rs.Command),
    task=tasks | st.none(),
)
commanded = command | st.builds(
    lambda sent, at, answer: partial(
        Rules.command_answered, **sent.keywords, sent=at, **answer
    ),
    command,
    moments,
    st.sampled_from([OK, FAILED, ALREADY_SO, {"ours": False}]),
)
uuids = st.sampled_from(["a1", "a2"])
seen = st.one_of(
    told(Rules.snapshot, rows=all_rows, asked=moments),
    told(Rules.notified, event=events, row=butler_rows),
    told(Rules.sub_activity_started, uuid=uuids, title=tasks),
    told(Rules.sub_activity_ended, uuid=uuids),
)


def days(*rules: st.SearchStrategy[Rule]) -> st.SearchStrategy[list[Happening]]:
    jumps = st.sampled_from([0.0, 0.0, 0.0, -7200.0, 3600.0])
    happening = st.tuples(st.sampled_from(STEPS), jumps, st.one_of(*rules))
    return st.lists(happening, max_size=40)


def live(day: list[Happening]) -> Story:
    """Return the story of a day, with a tick whenever one is due."""
    story, now = Story(), moment(0)
    for after, jump, rule in day:
        end = now + timedelta(seconds=after)
        now = Moment(end.utc + timedelta(seconds=jump), end.monotonic)
        story.tell(now, at_last(rule, now))
    return story


def ongoing(story: Story) -> Iterator[Run]:
    """Yield every run as it was known at every moment."""
    return (run for state, _ in story.steps for run in state.runs.values())


def at_last(rule: Rule, now: Moment) -> Rule:
    """Let most of what was asked for have been so just now."""
    if isinstance(rule, partial):
        for name in {"asked", "sent"} & rule.keywords.keys():
            if rule.keywords[name].monotonic % 2:
                return partial(rule, **{name: now})
    return rule


@given(days(noise, commanded, seen))
def test_runs_begin_before_they_end_and_one_at_a_time(day: list[Happening]) -> None:
    known: set[str] = set()
    for state, changes in live(day).steps:
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
                    if (ended.result, ended.evidence) != (LOST, ASSUMED):
                        known.remove(ended.task)
        if not state.held_changes:
            assert state.runs.keys() <= known


@given(days(noise, commanded, seen))
def test_no_end_is_told_of_what_was_not_seen(day: list[Happening]) -> None:
    story = live(day)
    ended = [run for run in story.ended if run.result is ENDED]
    assert all(run.evidence is OBSERVED for run in ended)
    assert not any(run.begin_seen for run in ongoing(story) if run.evidence is ASSUMED)


@given(days(noise, commanded, seen))
def test_same_inputs_give_same_outputs_and_leave_a_state_as_it_was(
    day: list[Happening],
) -> None:
    state = Story().state
    for after, _, event in day:
        before, now = repr(state), state.now + timedelta(seconds=after)
        following, changes = rs.apply(state, now, event)
        # Not-a-number is unlike itself, so what is shown is compared
        other, other_changes = rs.apply(state, now, event)
        assert (repr(other), other_changes) == (repr(following), changes)
        assert repr(state) == before
        state = following


@given(days(noise, commanded, seen))
def test_all_goes_off_when_nothing_is_seen_any_more(day: list[Happening]) -> None:
    story = live(day)
    story.tell(story.state.now + timedelta(days=2), Rules.tick)
    assert story.state.runs == {}
    assert not story.state.busy_since


@given(st.floats(0, 1_000_000))
@example(22_000.3)
def test_a_row_that_stands_shows_no_work_once_its_time_is_over(when: float) -> None:
    """That time is a sum of floats, which a difference of them may miss."""
    state = Story().see(when, session("", 0)).state
    assert state.busy_since
    for _ in range(10):
        if due := state.next_tick:
            state, _changes = rs.apply(state, due, Rules.tick)
    assert not state.busy_since


@given(days(noise))
def test_noise_turns_nothing_on(day: list[Happening]) -> None:
    story = live(day)
    assert not any(isinstance(change, Run) for change in story.changes)
    assert not list(ongoing(story))
    assert not any(state.busy_since for state, _ in story.steps)


@given(days(noise, commanded))
def test_without_a_name_nothing_is_claimed_but_by_command(day: list[Happening]) -> None:
    story = live(day)
    assert all(run.evidence is ASSUMED for run in ongoing(story))
    assert not any(run.result is ENDED for run in story.ended)


@given(days(noise, seen))
def test_without_a_command_nothing_is_stopped_or_queued(day: list[Happening]) -> None:
    story = live(day)
    assert not any(run.queued for run in ongoing(story))
    assert not any(run.result is STOPPED for run in story.ended)


@given(days(noise, commanded, seen), st.sampled_from([*STEPS, -500.0]))
def test_memory_survives_and_begins_nothing_by_itself(
    day: list[Happening], away: float
) -> None:
    state, now = live(day).state, Moment(MIDNIGHT + timedelta(days=1, seconds=away), 5)
    loaded = rs.load(rs.dump(state), now)
    assert set(loaded.runs) == set(state.runs)
    assert set(loaded.last) == set(state.last)
    story = Story(loaded).tell(now, Rules.snapshot, rows=(), asked=now)
    assert not story.started
    assert not any(run.row for run in story.state.runs.values())


@given(days(noise, commanded, seen))
def test_idleness_follows_work_and_is_told_once(day: list[Happening]) -> None:
    was_busy = False
    for state, changes in live(day).steps:
        was_busy = was_busy or state.was_busy
        if "butler_idle" in changes:
            assert was_busy
            was_busy = state.was_busy


@settings(max_examples=50)
@given(days(noise, commanded, seen))
def test_a_look_is_due_before_long(day: list[Happening]) -> None:
    for state, _ in live(day).steps:
        assert next_snapshot(state) <= state.now + timedelta(minutes=5)
