"""The pytest plugin: `.cpes` files are collected as tests, and `simulation` gives Python tests the same engine.

It is loaded by every pytest run of the environment that it is installed in, so this module imports nothing of
cpescript: that is left until there is a scenario, or somebody asks for the fixture. For the same reason `--acs`,
`--param` and `--seed` step back where a project or another plugin has such options: `--cpes-acs` and so on always work.
"""

from __future__ import annotations

import os
from argparse import ArgumentError
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cpescript.api import Sim
    from cpescript.language.timeline import Timeline
    from cpescript.results import ScenarioResult
    from cpescript.runner.options import RunOptions

__tracebackhide__ = True

OPTIONS: dict[str, dict[str, Any]] = {
    "acs": {"metavar": "ACS", "help": "'embedded', the URL of an ACS, or a target named in cpescript.toml"},
    "param": {"action": "append", "metavar": "NAME=VALUE", "help": "a parameter of the scenarios; repeatable"},
    "seed": {"type": int, "metavar": "N", "help": "root of all chance, for scenarios and simulations"},
}
LONG_ONLY: dict[str, dict[str, Any]] = {
    "adapter": {"metavar": "NAME", "help": "how orders reach an ACS on the network"},
    "north": {"metavar": "URL", "help": "the ACS's north side, for the adapter"},
    "serial-prefix": {"metavar": "TEXT", "default": "", "help": "put before every serial number"},
    "yes": {"action": "store_true", "help": "go ahead with more than ten devices towards an ACS elsewhere"},
    "strict": {"action": "store_true", "help": "what passed vacuously is an error"},
}
MARKER = "cpescript(**settings): what `simulation` is made with: seed, policy, defects, firmware, limit, starts_at, acs"

DECLARED = pytest.StashKey[set[str]]()
"""The params that the scenarios collected so far declare."""
SIMULATIONS = pytest.StashKey["list[Sim]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cpescript", "scenarios of cpescript")
    for name, settings in {**OPTIONS, **LONG_ONLY}.items():
        group.addoption(f"--cpes-{name}", dest=f"cpes_{name.replace('-', '_')}", **settings)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """Take the short names once every plugin and conftest has taken its own."""
    yield
    group = parser.getgroup("cpescript", "scenarios of cpescript")
    for name, settings in OPTIONS.items():
        try:
            group.addoption(f"--{name}", dest=f"cpes_{name}", **{**settings, "help": f"the same as --cpes-{name}"})
        except (ValueError, ArgumentError):
            # Somebody else's option: ours has its long name.
            continue


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


# --- scenarios --------------------------------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    return ScenarioFile.from_parent(parent, path=file_path) if file_path.suffix == ".cpes" else None


def pytest_collection_finish(session: pytest.Session) -> None:
    declared = session.config.stash.get(DECLARED, None)
    if declared is None:
        return
    from cpescript.diagnostics import Bag
    from cpescript.runner.loading import check_environment, check_params

    bag = Bag()
    options = _options(session.config)
    check_params(options, declared, bag)
    if bag.failed:
        raise pytest.UsageError(f"\n{bag.render()}")
    if getattr(session.config, "workerinput", {"workerid": "gw0"})["workerid"] != "gw0":
        return  # One of xdist's workers tells it for all.
    check_environment(options, declared, bag)
    if len(bag):
        session.config.issue_config_time_warning(pytest.PytestConfigWarning(f"\n{bag.render()}"), 2)


class Missed(Exception):
    """The ACS did not do what it owes. Shown as the scenario's own report."""


class Broken(Exception):
    """The scenario says nothing about the ACS: it broke, or could not be judged."""


class ScenarioFile(pytest.File):
    """A scenario file; its items are its cases. A file of procedures alone has none."""

    def collect(self) -> Iterator[ScenarioItem]:
        from cpescript.runner.run import UsageError, check_shared, resolved, selected

        try:
            options = resolved(_options(self.config, self.path))
            if hasattr(self.config, "workerinput"):
                check_shared(options, "leave out -n")
            # Several files: each takes the params that it declares, and `pytest_collection_finish` asks for the rest.
            found, _ = selected(options, self.config.stash.setdefault(DECLARED, set()))
        except UsageError as error:
            where = f"{error.bag.render()}\n" if error.bag is not None else ""
            raise self.CollectError(f"{where}{error.message}\n{error.remedy}".rstrip()) from None
        for each in found:
            # Two colons divide the names of an id.
            name = each.timeline.title.replace("::", ":")
            # The id is given as text, for pytest reads it as text again where it remembers what has failed.
            id = f"{self.nodeid}::{name}"
            yield ScenarioItem.from_parent(
                self, name=name, nodeid=id, timeline=each.timeline, options=options, only=each.only
            )


