"""Named systems: a scenario that talks to several, in a world of devices with two reference ACSes."""

import asyncio
import textwrap

import pytest

from cpescript import libraries
from cpescript.acs.orders import OrderResult
from cpescript.adapters.base import AdapterError, Setup
from cpescript.adapters.embedded import Embedded
from cpescript.device.device import Device
from cpescript.device.profile import load_profile
from cpescript.execution.beliefs import Question
from cpescript.execution.executor import Executor
from cpescript.execution.world import RefusedError
from cpescript.judge.judge import Judge
from cpescript.kernel.queue import DEADLINE, TIMELINE, Kernel, Owner
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import Trace
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
from cpescript.runner.case import JudgeTimers
from cpescript.runner.target import _beside
from cpescript.simulation import Simulation, decode_or_none
from cpescript.transport.base import Watch
from cpescript.transport.calls import connect
from cpescript.transport.http import HttpWire
from cpescript.transport.loopback import Loopback
from cpescript.transport.pacing import VirtualPace

INTERVAL = "Device.ManagementServer.PeriodicInformInterval"


class Crossing:
    """A wire that brings each session to the ACS of its URL."""

    def __init__(self, kernel, **ways):
        self.ways = {f"http://{name}.example/": Loopback(acs.handle, kernel) for name, acs in ways.items()}

    def open(self, session):
        self.ways[session.url].open(session)

    def drive(self, kernel):
        kernel.run()

    def close(self):
        """Nothing to close."""


class Portal:
    """A system that only answers calls, when `release` is called; it may fail."""

    name, verbs, beliefs = "portal", frozenset({"call"}), False

    def __init__(self):
        self.orders, self.release, self.error = [], [], None
        self.status = {}

    def submit(self, orders, done):
        if self.error:
            raise AdapterError(self.error)
        self.orders += [(order.arguments["name"], order.device and order.device.serial) for order in orders]
        done(
            [
                OrderResult(True, "", {"status": 200, "body": {"state": self.status.get("state", "open")}})
                for _ in orders
            ]
        )


class TwoWorlds:
    def __init__(self, text, tmp_path, portal=None):
        path = tmp_path / "case.cpes"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        program, bag = load(path, standard_catalogue())
        assert not bag.failed, bag.render()
        self.timeline = program.cases()[0][0]
        self.kernel = Kernel()
        self.records = []
        self.trace = Trace(self.kernel, decoders={"cwmp": decode_or_none})
        self.trace.watch(["belief", "SetParameterValues"], self.records.append)
        self.simulation = simulation = Simulation(self.kernel, self.trace, seed=1)

        def call(request):
            return connect(simulation.seed, request.url, request.username, request.password, simulation.device_at)

        self.acs, self.new = Embedded(self.kernel, call), Embedded(self.kernel, call)
        # In one queue no two may share a number and a priority.
        self.new._owner = Owner((1 << 28) - 3)
        for each in (self.acs, self.new):
            each.prepare(Setup(beliefs=True))
        systems = {"new": self.new, **({"portal": portal} if portal else {})}
        simulation.connect(Crossing(self.kernel, acs=self.acs, new=self.new), self.acs, systems)
        self.judge = Judge(
            self.trace,
            JudgeTimers(self.kernel),
            simulation,
            lambda: self.kernel.now,
            sources=self.timeline.sources,
            states=self.timeline.interest.states,
            parameters=True,
        )
        simulation.facts.counted = self.judge.facts.count
        self.executor = Executor(self.timeline, simulation, self.judge, self.kernel.stop)

    def run(self):
        self.executor.start()
        self.simulation.drive()
        return [(claim.span.line, claim.verdict) for claim in self.judge.claims]

    @property
    def problems(self):
        return [problem.message for problem in self.executor.problems]


