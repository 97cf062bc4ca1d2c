"""`acs add … as made`: a claim with a deadline waits for the number that the device will answer."""

import pytest

from cpescript.diagnostics import Bag
from cpescript.recording.reading import read
from cpescript.recording.rejudge import judge_trace

MAPPING = "Device.NAT.PortMapping.{made.instance_number}."
START = "spawn 2 of hg100 as fleet\nwait until each all registered within 5m\n"
ADD = "acs add Device.NAT.PortMapping. on fleet as made\n"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (f"expect {MAPPING} exists on each fleet within 1m", "passed"),
        (f"expect {MAPPING}ExternalPort == 0 on each fleet within 1m", "passed"),
        (f"wait until {MAPPING}ExternalPort == 0 on each fleet for 1m within 5m", "passed"),
        (f"expect {MAPPING}ExternalPort == 7 on each fleet within 1m", "failed"),
        # What is claimed here and now, or all through, needs a number here and now.
        (f"expect {MAPPING} exists on each fleet", "error"),
        (f"expect {MAPPING} exists on each fleet for 1m", "error"),
    ],
)
def test_a_claim_with_a_deadline_waits_for_what_an_order_gives(simulated, tmp_path, claim, verdict):
    result, _ = simulated(f"{START}{ADD}{claim}\n")
    assert result.verdict == verdict
    if verdict == "passed":
        again = judge_trace([tmp_path / "case.cpes"], read(tmp_path / "trace.jsonl"), {}, False, Bag())
        assert again.results[0].verdict == verdict


def test_a_miss_says_that_nothing_came(simulated):
    result, _ = simulated(f"{START}stop fleet[2]\n{ADD}expect {MAPPING}ExternalPort == 0 on each fleet within 1m\n")
    assert result.verdict == "failed"
    (miss,) = result.claims[-1].misses
    assert miss.device == "fleet[2]"
    assert miss.actual == "nothing has been kept under that name yet for this device (stopped at line 3)"


def test_the_answer_alone_may_be_what_makes_it_true(play):
    world = play(f"spawn 1 of hg100 as cpe\n{ADD.replace('fleet', 'cpe')}expect made.instance_number == 4 within 1m\n")
    world.at(20, 1, "AddObjectResponse", instance_number=4)
    assert world.run() == ("passed", "")
    assert world.kernel.now == 20 * 10**9
