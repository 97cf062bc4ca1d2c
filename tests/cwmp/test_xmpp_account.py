"""The account that a device has with an XMPP server, and who may call it there (TR-069 Annex K)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cpescript.cwmp import xmpp_account
from cpescript.cwmp.xmpp_account import Account
from tests.cwmp.world import MS, World

CONNECTION = "Device.XMPP.Connection.1."
TREE = {
    f"{MS}ConnReqXMPPConnection": "Device.XMPP.Connection.1",
    f"{MS}ConnReqJabberID": "",
    f"{MS}ConnReqAllowedJabberIDs": "",
    f"{CONNECTION}Enable": "true",
    f"{CONNECTION}Username": "cpe",
    f"{CONNECTION}Domain": "xmpp.example",
    f"{CONNECTION}Resource": "gateway",
    f"{CONNECTION}Password": "a-secret",
    f"{CONNECTION}UseTLS": "true",
    f"{CONNECTION}JabberID": "",
    f"{CONNECTION}Status": "Down",
    f"{CONNECTION}Server.1.ServerAddress": "192.0.2.5",
    f"{CONNECTION}Server.1.Port": "5223",
}


class Tree(dict[str, str]):
    """As much of a device as an account needs."""

    schema = SimpleNamespace(management_server=MS)

    def leaf(self, path: str) -> Any:
        return path if path in self else None

    def write(self, path: str, value: str, by: str) -> None:
        assert by == "device"
        self[path] = value


def tree(**changes: str | None) -> Any:
    """Return that tree with parameters of the connection changed, or (None) gone."""
    found = Tree(TREE)
    for name, value in changes.items():
        path = f"{CONNECTION}{name.replace('__', '.1.')}"
        if value is None:
            del found[path]
        else:
            found[path] = value
    return found


PLAIN = Account("cpe", "xmpp.example", "gateway", "a-secret", "192.0.2.5", 5223, tls=True)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, PLAIN),
        ({"Enable": "false"}, None),
        ({"Enable": None}, None),
        ({"Username": ""}, None),
        ({"Domain": ""}, None),
        ({"UseTLS": "false"}, PLAIN._replace(tls=False)),
        ({"UseTLS": None}, PLAIN),
        ({"Resource": None}, PLAIN._replace(resource="")),
        ({"Server__ServerAddress": None}, PLAIN._replace(host="")),
        *(({"Server__Port": port}, PLAIN._replace(port=5222)) for port in ("", "0", "65536", "x", "-1", "9" * 5000)),
    ],
)
def test_the_account_is_the_trees(changes: dict[str, str | None], wanted: Account | None) -> None:
    assert xmpp_account.account(tree(**changes)) == wanted


def test_no_connection_is_named() -> None:
    device = tree()
    device[f"{MS}ConnReqXMPPConnection"] = ""
    assert xmpp_account.account(device) is None


def test_the_address() -> None:
    assert (PLAIN.jid, PLAIN._replace(resource="").jid) == ("cpe@xmpp.example/gateway", "cpe@xmpp.example")


def test_what_the_tree_says_of_the_connection() -> None:
    device = tree()
    xmpp_account.bound(device, PLAIN.jid)
    shown = [f"{CONNECTION}JabberID", f"{CONNECTION}Status", f"{MS}ConnReqJabberID"]
    assert [device[path] for path in shown] == [PLAIN.jid, "Up", PLAIN.jid]
    xmpp_account.bound(device, "")
    assert [device[path] for path in shown] == ["", "Down", PLAIN.jid]


def test_what_a_device_lacks() -> None:
    device = tree()
    assert xmpp_account.missing(device) == ""
    del device[f"{MS}ConnReqJabberID"]
    assert xmpp_account.missing(device) == f"{MS}ConnReqJabberID"


@pytest.mark.parametrize(
    ("username", "password", "status"),
    [("acs", "knock", 200), ("acs", "guess", 401), ("other", "knock", 401), ("", "", 401)],
)
def test_who_is_heard(world: World, username: str, password: str, status: int) -> None:
    agent = world.device()
    assert xmpp_account.ask(agent, "acs@xmpp.example/1", username, password) == status
    world.run(1)
    assert len(world.informs()) == (2 if status == 200 else 1)


def test_nobody_hears_while_the_device_is_off(world: World) -> None:
    agent = world.device()
    agent.power_off()
    assert xmpp_account.ask(agent, "acs@xmpp.example/1", "acs", "knock") == 503


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ("", 200),
        ("acs@xmpp.example", 200),
        ("x@y.example, acs@xmpp.example/1", 200),
        ("acs@xmpp.example/2", 503),
        ("cs@xmpp.example", 503),
    ],
)
def test_who_may_call(world: World, monkeypatch: pytest.MonkeyPatch, allowed: str, status: int) -> None:
    agent = world.device()
    known = xmpp_account._value

    def value(device: Any, path: str) -> str:
        return allowed if path.endswith("ConnReqAllowedJabberIDs") else known(device, path)

    monkeypatch.setattr(xmpp_account, "_value", value)
    assert xmpp_account.ask(agent, "acs@xmpp.example/1", "acs", "knock") == status