MOVED = f"""
    acs new
    scenario "moved":
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 5m
        set Device.ManagementServer.URL = "http://new.example/" on fleet
        expect Inform where events contains "0 BOOTSTRAP" on each fleet within 10m
        wait until each fleet registered within 10m
        new set {INTERVAL} = 900 on fleet
        expect SPV {INTERVAL} = 900 on each fleet within 5m
    """


def test_devices_move_to_another_acs_which_is_given_orders_by_name(tmp_path):
    world = TwoWorlds(MOVED, tmp_path)
    assert world.run()[-1] == (9, "met")
    assert world.problems == []


def test_what_is_set_has_the_type_that_the_profile_gives_it(tmp_path):
    portal = Portal()
    portal.verbs, kept = frozenset({"set"}), []
    portal.submit = lambda orders, done: (kept.extend(orders), done([OrderResult(True)] * len(orders)))
    world = TwoWorlds(
        f"""
        acs portal
        scenario "typed":
            spawn 1 of hg100 as fleet
            portal set {INTERVAL} = 900 on fleet
            portal set Device.WiFi.SSID.1.SSID = "007" on fleet
            portal set Device.NAT.PortMapping.9.ExternalPort = 5 on fleet
            portal set Device.NAT.PortMapping.9.Enable = true on fleet
            check elapsed < 1h
        """,
        tmp_path,
        portal,
    )
    world.run()
    assert world.problems == []
    settings = [setting for order in kept for setting in order.arguments["settings"]]
    assert [(text, kind) for _, text, kind in settings] == [
        ("900", "unsignedInt"), ("007", "string"), ("5", None), ("true", "boolean"),
    ]  # fmt: skip


def test_the_same_order_goes_to_the_system_that_is_named(tmp_path):
    # The old ACS is asked: its devices are gone to the new one, which has no such order.
    world = TwoWorlds(MOVED.replace("new set", "acs set"), tmp_path)
    assert world.run()[-1] == (9, "missed")


def test_a_call_to_a_portal(tmp_path):
    portal = Portal()
    world = TwoWorlds(
        """
        acs portal
        scenario "called":
            spawn 2 of hg100 as fleet
            portal call wifi(ssid: "x") as told
            portal call status() on fleet as r
            note "{told.body.state}"
            for each d in fleet:
                note "{r.status}"
            check elapsed < 1h
        """,
        tmp_path,
        portal,
    )
    world.run()
    assert world.problems == []
    assert [name for name, _ in portal.orders] == ["wifi", "status", "status"]
    assert [serial is None for _, serial in portal.orders] == [True, False, False]
    assert [text for _, text in world.executor.notes] == ["open", "200", "200"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("portal set {INTERVAL} = 1 on fleet", "the adapter 'portal' has no verb 'set'; it has call"),
        ("check portal sees {INTERVAL} == 1 on fleet", "the adapter 'portal' cannot be asked what 'portal' sees"),
        ("do it(fleet)", "the adapter 'portal' has no verb 'reboot'; it has call"),
        ("at +1d:\n                portal reboot fleet", "the adapter 'portal' has no verb 'reboot'; it has call"),
    ],
)
def test_a_verb_that_a_system_lacks_is_an_error_before_anything_runs(tmp_path, statement, message):
    text = """
        acs portal
        define it(devices):
            portal reboot devices
        define never_run(devices):
            portal forget devices
        scenario "s":
            spawn 2 of hg100 as fleet
            STATEMENT
            check elapsed < 1h
        """
    world = TwoWorlds(text.replace("STATEMENT", statement.replace("{INTERVAL}", INTERVAL)), tmp_path, Portal())
    assert world.run() == []
    assert world.problems == [message]
    assert world.executor.problems[0].whose == "environment"
    assert len(world.simulation.devices) == 0
    world.executor.interrupt("too late")
    assert world.executor.cut == ""


def test_a_system_that_is_not_there(tmp_path):
    world = TwoWorlds('acs portal\nscenario "s":\n    portal call x()\n    check elapsed < 1h\n', tmp_path)
    world.run()
    assert world.problems == ["there is no system 'portal' here"]


