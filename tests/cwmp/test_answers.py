"""What a device answers to each RPC, and what it does."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.answers import ANSWERS
from cpescript.cwmp.message import Message, ParameterAttributes, ParameterAttributesSetting, ParameterInfo
from cpescript.cwmp.rpcs import RPCS
from cpescript.device.schema import Leaf
from tests.cwmp.test_vouchers import voucher
from tests.cwmp.world import CHANNEL, INFO, MAPPINGS, MS, SSID, World, download, gpv, make_schema, spv


@pytest.fixture
def world() -> World:
    world = World()
    world.device()
    return world


def fault_of(world: World, rpc: Message) -> int:
    [answer] = world.ask(rpc)
    assert answer.kind == "Fault", answer
    return answer.fields["fault_code"]


def test_what_has_no_function_is_not_supported(world: World) -> None:
    for name, rpc in RPCS.items():
        if rpc.caller == "acs" and name not in ANSWERS:
            fields = {
                "GetOptions": {"option_name": ""},
                "SetVouchers": {"voucher_list": (voucher(),)},
                "ScheduleDownload": {**download().fields, "time_window_list": ()},
                "CancelTransfer": {"command_key": ""},
                "ChangeDUState": {"operations": (), "command_key": ""},
            }.get(name, {})
            assert fault_of(world, Message(name, fields)) == 9000
            assert world.devices[0].is_in("faulted")
    world.ask(Message("GetRPCMethods", {}))
    assert not world.devices[0].is_in("faulted")


def test_get_rpc_methods(world: World) -> None:
    [answer] = world.ask(Message("GetRPCMethods", {}))
    assert set(ANSWERS) <= set(RPCS)
    assert answer.fields["method_list"] == tuple(
        name for name in ANSWERS if name not in ("ChangeDUState", "GetOptions", "SetVouchers")
    )


@pytest.mark.parametrize(
    ("extension", "more", "fewer"),
    [
        ({"options": {}}, {"GetOptions", "SetVouchers"}, set()),
        ({"rpcs_without": ("Upload", "GetParameterValues")}, set(), {"Upload"}),
        ({"cwmp_version": "1.1"}, set(), {"ScheduleDownload", "CancelTransfer"}),
        (
            {"cwmp_version": "1.0"},
            set(),
            {"ScheduleDownload", "CancelTransfer", "GetAllQueuedTransfers"},
        ),
    ],
)
def test_the_profile_says_which_rpcs_there_are(extension: dict[str, Any], more: set[str], fewer: set[str]) -> None:
    world, plain = World(extension=extension), World()
    plain.device()
    world.device()
    [usual] = plain.ask(Message("GetRPCMethods", {}))
    [listed] = world.ask(Message("GetRPCMethods", {}))
    usual, listed = set(usual.fields["method_list"]), set(listed.fields["method_list"])
    assert (listed - usual, usual - listed) == (more, fewer)
    for name in fewer:
        assert fault_of(world, Message(name, {**download().fields, "time_window_list": ()})) == 9000


def test_lightweight_notification_takes_what_it_is_sent_by(world: World) -> None:
    used = f"{MS}LightweightNotificationProtocolsUsed"
    for level in (3, 4, 5, 6):
        setting = ParameterAttributesSetting(SSID, True, level, False, ())
        asked = Message("SetParameterAttributes", {"parameter_list": (setting,)})
        world.schema = make_schema()
        world.device()
        assert fault_of(world, asked) == 9009
        world.schema = make_schema(Leaf(used, "string", True, ""))
        world.device()
        [answer] = world.ask(asked)
        assert answer.kind == "SetParameterAttributesResponse"


def test_options() -> None:
    world = World(extension={"options": {"Voice": {"state": 1, "voucher_sn": 7}, "Video": {}}})
    world.device()
    answers = world.ask(
        Message("SetVouchers", {"voucher_list": (voucher(),)}),
        Message("GetOptions", {"option_name": ""}),
        Message("GetOptions", {"option_name": "Voice"}),
    )
    assert answers[0].kind == "SetVouchersResponse"
    assert [option.option_name for option in answers[1].fields["option_list"]] == ["Voice", "Video"]
    assert [(option.state, option.voucher_sn) for option in answers[2].fields["option_list"]] == [(1, 7)]
    assert fault_of(world, Message("GetOptions", {"option_name": "None"})) == 9003
    assert fault_of(world, Message("SetVouchers", {"voucher_list": ()})) == 9003


def test_spv_sets_all(world: World) -> None:
    [answer] = world.ask(spv((SSID, "guest"), (CHANNEL, "11"), key="v7"))
    assert answer.fields == {"status": 0}
    get = world.devices[0].get
    assert (get(SSID), get(CHANNEL), get(f"{MS}ParameterKey")) == ("guest", "11", "v7")


def test_spv_sets_nothing_where_one_is_bad_and_names_every_bad_one(world: World) -> None:
    bad = (
        ("Device.Nope", "1"),
        (CHANNEL, "high"),
        (f"{INFO}SoftwareVersion", "9"),
        ("Device.WiFi.", "1"),
    )
    [answer] = world.ask(spv((SSID, "guest"), (SSID, "twice"), *bad, key="v8"))
    assert answer.fields["fault_code"] == 9003
    codes = {entry.name: entry.code for entry in answer.fields["parameter_faults"]}
    assert codes.pop(CHANNEL) in (9006, 9007)
    assert codes == {SSID: 9003, "Device.Nope": 9005, f"{INFO}SoftwareVersion": 9008, "Device.WiFi.": 9005}
    get = world.devices[0].get
    assert (get(SSID), get(f"{MS}ParameterKey")) == ("home", "")


def test_an_empty_spv_sets_the_parameter_key(world: World) -> None:
    [answer] = world.ask(spv(key="only"))
    assert answer.fields == {"status": 0}
    assert world.devices[0].get(f"{MS}ParameterKey") == "only"
    assert fault_of(world, spv(key="k" * 33)) == 9003


def test_gpv_reads_leaves_and_partial_paths_each_once(world: World) -> None:
    [answer] = world.ask(gpv(SSID, "Device.WiFi.SSID.", MAPPINGS))
    assert [(v.name, v.value, v.type) for v in answer.fields["parameter_list"]] == [
        (SSID, "home", "string"),
        ("Device.WiFi.SSID.1.Enable", "true", "boolean"),
    ]
    [everything] = world.ask(gpv(""))
    assert [v.name for v in everything.fields["parameter_list"]] == world.devices[0].leaves("")


def test_gpv_of_what_does_not_exist(world: World) -> None:
    assert fault_of(world, gpv(SSID, "Device.Nope")) == 9005
    assert fault_of(world, gpv("Device.Nope.")) == 9005
    assert fault_of(world, gpv("Device.WiFi.SSID")) == 9005
    assert fault_of(world, gpv()) == 9003
    assert fault_of(world, Message("GetParameterValues", {"parameter_names": ()})) == 9003


def test_passwords_are_not_told(world: World) -> None:
    [answer] = world.ask(gpv(f"{MS}Password", f"{MS}ConnectionRequestPassword", f"{MS}Username"))
    assert [v.value for v in answer.fields["parameter_list"]] == ["", "", "cpe"]


def gpn(path: str, next_level: bool) -> Message:
    return Message("GetParameterNames", {"parameter_path": path, "next_level": next_level})


def test_gpn(world: World) -> None:
    [names] = world.ask(gpn("Device.WiFi.SSID.1.", False))
    assert names.fields["parameter_list"][0].name == "Device.WiFi.SSID.1."
    assert ParameterInfo(SSID, True) in names.fields["parameter_list"]
    [below] = world.ask(gpn("Device.WiFi.", True))
    assert below.paths == ("Device.WiFi.SSID.", "Device.WiFi.Radio.")
    assert fault_of(world, gpn(SSID, True)) == 9003
    assert fault_of(world, gpn("Device.Nope.", False)) == 9005


def spa(name: str, notification: int, change: bool = True) -> Message:
    setting = ParameterAttributesSetting(name, change, notification, False, ())
    return Message("SetParameterAttributes", {"parameter_list": (setting,)})


def gpa(*names: str) -> Message:
    return Message("GetParameterAttributes", {"parameter_names": names})


def test_attributes(world: World) -> None:
    assert world.ask(spa("Device.WiFi.", 2))[0].kind == "SetParameterAttributesResponse"
    [answer] = world.ask(gpa(SSID))
    assert answer.fields["parameter_list"] == (ParameterAttributes(SSID, 2, ("Subscriber",)),)
    world.ask(spa(SSID, 0, change=False))
    assert world.devices[0].notification(SSID) == 2


def test_attributes_of_the_whole_tree(world: World) -> None:
    assert world.ask(spa("", 1))[0].kind == "SetParameterAttributesResponse"
    assert (world.devices[0].notification(SSID), world.devices[0].notification(CHANNEL)) == (1, 1)
    [answer] = world.ask(gpa(""))
    told = {each.name: each.notification for each in answer.fields["parameter_list"]}
    assert (told[SSID], told[f"{INFO}SoftwareVersion"]) == (1, 2), "what is always active stays so"


def test_attributes_are_set_all_or_none(world: World) -> None:
    settings = (
        ParameterAttributesSetting(SSID, True, 1),
        ParameterAttributesSetting(f"{INFO}SoftwareVersion", True, 0),
    )
    assert fault_of(world, Message("SetParameterAttributes", {"parameter_list": settings})) == 9009
    assert world.devices[0].notification(SSID) == 0
    assert fault_of(world, spa("Device.Nope", 1)) == 9005


def test_objects_come_and_go(world: World) -> None:
    def add(name: str) -> Message:
        return Message("AddObject", {"object_name": name, "parameter_key": "added"})

    def delete(name: str) -> Message:
        return Message("DeleteObject", {"object_name": name, "parameter_key": "gone"})

    [answer] = world.ask(add(MAPPINGS))
    assert answer.fields == {"instance_number": 1, "status": 0}
    device = world.devices[0]
    assert device.get("Device.NAT.PortMappingNumberOfEntries") == "1"
    assert device.get(f"{MS}ParameterKey") == "added"
    assert world.ask(delete(f"{MAPPINGS}1."))[0].fields == {"status": 0}
    assert not device.exists(f"{MAPPINGS}1.")
    assert world.ask(add(MAPPINGS))[0].fields["instance_number"] == 2
    for name in ("Device.WiFi.", "Device.Nope.", SSID, MAPPINGS[:-1]):
        assert fault_of(world, add(name)) == 9005
    assert fault_of(world, delete(f"{MAPPINGS}1.")) == 9005
    assert device.get(f"{MS}ParameterKey") == "added"


@pytest.mark.parametrize(
    ("rpc", "code"),
    [
        (download(url="gopher://files.example/x"), 9013),
        (download(url="x.bin"), 9003),
        (download(url="http://user:pw@files.example/x"), 9003),
        (download(file_type="Firmware"), 9003),
        (download(key="k" * 33), 9003),
        (download(delay="soon"), 9003),
        (Message("ScheduleInform", {"delay_seconds": 0, "command_key": ""}), 9003),
        (Message("GetParameterNames", {"parameter_path": "", "next_level": "perhaps"}), 9003),
    ],
)
def test_arguments_that_make_no_sense(world: World, rpc: Message, code: int) -> None:
    assert fault_of(world, rpc) == code


def test_what_is_absent_reads_as_empty_where_that_means_something(world: World) -> None:
    from cpescript.cwmp.codec import encode

    def without(rpc: Message, element: str) -> bytes:
        body = encode(rpc, "1.2").decode()
        start, end = body.index(f"<{element}"), body.index(f"</{element}>")
        return (body[:start] + body[end + len(element) + 3 :]).encode()

    kinds = []
    for rpc, element in (
        (download(), "SuccessURL"),
        (download(), "DelaySeconds"),
        (spv((SSID, "y")), "ParameterKey"),
        (spv((SSID, "z")), "ParameterList"),
        (gpn("", True), "NextLevel"),
    ):
        kinds.append(world.ask(without(rpc, element))[0].kind)  # type: ignore[arg-type]
    assert kinds == ["DownloadResponse", "DownloadResponse", "SetParameterValuesResponse", "Fault", "Fault"]
    assert world.devices[0].get(SSID) == "y"
