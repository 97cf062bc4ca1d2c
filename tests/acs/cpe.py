"""A CPE for the tests of the ACS: it answers what it is asked, and remembers what went over the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cpescript.acs.orders import DeviceKey
from cpescript.acs.server import Acs
from cpescript.cwmp.codec import decode, encode
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Event, Message, ParameterValue, fault

UNKNOWN_TIME = "0001-01-01T00:00:00Z"


class Cpe:
    """One device in front of an ACS. `answers` maps a request's kind to a function that gives the answer's fields, or
    a fault code."""

    def __init__(self, acs: Acs, serial: str = "HG000001", root: str = "Device.", oui: str = "00D0AA") -> None:
        self.acs = acs
        self.key = DeviceKey(oui, "HG100", serial)
        self.root = root
        self.version = "2.0.0"
        self.parameter_key = ""
        self.url = f"http://192.0.2.1:7547/{serial}"
        self.cookie: str | None = None
        self.keeps_cookies = True
        self.authorization: str | None = None
        self.namespace = "1.2"
        self.peer: Any = self
        self.log: list[str] = []
        """What the ACS asked, in order: kinds of requests."""
        self.asked: list[Message] = []
        self.answers: dict[str, Callable[[Message], dict[str, Any] | int]] = {
            "SetParameterValues": self.set,
            "GetParameterValues": self.get,
            "SetParameterAttributes": lambda request: {},
            "AddObject": lambda request: {"instance_number": 7, "status": 0},
            "DeleteObject": lambda request: {"status": 0},
            "Reboot": lambda request: {},
            "FactoryReset": lambda request: {},
            "Download": lambda request: {"status": 1, "start_time": UNKNOWN_TIME, "complete_time": UNKNOWN_TIME},
            "Upload": lambda request: {"status": 1, "start_time": UNKNOWN_TIME, "complete_time": UNKNOWN_TIME},
        }

    def set(self, request: Message) -> dict[str, Any]:
        self.parameter_key = request.fields["parameter_key"]
        return {"status": 0}

    def get(self, request: Message) -> dict[str, Any]:
        return {"parameter_list": tuple(ParameterValue(path, self.version) for path in request.paths)}

    # --- the wire -----------------------------------------------------------------------------------------------------

    def post(self, body: bytes, *headers: tuple[str, str], method: str = "POST") -> HttpResponse:
        given = list(headers)
        if self.cookie is not None and self.keeps_cookies:
            given.append(("Cookie", self.cookie))
        if self.authorization is not None:
            given.append(("Authorization", self.authorization))
        response = self.acs.handle(HttpRequest(tuple(given), body, method, "/acs"), self.peer)
        cookie = response.header("Set-Cookie")
        if cookie is not None:
            self.cookie = cookie.partition(";")[0]
        return response

    def send(self, message: Message) -> HttpResponse:
        return self.post(encode(message))

    def inform_message(self, *events: str | tuple[str, str], id: str | None = "17", **more: str) -> Message:
        values = {
            f"{self.root}DeviceInfo.SoftwareVersion": self.version,
            f"{self.root}ManagementServer.ParameterKey": self.parameter_key,
            f"{self.root}ManagementServer.ConnectionRequestURL": self.url,
            **{f"{self.root}{name.replace('_', '.')}": value for name, value in more.items()},
        }
        return Message(
            "Inform",
            {
                "manufacturer": "Plainware",
                "oui": self.key.oui,
                "product_class": self.key.product_class,
                "serial_number": self.key.serial,
                "event": tuple(Event(each) if isinstance(each, str) else Event(*each) for each in events),
                "max_envelopes": 1,
                "current_time": "2026-01-01T00:00:00Z",
                "retry_count": 0,
                "parameter_list": tuple(ParameterValue(name, value) for name, value in values.items()),
            },
            id,
            self.namespace,
        )

    def inform(self, *events: str | tuple[str, str], **more: str) -> HttpResponse:
        return self.send(self.inform_message(*events, **more))

    def answer(self, request: Message) -> HttpResponse:
        given = self.answers[request.kind](request)
        if isinstance(given, int):
            return self.send(fault(given, "refused by the test", request.id, request.version))
        return self.send(Message(f"{request.kind}Response", given, request.id, request.version))

    # --- whole sessions -----------------------------------------------------------------------------------------------

    def session(self, *events: str | tuple[str, str], requests: Sequence[Message] = (), **more: str) -> list[Message]:
        """Go through a session to its end; return what the ACS asked in it."""
        response = self.inform(*events, **more)
        assert response.status == 200, response.status
        assert decode(response.body).kind == "InformResponse"
        for request in requests:
            self.log.append(f"{decode(self.send(request).body).kind}")
        return self.go_on()

    def go_on(self) -> list[Message]:
        """From the empty POST to the end."""
        before = len(self.asked)
        response = self.post(b"")
        while response.status == 200:
            request = decode(response.body)
            self.asked.append(request)
            self.log.append(request.kind)
            assert len(self.asked) - before < 50, "the session does not end"
            response = self.answer(request)
        assert response.status == 204, response.status
        return self.asked[before:]


def transfer_complete(command_key: str, code: int = 0, text: str = "", id: str = "18") -> Message:
    return Message(
        "TransferComplete",
        {
            "command_key": command_key,
            "fault_code": code,
            "fault_string": text,
            "start_time": "2026-01-01T00:00:00Z",
            "complete_time": "2026-01-01T00:00:05Z",
        },
        id,
    )


def kinds(messages: Sequence[Message]) -> list[str]:
    return [message.kind for message in messages]
