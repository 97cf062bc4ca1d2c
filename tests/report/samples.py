"""A run as the real ones look, with every verdict in it: what the writers are shown in their tests."""

from __future__ import annotations

from cpescript.diagnostics import Span
from cpescript.kernel.time import HOUR, MILLISECOND, MINUTE, SECOND, Duration, Percent
from cpescript.results import (
    ClaimResult,
    CohortSummary,
    DeviceMiss,
    Lane,
    LaneBar,
    Latency,
    MessageLine,
    Paced,
    Problem,
    RunResult,
    ScenarioResult,
)

FILE = "scenarios/firmware_rollout.cpes"
FIRST = "    expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on each fleet within 15m"
ORDER = "    expect in order on each fleet within 4h:"
NEVER = "    never Download on fleet where Device.DeviceInfo.SoftwareVersion == target"
ALWAYS = "    always at most 20 of all updating"
CHECK = "    check exactly 2 Download on each unlucky"
BODY = (
    '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    "<soap:Body><cwmp:Inform>a < b & <script>alert(1)</script></cwmp:Inform></soap:Body></soap:Envelope>"
)


def span(line: int, source: str, words: str) -> Span:
    """Return the span of `words` in a line of the sample scenario."""
    column = source.index(words) + 1
    return Span(FILE, line, column, line, column + len(words))


def claim(line: int, source: str, words: str, **more: object) -> ClaimResult:
    """Return a claim that all 100 devices met, unless `more` says otherwise."""
    values = {
        "statement": source.split()[0],
        "span": span(line, source, words),
        "source": source,
        "verdict": "met",
        "message": "100 of 100 devices met it",
        "opened": 0,
        "closed": 6 * MINUTE,
        "devices": 100,
        "met": 100,
        "missed": 0,
        **more,
    }
    return ClaimResult(**values)  # type: ignore[arg-type]


def messages(index: int) -> tuple[MessageLine, ...]:
    """Return the last ten messages of a gateway that got a Download and whose TransferComplete nobody answered."""
    t = 31 * MINUTE + index * 1_250 * MILLISECOND
    after = t + 4 * MINUTE + 12 * SECOND
    url = "http://192.0.2.10/files/hg100-2.1.0.img"
    return (
        MessageLine(t, 3, "to-acs", "Inform", "Inform 6 CONNECTION REQUEST", body=BODY),
        MessageLine(t, 3, "from-acs", "InformResponse", "InformResponse", 200),
        MessageLine(t, 3, "to-acs", "Empty", "Empty"),
        MessageLine(t, 3, "from-acs", "Download", f"Download 1 Firmware Upgrade Image {url}", 200),
        MessageLine(t, 3, "to-acs", "DownloadResponse", "DownloadResponse status 1"),
        MessageLine(t, 3, "from-acs", "Empty", "Empty", 204),
        MessageLine(after, 0, "local", "state", "state rebooting off"),
        MessageLine(after, 4, "to-acs", "Inform", "Inform 1 BOOT, 7 TRANSFER COMPLETE, M Download"),
        MessageLine(after, 4, "from-acs", "InformResponse", "InformResponse", 200),
        MessageLine(after, 4, "to-acs", "TransferComplete", "TransferComplete 2.1.0 fault 0"),
    )


MISSES = tuple(
    DeviceMiss(
        device=f"fleet[{index}]",
        identity=f"00D0AA-HG100-HG{index:06}",
        t=4 * HOUR + 5 * MINUTE,
        expected="TransferCompleteResponse, the second of three in order",
        actual="nothing after Download at 00:31:00: the ACS left TransferComplete unanswered",
        messages=messages(index),
    )
    for index in (17, 42, 61)
)

LANES = (
    Lane(
        "timeline",
        (
            LaneBar("spawn size of hg100 as fleet over 5m", 0, 5 * MINUTE, "statement", 14),
            LaneBar("expect SPV …PeriodicInformInterval = 300", 0, 6 * MINUTE, "claim-met", 18),
            LaneBar("wait until each all registered", 6 * MINUTE, 6 * MINUTE + 2 * SECOND, "claim-met", 19),
            LaneBar("always at most 20 of all updating", 6 * MINUTE, 4 * HOUR + 6 * MINUTE, "claim-met", 21),
            LaneBar("never Download on fleet where …", 6 * MINUTE, None, "claim-open", 22),
            LaneBar("acs call start_rollout", 6 * MINUTE, 6 * MINUTE, "statement", 24),
            LaneBar("expect in order on each fleet", 6 * MINUTE, 4 * HOUR + 6 * MINUTE, "claim-missed", 26),
        ),
    ),
    *(
        Lane(
            miss.device,
            (
                LaneBar("online", 2 * MINUTE + index * SECOND, 31 * MINUTE, "state"),
                LaneBar("updating", 31 * MINUTE, 35 * MINUTE, "state"),
                LaneBar("online", 36 * MINUTE, None, "state"),
            ),
            tuple((at * MINUTE, "Inform") for at in range(2, 245, 5)),
        )
        for index, miss in enumerate(MISSES)
    ),
)

