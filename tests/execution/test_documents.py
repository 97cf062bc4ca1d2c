"""Hand-written messages: `send` and `answer with`, rendered for each device and put on the wire."""

import pytest

from cpescript.runner.run import UsageError

SOAP = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-0">'
    '<soap:Header><cwmp:ID soap:mustUnderstand="1">{{ id }}</cwmp:ID></soap:Header><soap:Body>%s</soap:Body>'
    "</soap:Envelope>\n"
)
INFORM = SOAP % (
    "<cwmp:Inform><DeviceId><Manufacturer>{{ device.manufacturer }}</Manufacturer><OUI>{{ device.oui }}</OUI>"
    "<ProductClass>{{ device.product_class }}</ProductClass><SerialNumber>{{ device.serial }}</SerialNumber></DeviceId>"
    '<Event soapenc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>X 00D0AA LAB</EventCode>'
    "<CommandKey>{{ device.label.room }}</CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes>"
    "<CurrentTime>{{ now }}</CurrentTime><RetryCount>0</RetryCount>"
    '<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct>'
    "<Name>Device.DeviceInfo.SoftwareVersion</Name>"
    '<Value xsi:type="xsd:string">{{ parameter("Device.DeviceInfo.SoftwareVersion") }}</Value>'
    "</ParameterValueStruct></ParameterList></cwmp:Inform>"
)
RESPONSE = SOAP % (
    "<cwmp:SetParameterValuesResponse><Status>{{ 7 if message.parameter_key else 8 }}</Status>"
    "</cwmp:SetParameterValuesResponse>"
)


@pytest.fixture
def template(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)

    return write


def bodies(records, kind, device):
    return [each["body"] for each in records if each["kind"] == kind and each["device"] == device]


def test_a_message_is_rendered_for_each_device_and_sent(simulated, template):
    template("odd.xml.j2", INFORM)
    result, records = simulated(
        """
        spawn 2 of hg100 as fleet with:
            label room = "<{device.index}>"
        wait until each fleet registered within 5m
        send "odd.xml.j2" on fleet
        expect Inform where events contains "X 00D0AA LAB" on each fleet within 1m as odd
        expect InformResponse on each fleet within 1m since odd
        """
    )
    assert (result.verdict, result.reason) == ("passed", "")
    for index in (1, 2):
        body = bodies(records, "Inform", f"fleet[{index}]")[-1]
        assert f"<CommandKey>&lt;{index}&gt;</CommandKey>" in body
        assert '<Value xsi:type="xsd:string">' in body
        assert "{{" not in body
    serials = {
        body.split("SerialNumber>")[1] for each in (1, 2) for body in bodies(records, "Inform", f"fleet[{each}]")[-1:]
    }
    assert len(serials) == 2


def test_what_is_no_inform_is_sent_inside_a_session(simulated, template):
    template("broken.xml.j2", "<a>{{ device.serial }}")
    result, records = simulated(
        """
        spawn 1 of hg100 as cpe
        wait until cpe registered within 5m
        send "broken.xml.j2" on cpe
        expect Response where http.status >= 400 on cpe within 1m
        """
    )
    assert (result.verdict, result.reason) == ("passed", "")
    assert any((body or "").startswith("<a>") for body in bodies(records, "Garbage", "cpe[1]"))


def test_a_handler_answers_with_a_hand_written_message(simulated, template):
    template("seven.xml.j2", RESPONSE)
    result, records = simulated(
        """
        spawn 1 of hg100 as cpe
        wait until cpe registered within 5m
        on first SPV of cpe:
            answer with "seven.xml.j2"
        acs set Device.ManagementServer.PeriodicInformInterval = 900 on cpe
        expect SPVResponse on cpe within 5m
        expect Device.ManagementServer.PeriodicInformInterval != 900 on cpe
        """
    )
    assert (result.verdict, result.reason) == ("passed", "")
    said = bodies(records, "SetParameterValuesResponse", "cpe[1]")[-1]
    asked = bodies(records, "SetParameterValues", "cpe[1]")[-1]
    assert "<Status>7</Status>" in said
    number = asked.split("ID")[1].split(">")[1].split("<")[0]
    assert f">{number}</cwmp:ID>" in said


@pytest.mark.parametrize(
    "statement", ['send "{name}" on cpe', 'on first SPV of cpe:\n    answer with "{name}"\nwait 1m']
)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no template at 'bad.xml.j2'"),
        ("<a>\n{{ devic.serial }}", "a template knows no 'devic'"),
        ("<a>\n{% if %}", "xpected"),
    ],
)
def test_a_mistake_in_a_template_is_found_before_anything_runs(simulated, template, statement, text, message):
    if text is not None:
        template("bad.xml.j2", text)
    lines = statement.format(name="bad.xml.j2").splitlines()
    body = "".join(f"        {line}\n" for line in ["spawn 1 of hg100 as cpe", *lines, "check cpe online"])
    with pytest.raises(UsageError) as caught:
        simulated(body)
    assert message in caught.value.bag.render()


def test_what_goes_wrong_for_a_device_is_an_error_with_the_templates_line(simulated, template):
    template("late.xml.j2", '<a>\n{{ parameter("Device.Nothing." + device.serial) }}')
    result, _ = simulated(
        """
        spawn 1 of hg100 as cpe
        send "late.xml.j2" on cpe
        check cpe online
        """
    )
    assert result.verdict == "error"
    (problem,) = result.problems
    assert (problem.whose, problem.span.line) == ("scenario", 2)
    assert "late.xml.j2:2:1: this cannot be worked out: the device has no parameter Device.Nothing." in problem.message


def test_a_templates_name_may_hold_an_expression(simulated, template):
    template("odd-1.xml.j2", INFORM.replace("{{ device.label.room }}", "one"))
    result, _ = simulated(
        """
        spawn 1 of hg100 as cpe
        wait until cpe registered within 5m
        send "odd-{device.index}.xml.j2" on cpe
        expect Inform where events contains "X 00D0AA LAB" on cpe within 1m
        send "odd-{device.index + 1}.xml.j2" on cpe
        """
    )
    assert result.verdict == "error"
    assert "odd-2.xml.j2:1:1: there is no such file" in result.problems[0].message