class ScenarioItem(pytest.Item):
    """One case of a scenario.

    It runs when it is set up: then what says nothing about the ACS is an error to every report of pytest, and only a
    claim that was missed is a failure.
    """

    def __init__(self, *, timeline: Timeline, options: RunOptions, only: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.timeline = timeline
        self.options = options
        self.only = only
        self.result: ScenarioResult | None = None
        for tag in timeline.tags:
            # Known by name, so that `--strict-markers` lets the author's own words be.
            self.config.addinivalue_line("markers", f"{tag}: a tag of scenarios")
            self.add_marker(tag)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, 0, self.name

    def setup(self) -> None:
        if self.timeline.skip is not None:
            pytest.skip(self.timeline.skip)
        result = self.settled()
        self.user_properties += [("seed", result.seed), ("verdict", result.verdict)]
        if result.verdict in ("error", "inconclusive"):
            raise Broken(result.reason)

    def runtest(self) -> None:
        result = self.settled()
        if result.verdict == "xfailed":
            pytest.xfail(result.reason.removeprefix("expected to fail: "))
        if result.verdict in ("failed", "xpassed"):
            raise Missed(result.reason)

    def run(self) -> ScenarioResult:
        """Run the case, once."""
        if self.result is None:
            import secrets

            from cpescript.runner.case import Case

            seed = self.options.seed if self.options.seed is not None else self.timeline.seed
            seed = seed if seed is not None else secrets.randbits(32)
            self.result = Case(self.timeline, self.options, seed, None, only=self.only).run()
        return self.result

    def settled(self) -> ScenarioResult:
        """Return the result, a `sometimes` that was missed settled over the other cases of the matrix.

        Those are run for it, whatever is selected and wherever else they run: what one case may leave to another is
        not to depend on that.
        """
        from cpescript.runner.verdict import may_yet_pass, merge_matrix

        own = self.run()
        if not may_yet_pass(own):
            return own
        siblings = [item for item in self._siblings() if item.timeline.name == self.timeline.name]
        merged = merge_matrix([own, *(item.run() for item in siblings)], strict=self.options.strict)
        return merged[0]

    def _siblings(self) -> Iterable[ScenarioItem]:
        assert isinstance(self.parent, ScenarioFile)
        return (item for item in self.parent.collect() if item.name != self.name)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | Any:
        if not isinstance(excinfo.value, (Missed, Broken)):
            return super().repr_failure(excinfo, style)
        from cpescript.report.terminal import render_scenario

        result = self.settled()
        report = render_scenario(result, colour=self.config.option.color == "yes").rstrip("\n")
        # A summary shows the first line alone.
        return f"{result.reason}\n\n{report}"


def _options(config: pytest.Config, *paths: Path) -> RunOptions:
    import shlex

    from cpescript.language.params import parse_assignments
    from cpescript.runner.options import EMBEDDED, RunOptions

    def given(name: str) -> Any:
        return config.getoption(f"cpes_{name.replace('-', '_')}")

    params, bag = parse_assignments(given("param") or ())
    if bag.failed:
        raise pytest.UsageError(bag.render())
    # Of xdist's workers at one ACS each has devices of its own.
    worker = f"{config.workerinput['workerid']}-" if given("acs") and hasattr(config, "workerinput") else ""
    return RunOptions(
        scenarios=tuple(os.path.relpath(path) for path in paths),
        acs=given("acs") or EMBEDDED,
        adapter=given("adapter"),
        north=given("north"),
        seed=given("seed"),
        params=params,
        environment=dict(os.environ),
        strict=given("strict"),
        serial_prefix=given("serial-prefix") + worker,
        yes=given("yes"),
        rerun=shlex.join(_words(given)),
    )


def _words(given: Callable[[str], Any]) -> Iterator[str]:
    """Yield what `cpescript run` is told by the options that were given here; a seed it is told anyway."""
    for name in {**OPTIONS, **LONG_ONLY}:
        value = given(name) if name != "seed" else None
        if value is True:
            yield f"--{name}"
        elif value:
            for one in [value] if isinstance(value, str) else value:
                yield from (f"--{name}", one)


# --- simulations ------------------------------------------------------------------------------------------------------


@pytest.fixture
def simulation(request: pytest.FixtureRequest) -> Iterator[Sim]:
    """A simulation, `cpescript.api.Sim`, whose paths are relative to the test's folder.

    What it was made with stands in the marker `cpescript`. It is closed when the test's function has returned, and
    fails the test then for what it has missed on the way.
    """
    import inspect
    from dataclasses import fields

    from cpescript.api import Sim
    from cpescript.diagnostics import did_you_mean
    from cpescript.runner.options import RunOptions
    from cpescript.runner.run import check_shared, resolved

    marker = request.node.get_closest_marker("cpescript")
    settings = dict(marker.kwargs) if marker is not None else {}
    if marker is not None and marker.args:
        raise pytest.UsageError(f"the marker 'cpescript' takes its settings by name, as in seed=7, not {marker.args!r}")
    if "acs" in settings:
        given: dict[str, Any] = {}
    else:
        options = _options(request.config)
        if hasattr(request.config, "workerinput"):
            check_shared(resolved(options), "leave out -n")
        names = ("acs", "adapter", "north", "environment", "strict", "serial_prefix", "yes")
        given = {name: getattr(options, name) for name in names}
    seed = request.config.getoption("cpes_seed")
    if seed is not None:
        settings["seed"] = seed
    known = {*inspect.signature(Sim).parameters, *(each.name for each in fields(RunOptions))} - {"options"}
    for name in settings:
        if name not in known:
            raise pytest.UsageError(f"the marker 'cpescript' takes no '{name}': {did_you_mean(name, known, 'see Sim')}")
    sim = Sim(**{"folder": request.path.parent, "name": request.node.name.split("[")[0], **given, **settings})
    request.node.stash.setdefault(SIMULATIONS, []).append(sim)
    try:
        yield sim
    finally:
        sim.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let what a simulation has missed fail its test, not the teardown behind it."""
    outcome = yield
    for sim in pyfuncitem.stash.get(SIMULATIONS, ()):
        sim.finish()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what broke in a scenario by its own report too, and the seed of a simulation beside its failure."""
    report = yield
    if isinstance(item, ScenarioItem) and call.excinfo is not None and isinstance(call.excinfo.value, Broken):
        report.longrepr = item.repr_failure(call.excinfo)
    if report.when == "call" and report.failed:
        for sim in item.stash.get(SIMULATIONS, ()):
            report.sections.append(("cpescript", f"seed {sim.seed}: repeat it with --cpes-seed {sim.seed}"))
    return report
