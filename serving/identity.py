"""Who sends a request: by its key, or by its being from this machine where there are no keys."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from urllib.parse import urlsplit

from superion.serving.callers import LOCAL, READ, REQUIRED_VARIABLE, Caller, n_workers
from superion.serving.endpoints import Endpoint
from superion.serving.guard import Scope
from superion.serving.keys import Key
from superion.serving.known_keys import KnownKeys
from superion.serving.limits import FAILURES_PER_MINUTE, MAX_RATES, RATE_PER_MINUTE
from superion.serving.logs import note
from superion.serving.problems import Refusal
from superion.serving.rates import Rates

NOBODY = Caller(None, "nobody", READ)
"""Whoever asks for what is answered without a key."""

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
"""Headers of a request that came through a proxy, so that its sender need not be on this machine."""

HOW = "send it as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'"

_PORTS = {"http": "80", "https": "443"}
_LOCAL_NAMES = re.compile(r"localhost|[\w-]+\.localhost", re.ASCII)


class Identity:
    """Find the caller of each request; keys are required once one was ever made, or where it is said so."""

    def __init__(
        self,
        known: KnownKeys,
        *,
        required: bool = False,
        workers: int = 1,
        served: Rates | None = None,
        failed: Rates | None = None,
    ) -> None:
        self._known = known
        self._required = required
        self._workers = workers
        self._served = Rates(MAX_RATES) if served is None else served
        self._failed = Rates(MAX_RATES) if failed is None else failed

    @classmethod
    def of_this_process(cls) -> Identity:
        """Return what the environment asks for."""
        required = os.environ.get(REQUIRED_VARIABLE, "").strip().lower() not in ("", "0", "false", "no")
        return cls(KnownKeys(), required=required, workers=n_workers())

    def __call__(self, scope: Scope, headers: dict[bytes, str], endpoint: Endpoint) -> Caller:
        """Return who asks for an endpoint.

        Raises Refusal: 401 without a good key where one is needed, 403 for a request of another site's page, 429 for
        one above its rate, 503 while it is not known which keys there are.
        """
        _refuse_other_sites(headers)
        if endpoint.open:
            return NOBODY
        self._known.start()
        if not self._known.known:
            raise Refusal(503, "the service cannot read its keys; its log says why")
        if not (self._required or self._known.any_made):
            _refuse_strangers(scope, headers)
            note(caller=LOCAL.name)
            return LOCAL
        key = self._authenticated(scope, headers)
        note(caller=key.name)
        wait = self._served.take(key.id, (key.rate_per_minute or RATE_PER_MINUTE) / self._workers)
        if wait:
            raise _too_many(f"the key of {key.name!r} has asked too often", wait)
        return Caller(key.id, key.name, key.role)

    def _authenticated(self, scope: Scope, headers: dict[bytes, str]) -> Key:
        token = _token(headers)
        if token is None:
            raise Refusal(401, f"this takes a key: {HOW}; `superion key new` makes one")
        key = self._known.find(token)
        if key is not None and key.revoked is None:
            return key
        # A good key is served however many bad ones come from its address, a proxy's say: 32 random bytes are guessed
        # by nobody, and what is bounded is what trying costs.
        wait = self._failed.take(_address(scope), FAILURES_PER_MINUTE / self._workers)
        if wait:
            raise _too_many("too many wrong keys came from this address", wait)
        what = "this key is revoked" if key is not None else "this key is not known to the service"
        raise Refusal(401, f"{what}; `superion key new` makes another")


def _token(headers: dict[bytes, str]) -> str | None:
    # The header that is for nothing else comes first: a proxy may use the other one for a password of its own.
    given = headers.get(b"x-api-key", "").strip()
    if given:
        return given
    scheme, _, rest = headers.get(b"authorization", "").strip().partition(" ")
    return rest.strip() or None if scheme.lower() == "bearer" else None


def _too_many(what: str, wait: float) -> Refusal:
    return Refusal(429, f"{what}; try again in {math.ceil(wait)} s", code="rate_limited", retry_after=wait)


def _refuse_other_sites(headers: dict[bytes, str]) -> None:
    """Refuse what a page of another site has its visitor's browser send; a browser names the page's origin."""
    origin = headers.get(b"origin")
    if origin is None:
        return
    scheme, place = _origin(origin)
    if place is None or place != _with_port(headers.get(b"host", ""), scheme):
        raise Refusal(403, "the request comes from the page of another site; only the service's own page may ask it")


def _origin(origin: str) -> tuple[str, str | None]:
    """Return scheme and host:port of an origin; None for what is none, such as that of a file."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return "", None
    scheme = parts.scheme.lower()
    bare = scheme in _PORTS and parts.netloc and not (parts.path or parts.query or parts.fragment or "@" in origin)
    return scheme, _with_port(parts.netloc, scheme) if bare else None


def _with_port(place: str, scheme: str) -> str:
    place = place.strip().lower()
    return place if re.search(r":\d+$", place) else f"{place.removesuffix(':')}:{_PORTS.get(scheme, '')}"


def _refuse_strangers(scope: Scope, headers: dict[bytes, str]) -> None:
    """Refuse who is not on this machine, or asks by a name that may be another machine's.

    The second because a page of another site can have its name resolve to this machine (DNS rebinding).
    """
    client = scope.get("client")
    here = client is not None and _is_loopback(str(client[0])) and not any(name in headers for name in FORWARDED)
    host = re.sub(r":\d*$", "", headers.get(b"host", "").strip().lower())
    if not (here and (_LOCAL_NAMES.fullmatch(host) or _is_loopback(host.removeprefix("[").removesuffix("]")))):
        raise Refusal(
            401,
            "without keys the service answers to its own machine only, as localhost or 127.0.0.1; "
            f"`superion key new` makes a key: {HOW}",
        )


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _address(scope: Scope) -> str:
    """Return whose requests count together: an IPv4 address, or the 64 bits of IPv6 that one subscriber has."""
    client = scope.get("client")
    try:
        found = ipaddress.ip_address(str(client[0]) if client else "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
