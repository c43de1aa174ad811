"""Writes docs/control.md: which control Eyeriss v2 may have, of those that its papers leave open.

Run by hand (`python docs/control.py [PROCESSES]`, an hour or so): every figure in that page is computed here.

Each option of control is run alone and in pairs; of larger sets the cycles are foretold from those (effects multiply,
but for what a pair shows), which is checked on some of them, and all sets that are foretold to hold the published
figures within their tolerances, or nearly, are run as well.  For each set the two energies that nobody publishes are
fitted anew to the same three layers as the technology table.
"""

from __future__ import annotations

import itertools
import math
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from accelerator_sim.files.errors import AcceleratorSimError  # noqa: E402
from accelerator_sim.technology.technology import Technology, load_technology  # noqa: E402
from accelerator_sim.validation.publications import Figure, Publication, load_publications  # noqa: E402
from accelerator_sim.validation.validate import SeedRuns, ours, run_case  # noqa: E402
from calibration.fit import PARAMETERS, Target, fit, targets  # noqa: E402

TABLE = "cmos65_8b"
NAME = "eyeriss_v2"
TIMES = ("mobilenet_v1.5", "alexnet", "alexnet_sparse", "mobilenet", "mobilenet_sparse")
"""Cases of eyeriss_v2.yaml whose time and energy are published."""
JUDGED = (
    "cycles of MobileNet on v1.5",
    "AlexNet, inferences a second",
    "sparse AlexNet, inferences a second",
    "MobileNet, inferences a second",
    "sparse MobileNet, inferences a second",
    "sparse over dense MobileNet, speed",
    "AlexNet, inferences a joule",
    "sparse AlexNet, inferences a joule",
    "MobileNet, inferences a joule",
    "sparse MobileNet, inferences a joule",
)
SHORT = ("v1.5", "A /s", "sA /s", "M /s", "sM /s", "sM/M", "A /J", "sA /J", "M /J", "sM /J")
NEAR = 0.015
"""Sets that are foretold to miss by no more than this are run."""
CHECKED = 12
"""Larger sets that are run to see how well they are foretold."""


MOST_RUN = 40
"""Larger sets that are run because they are foretold to hold: those that are foretold nearest."""


@dataclass(frozen=True)
class Option:
    """A line of the control: what it says instead of the shipped file, and who supports it."""

    title: str
    set: dict[str, str]
    older: dict[str, str] | None = field(default=None)
    """The same for v1.5, where it differs."""

    @property
    def of_v1_5(self) -> dict[str, str]:
        """Its settings for v1.5."""
        return self.set if self.older is None else self.older


OPTIONS = (
    Option("an iact takes two cycles at least", {"pe.min_cycles_per_iact": "2"}, {}),
    Option("psum banks read a window, then write it", {"glb.psum.access": "burst"}),
    Option("48 bits of configuration a cycle", {"configuration.rate": "48 b"}, {"configuration.cycles": "45"}),
    Option("the first pass reads psums", {"glb.psum_read_first": "true"}),
    Option("first windows load after the pass before", {"overlap.iact_fill": "false"}),
    Option("the PEs of the array start together", {"pe.lock_step": "array"}),
    Option(
        "a single iact buffer, filled after the pass before",
        {"pe.iact_buffer": "single", "overlap.iact_fill": "false"},
    ),
    Option("a word for each iact that is left out", {"pe.csc.iact_stream": "filled"}, {}),
    Option("hops take no cycle", {"noc.hop_cycles": "0"}),
    Option(
        "psums start after 6 cycles, arrive after 2", {"pe.psum_service.start": "6", "pe.psum_service.latency": "2"}
    ),
    Option("windows are loaded afresh", {"pe.iact_window": "reload"}),
    Option("one iact word a cycle on the mesh", {"noc.iact.words_per_cycle": "1"}, {}),
    Option("weights are sent again with each pass", {"pe.weights_stay": "false"}),
    Option("one weight address a cycle", {"pe.csc.weight_addresses_per_cycle": "1"}, {}),
)  # fmt: skip

Set = frozenset[int]
"""Options that are on, by their place in OPTIONS."""


@cache
def publication() -> Publication:
    """The published figures of Eyeriss v2."""
    return load_publications([NAME])[NAME]


