"""Signatures pin what made a number, so that only like is compared with like (as sacreBLEU does)."""

from __future__ import annotations

from collections.abc import Mapping

from table_rewards._version import __version__


def signature(name: str, options: Mapping[str, object]) -> str:
    """Return ``name:option=value,...|vVERSION``.

    >>> signature("teds", {"structure": False, "clip": True, "weight": 0.5})  # doctest: +SKIP
    'teds:structure=no,clip=yes,weight=0.5|v0.1.0'
    >>> signature("teds", {"structure": False}).startswith("teds:structure=no|v")
    True
    """
    pinned = ",".join(f"{key}={_shown(value)}" for key, value in options.items())
    return f"{name}:{pinned}|v{__version__}" if pinned else f"{name}|v{__version__}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (tuple, list)):
        return "+".join(_shown(item) for item in value)
    if isinstance(value, Mapping):
        return "+".join(f"{key}:{_shown(item)}" for key, item in value.items())
    return str(value)
