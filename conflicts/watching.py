"""Event streams: what happens, told to everybody who watches and may see it.

One thread a web process, the `Hub`, serves all watchers of that process: a few times a second it asks for new events
once, whoever watches, and writes to sockets that never block it. A watcher costs a socket and a small record, no thread
and no database connection. Who may see what is remembered for `REMEMBERED` seconds, or until an event says that
somebody's rights changed.
"""

from __future__ import annotations

import json
import logging
import selectors
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from accounts.events import ACCESS, events_after, newest_position, oldest_position, public_body, settle
from accounts.models import ApiToken, Event, Organization, User
from accounts.services import role_in
from accounts.sso.enforcement import owes_sign_in
from accounts.support import person_of_session
from gitslice.common.errors import ServerBusy
from slices.models import Slice

log = logging.getLogger(__name__)

TICK = 0.2  # seconds between questions for new events
HEARTBEAT = 15.0
REMEMBERED = 15.0
AT_ONCE = 500  # events read in one question
MOST_UNSENT = 1 << 20  # bytes after which a watcher that does not read is let go; it may resume
WELCOME = b": watching\nretry: 2000\n\n"


@dataclass(frozen=True)
class Scope:
    """What a watcher wants to hear of: everything in the organization, or only a slice, a changeset, oneself, or some
    kinds (`conflict`, `changeset`, `global`)."""

    organization_id: int
    slice_id: int | None = None
    changeset_id: int | None = None
    user_id: int | None = None
    kinds: frozenset[str] = frozenset()

    def wants(self, event: Event) -> bool:
        if event.organization_id != self.organization_id or event.kind == ACCESS:
            return False
        return (
            (self.slice_id is None or self.slice_id in event.slices)
            and (self.changeset_id is None or self.changeset_id == event.changeset)
            and (self.user_id is None or self.user_id in event.users)
            and (not self.kinds or event.kind.partition(".")[0] in self.kinds)
        )


@dataclass(frozen=True)
class Caller:
    """Who watches: a user (None: nobody signed in), by a token or a session (its key)."""

    user_id: int | None
    token_id: int | None = None
    session: str | None = None


MEMBER = 0  # among the ids of the slices that somebody sees: they belong to the organization


def message(event: Event, visible: set[int]) -> bytes | None:
    """The event as a server-sent event for who sees these slices; None for who sees none of its slices, and for who is
    no MEMBER where it is of the whole organization. Names of the authoring slice and changeset are for those who see
    that slice."""
    if not event.slices and MEMBER not in visible:
        return None
    seen = [pk for pk in event.slices if pk in visible]
    if event.slices and not seen:
        return None
    body = public_body(event)
    if event.slices and event.slices[0] not in visible and not event.kind.startswith("conflict."):
        body = {name: value for name, value in body.items() if name in ("commit", "files", "state")}
    body |= {"type": event.kind, "time": event.at.isoformat()}
    topic = event.kind.partition(".")[0]
    return f"id: {event.position}\nevent: {topic}\ndata: {json.dumps(body)}\n\n".encode()


class Sight:
    """Which slices of an organization a caller sees now, and MEMBER, remembered for a while. None: no longer signed in."""

    def __init__(self) -> None:
        self._known: dict[tuple[Caller, int], tuple[float, set[int] | None]] = {}

    def of(self, caller: Caller, organization_id: int) -> set[int] | None:
        known = self._known.get((caller, organization_id))
        if known is None or known[0] < time.monotonic():
            seen = _slices_seen(caller, organization_id)
            known = self._known[caller, organization_id] = (time.monotonic() + REMEMBERED, seen)
        return known[1]

    def forget(self) -> None:
        self._known.clear()


def _slices_seen(caller: Caller, organization_id: int) -> set[int] | None:
    slices = Slice.objects.filter(organization=organization_id)
    if caller.user_id is None:
        return set(slices.filter(visibility=Slice.Visibility.PUBLIC).values_list("pk", flat=True))
    user = User.objects.filter(pk=caller.user_id, is_active=True).first()
    if user is None:
        return None
    if caller.session is not None and person_of_session(caller.session).pk != user.pk:
        return None
    if caller.token_id is not None:
        user.token = _live_token(caller.token_id)
        if user.token is None or owes_sign_in(user):
            return None
    seen = set(slices.visible_to(user).values_list("pk", flat=True))
    member = role_in(user, Organization(pk=organization_id)) is not None
    return seen | {MEMBER} if member else seen


def _live_token(token_id: int) -> ApiToken | None:
    token = ApiToken.objects.filter(pk=token_id, revoked_at=None).first()
    return token if token and (token.expires_at is None or token.expires_at > timezone.now()) else None