@cache
def fitted() -> tuple[Technology, list[Target]]:
    """The technology table, and the figures that two of its energies are fitted to."""
    return load_technology(TABLE), targets(TABLE)


def figures() -> list[Figure]:
    """Those that are judged, in the order of JUDGED."""
    by_name = {figure.name: figure for figure in publication().figures}
    return [by_name[name] for name in JUDGED]


def runs_of(options: Set, seeds: int = 1) -> dict[tuple[str, str], SeedRuns]:
    """Run the networks and the layers that the table is fitted to, under some options.

    Raises AcceleratorSimError where they exclude each other.
    """
    cases = {name: publication().cases[name] for name in TIMES}
    for _, figure in fitted()[1]:
        cases[figure.case] = publication().cases[figure.case].model_copy(update={"layers": [figure.layer]})
    runs = {}
    for name, case in cases.items():
        changes: dict[str, str] = {}
        for option in sorted(options):
            changes |= OPTIONS[option].of_v1_5 if case.architecture == "eyeriss_v1_5" else OPTIONS[option].set
        changed = case.model_copy(update={"set": case.set | changes})
        count = seeds if case.seeds > 1 and name in TIMES else 1
        runs[NAME, name] = tuple(run_case(name, changed, seed=seed) for seed in range(count))
    return runs


def errors_of(options: Set, seeds: int = 1) -> list[float] | None:
    """Our error of each judged figure under some options, as a fraction; None where they exclude each other."""
    try:
        runs = runs_of(options, seeds)
    except AcceleratorSimError:
        return None
    technology, fits = fitted()
    for parameter, value in zip(PARAMETERS[TABLE], fit(technology, PARAMETERS[TABLE], fits, runs), strict=True):
        technology = parameter.put(technology, float(value))
    charged = {key: tuple(run.charged(technology) for run in each) for key, each in runs.items()}
    return [ours(figure, NAME, charged) / (figure.value or 1.0) - 1.0 for figure in figures()]


Ratios = tuple[float, ...]
"""Ours over published, by figure."""


def ratios(errors: Iterable[float], seeds: Ratios) -> Ratios:
    """Ours over published of several seeds, from the errors of the first."""
    return tuple((1.0 + error) * seed for error, seed in zip(errors, seeds, strict=True))


def holds(found: Ratios, margin: float = 0.0) -> bool:
    """Whether all figures are within their tolerances."""
    return all(abs(each - 1.0) <= (f.within or 0.0) + margin for each, f in zip(found, figures(), strict=True))


def foretold(options: Set, known: Mapping[Set, Ratios]) -> Ratios | None:
    """Ratios of a set from those of single options and of pairs; None where a pair excludes itself."""
    pairs = [frozenset(pair) for pair in itertools.combinations(sorted(options), 2)]
    if any(pair not in known for pair in pairs) or any(frozenset({o}) not in known for o in options):
        return None
    logs = {each: [math.log(r) for r in known[each]] for each in (frozenset[int](), *pairs)}
    logs |= {frozenset({o}): [math.log(r) for r in known[frozenset({o})]] for o in options}
    base = logs[frozenset()]
    found = list(base)
    for o in options:
        found = [f + a - b for f, a, b in zip(found, logs[frozenset({o})], base, strict=True)]
    for pair in pairs:
        a, b = (logs[frozenset({o})] for o in pair)
        found = [f + p - x - y + z for f, p, x, y, z in zip(found, logs[pair], a, b, base, strict=True)]
    return tuple(math.exp(f) for f in found)


@dataclass(frozen=True)
class Study:
    """What was run: ours over published of every set; those foretold; and how well larger sets were foretold."""

    known: dict[Set, Ratios]
    excluded: int
    foretold: dict[Set, Ratios]
    error: float

    @property
    def holding(self) -> list[Set]:
        """The sets that hold all figures, the nearest first."""
        sets = [each for each, found in self.known.items() if holds(found)]
        return sorted(sets, key=lambda each: max(abs(r - 1.0) for r in self.known[each]))


def sets_of(most: int, least: int = 0) -> Iterator[Set]:
    """All sets of options of some sizes."""
    for size in range(least, most + 1):
        yield from map(frozenset, itertools.combinations(range(len(OPTIONS)), size))


