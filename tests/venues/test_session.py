"""The life of a connection without a socket: every state, every rule, at chosen times."""

import itertools

import pytest

from aggressor.schema.event import LEVEL, MARK
from aggressor.venues.session import (
    MOVES,
    Control,
    ControlKind,
    Expected,
    Link,
    LinkRules,
    State,
)

S = 1_000_000_000
ACK = Control(ControlKind.ACK)


def rules(**more: object) -> LinkRules:
    return LinkRules(messages_per_second=100, **more)  # pyright: ignore[reportArgumentType]


def subscribed(link: Link, now: int = 0) -> Link:
    link.opened(now)
    while link.state is State.SUBSCRIBING:
        link.due(now)
        link.received(ACK, now)
    return link


def test_it_subscribes_aligns_and_lives_and_can_be_lost_and_opened_again() -> None:
    link = Link(rules(), [b"a", b"b"], books=True)
    assert link.due(0).send == ()
    for start in (0, 10 * S):
        link.opened(start)
        assert link.state is State.SUBSCRIBING
        assert link.due(start).send == (b"a", b"b")
        link.received(ACK, start)
        assert link.state is State.SUBSCRIBING
        link.received(ACK, start)
        assert link.state is State.ALIGNING
        link.aligned(False, start)
        assert link.state is State.ALIGNING
        link.aligned(True, start)
        assert link.state is State.LIVE
        link.aligned(False, start)
        assert link.state is State.ALIGNING
        link.closed(start)
        assert link.state is State.LOST
        assert link.due(start) == Link(rules(), []).due(start)


def test_a_login_comes_before_the_subscriptions() -> None:
    link = Link(rules(), [b"sub"], login=b"me")
    link.opened(0)
    assert (link.state, link.due(0).send) == (State.LOGGING_IN, (b"me",))
    link.received(Control(ControlKind.LOGGED_IN), 1)
    assert (link.state, link.due(1).send) == (State.SUBSCRIBING, (b"sub",))
    link.received(ACK, 2)
    assert link.state is State.LIVE


def test_a_refused_or_unanswered_login_closes_with_the_venues_words() -> None:
    refused = Link(rules(), [b"sub"], login=b"me")
    refused.opened(0)
    refused.received(Control(ControlKind.REFUSED, "bad key"), 1)
    assert refused.due(1).close == "the login was refused: bad key"
    silent = Link(rules(login_within_ns=5 * S), [b"sub"], login=b"me")
    silent.opened(0)
    assert silent.due(5 * S).close == ""
    assert silent.due(5 * S + 1).close == "the login was not answered"


def test_subscriptions_that_nobody_acknowledges_close_the_connection() -> None:
    link = Link(rules(ack_within_ns=3 * S), [b"a", b"b"])
    link.opened(0)
    link.due(0)
    link.received(ACK, 0)
    link.heard(4 * S)
    assert link.due(4 * S).close == "1 subscriptions were not acknowledged"


def test_a_refused_subscription_is_kept_and_the_rest_goes_on() -> None:
    link = Link(rules(), [b"a", b"b"])
    link.opened(0)
    link.received(Control(ControlKind.REFUSED, "no such topic"), 0)
    link.received(ACK, 0)
    assert link.state is State.LIVE
    assert link.refusal == "no such topic"
    link.closed(1)
    link.opened(2)
    assert link.refusal == ""


def test_nothing_is_sent_faster_than_the_venue_allows() -> None:
    link = Link(LinkRules(messages_per_second=3), [b"%d" % n for n in range(10)])
    link.opened(0)
    sent: list[int] = []
    for now in range(0, 5 * S, S // 20):
        link.heard(now)
        sent += [now] * len(link.due(now).send)
    assert len(sent) == 10
    for first, fourth in zip(sent, sent[3:], strict=False):
        assert fourth - first >= S


def test_pings_are_answered_first_and_ours_go_out_in_time() -> None:
    link = subscribed(Link(rules(ping=lambda n: b"ping %d" % n, ping_every_ns=10 * S), [b"a"]))
    link.ask([b"more"])
    link.received(Control(ControlKind.PING, reply=b"pong"), S)
    assert link.due(S).send == (b"pong", b"more")
    times = [now for now in range(0, 35 * S, S) if link.due(now).send or link.heard(now)]
    assert times == [10 * S, 20 * S, 30 * S]


def test_a_connection_that_went_silent_is_given_up() -> None:
    link = subscribed(Link(rules(silence_ns=30 * S), [b"a"]))
    assert link.due(30 * S).close == ""
    assert link.due(30 * S + 1).close == "nothing was received for 30 s"


def test_a_stream_that_stays_silent_is_named_once_until_it_speaks_again() -> None:
    expected = [Expected(LEVEL, 2 * S), Expected(MARK, 5 * S)]
    link = subscribed(Link(rules(), [b"a"], lanes={4: "ABC", 7: "XYZ"}, expected=expected))

    def alarms(now: int) -> tuple[str, ...]:
        link.heard(now)
        return link.due(now).alarms

    link.saw(4, LEVEL, S)
    assert alarms(2 * S) == ()
    assert alarms(2 * S + 1) == ("XYZ: levels are subscribed but silent for 2 s",)
    assert alarms(3 * S + 1) == ("ABC: levels are subscribed but silent for 2 s",)
    assert alarms(4 * S) == ()
    link.saw(4, LEVEL, 4 * S)
    assert alarms(6 * S + 1) == (
        "ABC: levels are subscribed but silent for 2 s",
        "ABC: marks are subscribed but silent for 6 s",
        "XYZ: marks are subscribed but silent for 6 s",
    )


def test_a_successor_is_asked_for_once_before_the_age_at_which_the_venue_cuts() -> None:
    day = 86_400 * S
    link = subscribed(Link(rules(lifetime_ns=day, silence_ns=2 * day), [b"a"]))
    asked = [now for now in range(0, day, 60 * S) if link.due(now).replace]
    assert asked == [day - 600 * S + 60 * S]


def test_there_is_no_way_between_states_that_the_table_does_not_name() -> None:
    for start, end in itertools.product(State, State):
        link = Link(rules(), [])
        link.state = start
        if end in MOVES[start]:
            link._move(end, 0)
        else:
            with pytest.raises(AssertionError, match="no way from"):
                link._move(end, 0)