# --- what they believe ----------------------------------------------------------------------------------------------


def believed(world):
    return [(each.t // SECOND, each.device, each.data["value"]) for each in world.records if each.kind == "belief"]


def test_the_reference_acs_is_asked_after_each_session(tmp_path):
    world = TwoWorlds(
        f"""
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 5m
        wait 10s
        acs set {INTERVAL} = 900 on fleet[1]
        wait 10m
        check elapsed < 1h
        """,
        tmp_path,
    )
    first = []

    def begin(_):
        world.simulation.believe("acs", [1, 2], lambda device: Question(paths=(INTERVAL,)), None, None, first.append)

    world.kernel.at(1, world.executor.owner, begin)
    world.run()
    assert first == [None]
    last = {device: value for _, device, value in believed(world)}
    assert last[1] == "900"
    assert last[2] != "900"


def test_calls_are_asked_of_a_portal_again_and_again(tmp_path):
    portal = Portal()
    world = TwoWorlds("acs portal\nscenario \"s\":\n    spawn 1 of hg100 as cpe\n    wait 5m\n    check elapsed < 1h\n",
                      tmp_path, portal)  # fmt: skip
    ends = []

    def begin(_):
        ends.append(
            world.simulation.believe(
                "portal",
                [1],
                lambda device: Question(call="status", arguments={"id": "x"}),
                60 * SECOND,
                None,
                [].append,
            )
        )

    world.kernel.at(1, world.executor.owner, begin)
    world.kernel.at(100 * SECOND, world.executor.owner, lambda _: portal.status.update(state="done"))
    world.kernel.at(200 * SECOND, world.executor.owner, lambda _: ends.pop()())
    world.run()
    facts = [(each.t // SECOND, dict(each.data)) for each in world.records if each.kind == "belief"]
    told = {"system": "portal", "call": "status", "arguments": {"id": "x"}, "status": 200}
    assert facts == [(0, {**told, "body": {"state": "open"}}), (120, {**told, "body": {"state": "done"}})]
    assert len(portal.orders) >= 4


def test_a_system_that_cannot_be_asked_is_refused(tmp_path):
    world = TwoWorlds(
        'acs portal\nscenario "s":\n    spawn 1 of hg100 as cpe\n    check elapsed < 1h\n', tmp_path, Portal()
    )
    with pytest.raises(RefusedError, match="cannot be asked what 'portal' sees"):
        world.simulation.believe("portal", [1], lambda device: Question(paths=("A",)), None, None, [].append)


def test_an_adapter_that_fails_is_told(tmp_path):
    portal = Portal()
    portal.error = "portal: connection refused"
    world = TwoWorlds(
        'acs portal\nscenario "s":\n    spawn 1 of hg100 as cpe\n    portal call x() on cpe\n    check elapsed < 1h\n',
        tmp_path,
        portal,
    )
    world.run()
    assert world.problems == ["portal: connection refused"]
    first = []
    world.simulation.believe("portal", [1], lambda device: Question(call="x"), None, None, first.append)
    assert [str(error) for error in first] == ["portal: connection refused"]


def test_what_the_acs_sees_is_claimed(tmp_path):
    world = TwoWorlds(
        f"""
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 5m
        acs set {INTERVAL} = 900 on fleet[1]
        expect acs sees {INTERVAL} == 900 on fleet[1] within 10m
        check acs sees {INTERVAL} == 900 on fleet[1]
        check acs sees {INTERVAL} == 900 on fleet[2] within 10m
        never acs sees {INTERVAL} == 77 on fleet
        acs set {INTERVAL} = 77 on fleet[2]
        wait 10m
        """,
        tmp_path,
    )
    assert sorted(world.run()) == [(2, "met"), (4, "met"), (5, "met"), (6, "missed"), (7, "missed")]
    assert world.problems == []
    assert world.simulation._asking == []


def test_what_a_portal_says_is_claimed_of_each_device_and_of_none(tmp_path):
    portal = Portal()
    world = TwoWorlds(
        """
        acs portal
        scenario "s":
            spawn 2 of hg100 as fleet
            wait until each fleet registered within 5m
            check portal call status(id: device.serial) where body.state == "open" on each fleet
            check portal call health() where status == 200
            expect portal call status(id: device.serial) where body.state == "done" on each fleet within 2h
        """,
        tmp_path,
        portal,
    )
    # No session comes after this; it is asked once more at the deadline.
    world.kernel.at(7150 * SECOND, world.executor.owner, lambda _: portal.status.update(state="done"))
    assert world.run()[1:] == [(5, "met"), (6, "met"), (7, "met")]
    assert world.problems == []
    assert {name for name, _ in portal.orders} == {"status", "health"}
    serials = {device.device_id[3] for device in world.simulation.devices}
    assert {serial for name, serial in portal.orders if name == "status"} == serials


def test_a_claim_on_beliefs_that_the_end_cuts_off_asks_no_more(tmp_path):
    world = TwoWorlds(
        f"""
        scenario "s":
            limit 20m
            spawn 1 of hg100 as cpe
            parallel:
                check acs sees {INTERVAL} == 7 on cpe within 19m
                repeat 9:
                    wait 9m
        """,
        tmp_path,
    )
    world.run()
    assert world.simulation._asking == []


class Slow(Portal):
    """A system on the network: it is asked by coroutines on the wire's loop."""

    beliefs = True

    def __init__(self, spawn):
        super().__init__()
        self.spawn, self.asks = spawn, 0

    def ask(self, keys, paths, done):
        async def answered():
            await asyncio.sleep(0.001)
            self.asks += 1
            return [dict.fromkeys(paths, ("2.0" if self.asks > 1 else "1.0", "string")) for _ in keys]

        self.spawn(answered(), done)


def test_while_a_quiet_wire_is_waited_for_it_is_asked_each_second_and_the_deadline_comes():
    kernel = Kernel()
    trace, facts = Trace(kernel), []
    simulation = Simulation(kernel, trace, seed=1, acs_url="http://127.0.0.1:1/")
    trace.watch(["belief"], lambda record: facts.append(record.data["value"]))
    wire = HttpWire(kernel, pace=VirtualPace(patience=1.0), watch=Watch(20.0))
    adapter = Slow(_beside(wire, simulation))
    simulation.connect(wire, adapter)
    simulation.facts.fleet.append(Device(1, 1, "fleet", loaded_profile(), simulation))
    ends = []

    def begin(_):
        question = Question(paths=(INTERVAL,))
        ends.append(simulation.believe("acs", [1], lambda device: question, None, None, [].append))

    kernel.at(0, Owner(0), begin, None, TIMELINE)
    kernel.at(60 * SECOND, Owner(0), lambda _: kernel.stop(), None, DEADLINE)
    try:
        simulation.drive()
    finally:
        wire.close()
    assert (kernel.now, facts) == (60 * SECOND, ["1.0", "2.0"])
    ends.pop()()
    assert wire.pace.ask is None


def loaded_profile():
    schema, bag = load_profile(libraries.find("profiles", "hg100"))
    assert schema is not None, bag.render()
    return schema


def test_patience_of_statements_is_that_of_the_wire():
    kernel = Kernel()
    wire = HttpWire(kernel, pace=VirtualPace(patience=2.0), watch=Watch(20.0))
    simulation = Simulation(kernel, Trace(kernel), seed=1)
    simulation.connect(wire, Portal())
    shown = []
    try:
        first, second = simulation.be_patient(90 * SECOND), simulation.be_patient(30 * SECOND)
        shown.append(wire.pace.patience)
        first()
        shown.append(wire.pace.patience)
        second()
        shown.append(wire.pace.patience)
    finally:
        wire.close()
    assert shown == [90.0, 30.0, 2.0]
