"""How GenieACS spells names: of devices, and in the paths of its NBI."""

from __future__ import annotations

from cpescript.acs.orders import DeviceKey


def device_id(key: DeviceKey) -> str:
    """Return GenieACS's id of a device: `OUI-[ProductClass-]Serial`, each part percent-escaped."""
    return "-".join(_escaped(part) for part in key if part)


def _escaped(part: str, plain: str = "_") -> str:
    # A hyphen stands between the parts, so inside one it is escaped, as everything but letters, digits and _ is.
    return "".join(
        chr(octet) if chr(octet).isascii() and (chr(octet).isalnum() or chr(octet) in plain) else f"%{octet:02X}"
        for octet in part.encode()
    )


def segment(name: str) -> str:
    """Return a name as a part of an NBI path: a dot or a tilde that is not escaped leads nowhere there (404)."""
    return _escaped(name, "_-")
