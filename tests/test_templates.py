"""Templates of hand-written messages: what they know, what they refuse, that they end soon, how they say what is
wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpescript.templates import DEVICE, MAX_SOURCE, NAMES, TemplateError, check_template, load_template

PARAMETERS = {"Device.DeviceInfo.SoftwareVersion": "2.0 & <new>"}


class Gateway:
    serial, index, label = "HG1", 3, {"region": "north"}


def values(**more):
    parameter = PARAMETERS.__getitem__
    return {"device": Gateway, "parameter": parameter, "now": "now", "session": 4, "id": "4", **more}


def render(text, **more):
    template, bag = check_template(text, "body.xml.j2")
    assert template is not None, bag.render()
    return template.render(values(**more)).decode()


def refused(text):
    template, bag = check_template(text, "body.xml.j2")
    assert template is None
    assert bag.failed
    return [(item.code, item.message, item.span.line, item.remedy) for item in bag]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a>{{ device.serial }}</a>\n", "<a>HG1</a>\n"),
        ("{{ device.label.region }} {{ device['index'] }}", "north 3"),
        ('{{ parameter("Device.DeviceInfo.SoftwareVersion") }}', "2.0 &amp; &lt;new&gt;"),
        ('{{ parameter("Device.DeviceInfo.SoftwareVersion") | safe }}', "2.0 & <new>"),
        ("{{ now }} {{ session }} {{ id }}", "now 4 4"),
        ("{% for i in range(3) %}{{ loop.index }}{{ i }} {% endfor %}", "10 21 32 "),
        ("{% set n = session + 1 %}{{ n * 2 }}", "10"),
        ("{% set n = 1 %}{% set n = n + 1 %}{{ n }}", "2"),
        ("{% for a, b in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}", "12"),
        ("{% if device.index is odd and 'x' == \"x\" %}odd{% else %}even{% endif %}", "odd"),
        ("{{ device.label.city | default('none') }}", "none"),
        ("{{ device.serial | lower }} {{ device.serial[1:] }}", "hg1 G1"),
        ("{# a remark #}é", "é"),
    ],
)
def test_what_a_template_says(text, expected):
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "message", "remedy"),
    [
        ("{{ devic.serial }}", "unknown-name", "a template knows no 'devic'", "did you mean 'device'?"),
        ("{{ device.seral }}", "unknown-name", "a device has no 'seral' in a template", "did you mean 'serial'?"),
        ("{{ now | uper }}", "unknown-name", "a template has no filter 'uper'", "did you mean 'upper'?"),
        ("{{ now is od }}", "unknown-name", "a template has no test 'od'", None),
        ("{{ now", "bad-template", None, None),
        ("{% endif %}", "bad-template", None, None),
        ("{{ now.upper() }}", "bad-template", "only parameter(…) and range(…) can be called", None),
        ("{% macro m() %}{% endmacro %}", "bad-template", "'macro' is not there", None),
        ("{% include 'x' %}", "bad-template", "'include' is not there", None),
        ("{% import 'x' as y %}", "bad-template", "'import' is not there", None),
        ("{% set x %}{{ now }}{% endset %}", "bad-template", "'set block' is not there", None),
        ("{{ now ~ now }}", "bad-template", "'~' is not there", None),
        ("{{ 9 ** 9 }}", "bad-template", "'**' is not there", None),
        ("{% autoescape false %}{{ now }}{% endautoescape %}", "bad-template", "'autoescape' is not there", None),
        ("{% set a = a + 1 %}", "unknown-name", "a template knows no 'a'", None),
        ("{% for i in i %}{% endfor %}", "unknown-name", "a template knows no 'i'", None),
        ("{{ self }}", "unknown-name", "a template knows no 'self'", None),
        ("{{ lipsum }}", "unknown-name", "a template knows no 'lipsum'", None),
    ],
)
def test_what_is_refused_before_anything_runs(text, code, message, remedy):
    ((found, told, line, hint),) = refused("\n" + text)
    assert (found, line) == (code, 1 if message == "'autoescape' is not there" else 2)
    assert message is None or told == message
    assert remedy is None or hint == remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ device.label.city }}", "'dict object' has no attribute 'city'"),
        ("{{ message.url }}", "'message' is undefined"),
        ('{{ parameter("Device.X") }}', "this cannot be worked out: the device has no parameter Device.X"),
        ("{{ 1 / 0 }}", "this cannot be worked out: division by zero"),
        ("{{ 'x' * 9 }}", "this cannot be worked out: '*' takes numbers"),
        ("{{ '%9d' % 9 }}", "this cannot be worked out: '%' takes numbers"),
        ("{{ device.label.__class__ }}", None),
        ("{{ ''['__class__'] }}", None),
        ("{% for i in range(1001) %}{% endfor %}", "a range has 1000 turns at most"),
        ("{% set a = 'xxxxxxxx' %}" + "{% set a = a + a %}" * 40, "a value is larger than 1048576 characters"),
        ("{% set a = 99 %}" + "{% set a = a * a %}" * 40, "a number is too large"),
    ],
)
def test_what_goes_wrong_while_rendering_names_the_line(text, message):
    template, bag = check_template("\n\n" + text, "body.xml.j2")
    assert template is not None, bag.render()
    with pytest.raises(TemplateError) as caught:
        template.render(values())
    assert caught.value.span.line == 3
    assert message is None or caught.value.message == message


def test_a_message_that_grows_too_large_is_cut_off():
    loops = "{% for i in range(1000) %}{% for j in range(1000) %}0123456789{% endfor %}{% endfor %}"
    with pytest.raises(TemplateError, match="larger than 8388608 characters"):
        render(loops)


def test_loops_do_not_nest_deeper_than_two():
    loop = "{% for i in range(9) %}"
    assert render(loop * 2 + "{% endfor %}" * 2) == ""
    assert refused(loop * 3 + "{% endfor %}" * 3)[0][1] == "more than 2 loops inside one another"


def test_brackets_too_deep_are_refused_politely():
    assert refused("{{ " + "(" * 9_000 + "1" + ")" * 9_000 + " }}")[0][0] == "bad-template"


def test_the_parameters_that_it_reads_are_known():
    template, _ = check_template('a\n{{ parameter("Device.A") }}\n{{ parameter(now) }}', "t")
    assert template is not None
    assert template.parameters == (("Device.A", 2),)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (None, "there is no such file"),
        (b"\xff\xfe", "not UTF-8 at octet 0"),
        (b"x" * (MAX_SOURCE + 1), "larger than 256 KiB"),
    ],
)
def test_a_file_that_is_none(tmp_path, raw, message):
    path = tmp_path / "body.xml.j2"
    if raw is not None:
        path.write_bytes(raw)
    template, bag = load_template(path)
    assert template is None
    assert [item.message for item in bag] == [message]


def test_a_file_of_the_most_octets_is_read(tmp_path):
    (tmp_path / "body.xml.j2").write_bytes(b"x" * MAX_SOURCE)
    template, _ = load_template(tmp_path / "body.xml.j2")
    assert template is not None


def test_a_byte_order_mark_is_no_part_of_the_message(tmp_path):
    (tmp_path / "body.xml.j2").write_bytes(b"\xef\xbb\xbf<a/>")
    template, _ = load_template(tmp_path / "body.xml.j2")
    assert template is not None
    assert template.render(values()) == b"<a/>"


words = st.sampled_from(
    ["{{", "}}", "{%", "%}", " ", "\n", "for", "in", "if", "endfor", "endif", "set", "range(9)", "|", "safe", "(", ")",
     "[", "]", "'a'", "1", "+", "*", "%", ".", "__class__", "{#", "#}", "é", "-", *NAMES, *DEVICE]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=24).map("".join) | st.text(max_size=60))
def test_any_text_is_a_template_or_is_refused_and_rendering_ends(text):
    template, bag = check_template(text, "t")
    if template is None:
        assert bag.failed
        assert bag.render()
        return
    try:
        message = template.render(values(message=Gateway))
    except TemplateError as error:
        message = error.span.place.encode()
    assert isinstance(message, bytes)