PASSED = ScenarioResult(
    name="firmware rollout",
    title="firmware rollout [version=2.1.0]",
    file=FILE,
    case={"version": "2.1.0"},
    tags=("firmware", "nightly"),
    docstring="A campaign brings every gateway to the target release, twenty at a time,\n"
    "and a gateway whose flash fails is tried again, not forgotten.",
    verdict="passed",
    reason="",
    seed=42,
    clock="virtual",
    acs="embedded",
    params={"size": 100, "target": "2.1.0", "share": Percent(10), "password": "••••••"},
    virtual_ns=4 * HOUR + 3 * MINUTE + 10 * SECOND,
    real_seconds=1.94,
    claims=(
        claim(18, FIRST, "SPV Device.ManagementServer.PeriodicInformInterval = 300"),
        claim(21, ALWAYS, "at most 20 of all updating", message="held all through, 20 at most", closed=4 * HOUR),
        claim(26, ORDER, "in order", closed=4 * HOUR),
    ),
    notes=((6 * MINUTE, "101 gateways are up"),),
    cohorts=(
        CohortSummary("fleet", "hg100", 100, 1, {"online": 100, "registered": 100, "updating": 0}),
        CohortSummary("unlucky", "hg100", 1, 101, {"online": 1, "registered": 1}),
    ),
    sessions=5_412,
    messages=31_204,
    events=12_900,
    lanes=LANES[:1],
    quirks={"transfer-fault": 1},
    trace_digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    rerun="cpescript run scenarios/firmware_rollout.cpes --seed 42",
)

FAILED = ScenarioResult(
    name="firmware rollout",
    title="firmware rollout [version=2.2.0]",
    file=FILE,
    case={"version": "2.2.0"},
    tags=("firmware",),
    docstring="",
    verdict="failed",
    reason="2 of 4 claims were missed",
    seed=42,
    clock="virtual",
    acs="embedded",
    params={"size": 100, "pause": Duration(15 * MINUTE)},
    virtual_ns=4 * HOUR + 6 * MINUTE,
    real_seconds=2.31,
    claims=(
        claim(18, FIRST, "SPV Device.ManagementServer.PeriodicInformInterval = 300"),
        claim(
            26,
            ORDER,
            "in order on each fleet within 4h",
            verdict="missed",
            message="95 of 100 devices met it within 4h",
            closed=4 * HOUR + 6 * MINUTE,
            met=95,
            missed=5,
            misses=MISSES,
            callers=(Span(FILE, 52, 5, 52, 26),),
            hint="seen at 00:04:10, taken by line 12",
        ),
        claim(
            31,
            CHECK,
            "exactly 2 Download on each unlucky",
            statement="check",
            verdict="missed",
            message="0 of 1 device met it",
            devices=1,
            met=0,
            missed=1,
            misses=(
                DeviceMiss(
                    "unlucky[1]",
                    "00D0AA-HG100-HG000101",
                    4 * HOUR + 6 * MINUTE,
                    "exactly 2 Download",
                    "1 Download",
                ),
            ),
        ),
        claim(22, NEVER, "Download on fleet", verdict="vacuous", message="no device ever ran the target release"),
    ),
    vacuous=("line 22: never Download on fleet could not have fired: no device ever ran the target release",),
    cohorts=(CohortSummary("fleet", "hg100", 100, 1, {"online": 100}),),
    sessions=5_020,
    messages=28_411,
    events=12_000,
    lanes=LANES,
    defects=("forgets-transfer-complete",),
    rerun="cpescript run scenarios/firmware_rollout.cpes --seed 42 --defect forgets-transfer-complete",
)