def study(processes: int) -> Study:
    """Run single options, pairs, and the larger sets that may hold."""
    plain = errors_of(frozenset(), 4)
    first = errors_of(frozenset())
    assert plain is not None
    assert first is not None
    seeds = tuple((1.0 + a) / (1.0 + b) for a, b in zip(plain, first, strict=True))
    known: dict[Set, Ratios] = {}
    with ProcessPoolExecutor(processes) as pool:

        def run(sets: list[Set]) -> int:
            found = list(pool.map(errors_of, sets))
            known.update({s: ratios(e, seeds) for s, e in zip(sets, found, strict=True) if e is not None})
            return sum(e is None for e in found)

        excluded = run(list(sets_of(2)))
        larger = {s: f for s in sets_of(len(OPTIONS), 3) if (f := foretold(s, known)) is not None}
        sample = random.Random(0).sample(sorted(larger, key=sorted), min(CHECKED, len(larger)))
        run(sample)
        near = [s for s, f in larger.items() if holds(f, NEAR) and s not in known]
        run(sorted(near, key=lambda s: max(abs(each - 1.0) for each in larger[s]))[:MOST_RUN])
    pairs = (zip(known[s], larger[s], strict=True) for s in sample if s in known)
    off = max((abs(ran / told - 1.0) for pair in pairs for ran, told in pair), default=0.0)
    return Study(known, excluded, {s: f for s, f in larger.items() if s not in known}, off)


HEAD = """# Which control does Eyeriss v2 have?

The papers leave parts of the control open, and an open RTL of the same shape (OpenEye) decides some of them otherwise
than we do. This page asks which of these choices the published figures allow. Written by `docs/control.py`.

Each line of the table is `eyeriss_v2` (and `eyeriss_v1_5` for its figure) with one option: error of each published
figure, A = AlexNet, M = MobileNet, s = sparse, /s and /J = inferences a second and a joule, sM/M = speed of sparse over
dense MobileNet; under the nest of the paper, zeros as the mean of four seeds. The two energies that nobody publishes
(clock and control) are fitted anew for each line to the same three single layers as in the technology table.

"""


def row(title: str, found: Ratios) -> str:
    """A line of the table of errors."""
    cells = (f"**{r - 1:+.1%}**" if abs(r - 1.0) > (f.within or 0.0) else f"{r - 1:+.1%}"
             for r, f in zip(found, figures(), strict=True))  # fmt: skip
    return f"| {title} | " + " | ".join(cells) + f" | {'yes' if holds(found) else ''} |\n"


def named(options: Set) -> str:
    """A set in words."""
    return "; ".join(OPTIONS[o].title for o in sorted(options)) or "as shipped"


def page(result: Study) -> str:
    """The page."""
    head = f"| | {' | '.join(SHORT)} | all hold |\n|---|{'---|' * (len(SHORT) + 1)}\n"
    text = HEAD + head + row("as shipped", result.known[frozenset()])
    for i, option in enumerate(OPTIONS):
        single = result.known.get(frozenset({i}))
        text += row(option.title, single) if single is not None else f"| {option.title} | does not run |\n"
    tolerances = " | ".join(f"{f.within or 0:.1%}" for f in figures())
    text += f"| *tolerance* | {tolerances} | |\n\nBold: outside the tolerance.\n\n## Sets of options\n\n"
    holding, total = result.holding, len(result.known) + len(result.foretold)
    text += (
        f"{total:,} sets of the {len(OPTIONS)} options can be; {len(result.known):,} were run, the others foretold from"
        f" single options and pairs (off by at most {result.error:.1%} on the larger sets that were run)."
        f" {len(holding):,} of those that were run hold all figures, and of the others"
        f" {sum(holds(each) for each in result.foretold.values()):,} are foretold to.\n\n"
    )
    if holding:
        text += "| option | on in, of the sets that hold |\n|---|---|\n"
        for i, option in enumerate(OPTIONS):
            text += f"| {option.title} | {sum(i in each for each in holding) / len(holding):.0%} |\n"
        text += f"\nThe nearest by their largest error:\n\n{head}"
        for each in holding[:10]:
            text += row(named(each), result.known[each])
    return text


def main() -> None:
    """Write the page."""
    result = study(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    (ROOT / "docs" / "control.md").write_text(page(result))


if __name__ == "__main__":
    main()
