"""Which statement takes which clauses, and what each clause must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cpescript.diagnostics import Bag
from cpescript.language.tree import Clause

CLAIM = frozenset({"on", "across", "within", "for", "since", "as", "patience"})
MONITOR = frozenset({"on", "across"})

ALLOWED: Mapping[str, frozenset[str]] = {
    "spawn": frozenset({"over"}),
    "stop": frozenset({"abruptly", "over"}),
    "reboot": frozenset({"over"}),
    "factory-reset": frozenset({"over"}),
    "power-off": frozenset({"over"}),
    "power-on": frozenset({"over"}),
    "power-cycle": frozenset({"for", "over"}),
    "inform": frozenset({"event", "over"}),
    "set": frozenset({"on", "over"}),
    "add": frozenset({"on", "over"}),
    "delete": frozenset({"on", "over"}),
    "inject-quirk": frozenset({"on", "for", "over"}),
    "inject-fault": frozenset({"on", "for", "over"}),
    "remove-quirk": frozenset({"over"}),
    "remove-fault": frozenset({"over"}),
    "clear": frozenset({"over"}),
    "send": frozenset({"on", "over"}),
    "start-telemetry": frozenset({"on", "over"}),
    "stop-telemetry": frozenset({"on", "over"}),
    "label": frozenset(),
    "serial": frozenset(),
    "protocol": frozenset(),
    "transport": frozenset(),
    "acs set": frozenset({"on"}),
    "acs get": frozenset({"on"}),
    "acs add": frozenset({"on", "as"}),
    "acs delete": frozenset({"on"}),
    "acs download": frozenset({"on", "url"}),
    "acs upload": frozenset({"on", "url"}),
    "acs reboot": frozenset(),
    "acs factory-reset": frozenset(),
    "acs connect": frozenset(),
    "acs forget": frozenset(),
    "acs operate": frozenset({"on", "as"}),
    "acs call": frozenset({"on", "as"}),
    "expect": CLAIM,
    "check": CLAIM,
    "wait until": CLAIM,
    "always": MONITOR,
    "never": MONITOR,
    "sometimes": MONITOR,
    "unless": MONITOR,
    "until": MONITOR,
}
"""Statement to its clauses. A row's name is what messages call the statement."""

_DEVICES_FIRST = ("stop", "reboot", "factory-reset", "power-off", "power-on", "power-cycle", "inform", "clear")

WHY = {
    ("always", "within"): "it holds from here to the end of its block",
    ("never", "within"): "it holds from here to the end of its block",
    ("sometimes", "within"): "it looks back from the end; `expect … within` has a deadline",
    ("always", "for"): "it holds to the end of its block; `expect … for` has an end",
    ("never", "for"): "it holds to the end of its block; `expect no … for` has an end",
    ("power-cycle", "within"): "how long it is off is said by 'for'",
    ("unless", "within"): "the deadline stands before 'unless'",
    ("until", "within"): "an invariant has no deadline",
    **{(verb, "on"): "the devices follow the verb" for verb in _DEVICES_FIRST},
}
"""What to say of likely misplacings, as their remedy."""


def sorted_out(statement: str, clauses: Iterable[Clause], bag: Bag) -> dict[str, Clause]:
    """Return a statement's clauses by kind; report doubled ones and those that it does not take."""
    allowed = ALLOWED[statement]
    found: dict[str, Clause] = {}
    for clause in clauses:
        # `on` and `across` both say who, so one excludes the other.
        kind = "on" if clause.kind == "across" else clause.kind
        if clause.kind not in allowed:
            takes = sorted(allowed)
            remedy = WHY.get((statement, clause.kind)) or (f"it takes {_listed(takes)}" if takes else "take it out")
            bag.error(clause.span, "wrong-clause", f"'{statement}' takes no '{clause.kind}'", remedy)
        elif kind in found:
            message = f"'{clause.kind}' stands here twice"
            if clause.kind != found[kind].kind:
                message = f"the devices are named by '{found[kind].kind}' already"
            bag.error(clause.span, "doubled", message, "each clause once")
        else:
            found[kind] = clause
    return found


def _listed(words: list[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