ERROR = ScenarioResult(
    name="value change",
    title="value change",
    file="lab/value_change.cpes",
    case={},
    tags=(),
    docstring="",
    verdict="error",
    reason="the ACS refused an order",
    seed=7,
    clock="virtual",
    acs="http://192.0.2.10:7547/acs",
    params={},
    virtual_ns=90 * SECOND,
    real_seconds=0.42,
    claims=(),
    problems=(
        Problem(
            whose="acs",
            message="the order was refused: no such firmware '2.1.0'",
            remedy="does the ACS know the image?",
            span=Span("lab/value_change.cpes", 9, 5, 9, 42),
            source='    acs download firmware "2.1.0" on cpe',
            t=90 * SECOND,
        ),
        Problem(
            whose="cpescript", message="KeyError: 'cpe'", detail="Traceback (most recent call last):\n  …\nKeyError"
        ),
    ),
    cohorts=(CohortSummary("cpe", "hg100", 1, 1),),
    sessions=2,
    messages=8,
    events=20,
    latencies=(
        Latency("Inform", 1_204, 4.2, 11.9, 35.04, 210.5),
        Latency("Empty", 1_198, 2.1, 6.0, 12.3, 80.0, {"timeout": 2, "503": 4}),
    ),
    paced=(
        Paced(
            line=4,
            place="line 4",
            source="inform fleet over 10s",
            devices=1_200,
            asked_rate=120.0,
            asked_seconds=10.0,
            reached_rate=96.25,
            done=1_190,
            failed={"timeout": 2},
            missing=8,
            times=Latency("session", 1_190, 8.1, 40.5, 210.25, 800.0),
            own_delay=Latency("own delay", 1_192, 0.1, 0.4, 1.2, 3.0),
            cpu_share=0.31,
            limit="the ACS: sessions failed, or it did not keep up with the rate asked for",
        ),
    ),
    rerun="cpescript run lab/value_change.cpes --seed 7 --acs http://192.0.2.10:7547/acs",
)

INCONCLUSIVE = ScenarioResult(
    name="periodic inform",
    title="periodic inform",
    file="lab/periodic_inform.cpes",
    case={},
    tags=(),
    docstring="",
    verdict="inconclusive",
    reason="the run ended before a deadline",
    seed=1,
    clock="scaled 60x",
    acs="embedded",
    params={},
    virtual_ns=2 * HOUR,
    real_seconds=120.0,
    claims=(
        ClaimResult(
            statement="expect",
            span=Span("lab/periodic_inform.cpes", 4, 8, 4, 34),
            source="expect InformResponse on each cpe within 1d",
            verdict="inconclusive",
            message="cut off by the end of the run, 22h before its deadline",
            opened=0,
            closed=2 * HOUR,
            devices=3,
            met=1,
            missed=0,
        ),
    ),
    cohorts=(CohortSummary("cpe", "hg100", 3, 1),),
    sessions=6,
    messages=24,
    events=44,
    remarks=("the clock ran scaled 60x: a slow machine may miss deadlines of its own",),
    rerun="cpescript run lab/periodic_inform.cpes --seed 1",
)

SKIPPED = ScenarioResult(
    name="speed test",
    title="speed test",
    file="lab/speed_test.cpes",
    case={},
    tags=("slow",),
    docstring="",
    verdict="skipped",
    reason="needs an ACS with TR-143",
    seed=0,
    clock="virtual",
    acs="embedded",
    params={},
    virtual_ns=0,
    real_seconds=0.0,
    claims=(),
)

XPASSED = ScenarioResult(
    name="upload",
    title="upload \x00 <&> \ud800",
    file="lab/upload.cpes",
    case={},
    tags=(),
    docstring="",
    verdict="xpassed",
    reason='expected to fail ("ticket 12"), but it passed',
    seed=3,
    clock="virtual",
    acs="embedded",
    params={},
    virtual_ns=250 * MILLISECOND,
    real_seconds=0.01,
    claims=(
        ClaimResult(
            statement="expect",
            span=Span("lab/upload.cpes", 3, 1, 3, 20),
            source="expect Upload on cpe within 1s",
            verdict="met",
            message="1 of 1 device met it within 1s",
            opened=0,
            closed=250 * MILLISECOND,
            devices=1,
            met=1,
            missed=0,
        ),
    ),
    cohorts=(CohortSummary("cpe", "hg100", 1, 1),),
    sessions=1,
    messages=4,
    events=9,
    rerun="cpescript run lab/upload.cpes --seed 3",
)

RUN = RunResult(
    version="0.1.0",
    started="2026-05-04T09:30:00+02:00",
    real_seconds=125.0,
    scenarios=(PASSED, FAILED, ERROR, INCONCLUSIVE, SKIPPED, XPASSED),
    exit_status=4,
)