@dataclass(eq=False)
class Watcher:
    connection: socket.socket
    scope: Scope
    caller: Caller
    position: int
    chunked: bool
    unsent: bytearray = field(default_factory=bytearray)
    heard: float = field(default_factory=time.monotonic)
    closed: bool = False

    def say(self, data: bytes) -> None:
        """Send as much as the socket takes now, and keep the rest."""
        self.heard = time.monotonic()
        if self.chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self.unsent += data
        self.flush()
        if len(self.unsent) > MOST_UNSENT:
            self.closed = True

    def flush(self) -> None:
        while self.unsent and not self.closed:
            try:
                del self.unsent[: self.connection.send(self.unsent)]
            except BlockingIOError:
                return
            except OSError:
                self.closed = True

    def listen(self) -> None:
        """The other end says nothing any more, so what comes is the end."""
        try:
            self.closed = self.closed or not self.connection.recv(4096)
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True


class Hub:
    """Serves watchers from one thread, which lives as long as there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: list[Watcher] = []
        self._count = 0
        self._thread: threading.Thread | None = None

    def add(self, watcher: Watcher) -> None:
        """Serve this watcher from now on."""
        with self._lock:
            watcher.connection.setblocking(False)
            self._new.append(watcher)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="watchers", daemon=True)
                self._thread.start()

    def require_room(self) -> None:
        """Raises ServerBusy if too many watch already."""
        if self._count + len(self._new) >= settings.GITSLICE_MAX_WATCHERS:
            raise ServerBusy("too many watch already")

    def _serve(self) -> None:
        watchers: set[Watcher] = set()
        sight = Sight()
        with selectors.DefaultSelector() as selector:
            while self._admit(watchers, selector):
                for key, _ in selector.select(TICK):
                    key.data.listen()
                try:
                    tell(watchers, sight)
                except Exception:  # the database is away: watchers wait, and miss nothing
                    log.warning("events could not be read, trying again", exc_info=True)
                    connection.close()
                    time.sleep(1)
                self._part(watchers, selector)
        connection.close()

    def _admit(self, watchers: set[Watcher], selector: selectors.BaseSelector) -> bool:
        """Take in who is new; False when nobody is left, and then the next one starts another thread."""
        with self._lock:
            for watcher in self._new:
                watchers.add(watcher)
                selector.register(watcher.connection, selectors.EVENT_READ, watcher)
            self._new.clear()
            self._count = len(watchers)
            if not watchers:
                self._thread = None
            return bool(watchers)

    def _part(self, watchers: set[Watcher], selector: selectors.BaseSelector) -> None:
        for watcher in [watcher for watcher in watchers if watcher.closed]:
            watchers.discard(watcher)
            selector.unregister(watcher.connection)
            watcher.connection.close()


HUB = Hub()


def tell(watchers: Iterable[Watcher], sight: Sight) -> None:
    """Bring all watchers up to date: new events for whom they concern, a sign of life for those who hear little."""
    watchers = list(watchers)
    close_old_connections()
    settle()
    position = min(watcher.position for watcher in watchers)
    organizations = {watcher.scope.organization_id for watcher in watchers}
    events = events_after(position, organizations, AT_ONCE)
    if any(event.kind == ACCESS for event in events):
        sight.forget()
    for watcher in watchers:
        _tell(watcher, events, sight)


def _tell(watcher: Watcher, events: list[Event], sight: Sight) -> None:
    watcher.flush()
    quiet = time.monotonic() - watcher.heard > HEARTBEAT
    wanted = [event for event in events if event.place > watcher.position and watcher.scope.wants(event)]
    if events:
        watcher.position = max(watcher.position, events[-1].place)
    if not wanted and not quiet and not any(event.kind == ACCESS for event in events):
        return
    visible = sight.of(watcher.caller, watcher.scope.organization_id)
    if visible is None:
        watcher.closed = True
        return
    said = b"".join(filter(None, (message(event, visible) for event in wanted)))
    if said:
        watcher.say(said)
    elif quiet:
        watcher.say(b": still here\n\n")


def start(last: int | None) -> tuple[int, bytes]:
    """Where a watcher begins (after what it heard last, or with what comes from now on), and the first words to it:
    who comes back after so long that events are forgotten is told to look at everything anew."""
    settle()
    newest = newest_position()
    if last is None or last > newest:
        return newest, WELCOME
    if last + 1 < oldest_position():
        return newest, b"id: %d\nevent: reset\ndata: {}\n\n" % newest
    return last, WELCOME
