"""What the page says, before it is HTML: sections with their pictures, tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from suite.evidence import Evidence, TaskEvidence
from suite.reading import Reading
from suite.report.comparisons import Comparison, Group, comparisons_of, groups_of
from suite.report.drawing import Drawing
from suite.report.facts import Facts, facts_of
from suite.report.findings import Best, Findings, bests, findings_of, search_findings
from suite.report.gallery import Gallery
from suite.report.sheets import Sheet, choices_sheet, levels_sheet, recipes_sheet, sheet_of
from suite.report.vector import inline, svg_of
from suite.search.study import SearchStudy
from suite.stats.across import ENOUGH_TASKS
from suite.summary import Judged
from suite.tables.best import winners_table
from suite.tables.claims import claim_sentence
from suite.tables.health import health_table
from suite.tables.others import across_table, costs_table
from suite.tables.table import Table
from suite.tables.text import number


@dataclass(frozen=True)
class Picture:
    """A drawing as the page has it."""

    title: str
    note: str
    svg: Markup


@dataclass(frozen=True)
class Section:
    """A task, or what holds over tasks.

    Attributes:
        id: its place in the page; made of numbers, never of names out of results.
        facts: the line below its heading.
        inside: pictures of gradients and units, under a heading of their own.
        claim: a sentence on what may be concluded.
    """

    id: str = ""
    name: str = ""
    facts: Sequence[str] = ()
    figures: Sequence[Picture] = ()
    inside: Sequence[Picture] = ()
    sheets: Sequence[Sheet] = ()
    claim: str = ""


@dataclass(frozen=True)
class Tested:
    """A claim of the study on one task, the answer with its evidence in a sentence, a picture."""

    claim: str
    evidence: str
    picture: Picture | None


@dataclass(frozen=True)
class Content:
    """All that the template shows.

    Attributes:
        claims: of the study, with what the trials say of each.
        metrics: by task, in the order of the map's columns.
        closing: winners and costs.
        ropes: the smallest effect worth knowing, by task.
        looks: how many looks at the results there were.
    """

    facts: Facts
    is_search: bool
    findings: Findings
    tasks: Sequence[Section]
    metrics: Mapping[str, str]
    claims: Sequence[Tested] = ()
    across: Section = field(default_factory=Section)
    bests: Sequence[Best] = ()
    groups: Sequence[Group] = ()
    comparisons: Sequence[Comparison] = ()
    closing: Sequence[Sheet] = ()
    ropes: Mapping[str, float] = field(default_factory=dict)
    looks: int = 1

    @property
    def sections(self) -> Iterator[tuple[str, str]]:
        """Places and names for the navigation."""
        yield "findings", "Findings"
        if self.claims:
            yield "claims", "Claims"
        if self.groups:
            yield "verdicts", "Verdicts"
        yield from ((own.id, own.name) for own in self.tasks)
        if self.across.figures or self.across.sheets:
            yield "across", "Over tasks"
        if self.closing:
            yield "costs", "Costs"
        yield "protocol", "How to read"
        yield "origin", "Origin"
        if self.comparisons:
            yield "evidence", "Evidence"


def content_of(reading: Reading, gallery: Gallery) -> Content:
    """The content of a run's page, with figures that have been drawn."""
    pictures = _pictures(gallery)
    if isinstance(reading.study, SearchStudy):
        return _search(reading, gallery, pictures)
    return _matrix(reading, gallery, pictures)


def _pictures(gallery: Gallery) -> dict[str, Picture]:
    """All drawings by name, each with ids of its own."""
    return {
        drawing.name: Picture(drawing.title, drawing.note, _inline(drawing, number_))
        for number_, drawing in enumerate(gallery, start=1)
    }


def _inline(drawing: Drawing, number_: int) -> Markup:
    label = f"{drawing.title}. {drawing.note}"
    return inline(svg_of(drawing), number_, label, drawing.tips)


def _matrix(reading: Reading, gallery: Gallery, pictures: Mapping[str, Picture]) -> Content:
    evidence = reading.evidence
    comparisons = comparisons_of(evidence)
    scales = [own.scale for own in evidence.tasks.values()]
    parts = (gallery.tasks, gallery.inside)
    return Content(
        facts=facts_of(reading),
        is_search=False,
        findings=findings_of(comparisons),
        bests=list(bests(evidence)),
        groups=groups_of(comparisons, list(evidence.tasks)),
        metrics=evidence.metrics,
        claims=list(_tested(reading, gallery, pictures)),
        tasks=[
            _task(f"task-{i}", own, *(_of(name, part, pictures) for part in parts))
            for i, (name, own) in enumerate(evidence.tasks.items(), start=1)
        ],
        across=_across(evidence, [pictures[d.name] for d in gallery.across]),
        closing=list(_closing(evidence)),
        comparisons=comparisons,
        ropes={name: own.scale.rope for name, own in evidence.tasks.items()},
        looks=max((scale.looks for scale in scales), default=1),
    )


def _tested(
    reading: Reading, gallery: Gallery, pictures: Mapping[str, Picture]
) -> Iterator[Tested]:
    for i, row in enumerate(reading.claims.to_dict("records")):
        sentence, drawing = claim_sentence(row, reading.metrics), gallery.claims.get(i)
        yield Tested(row["claim"], sentence, pictures[drawing.name] if drawing else None)


def _of(
    task: str, drawings: Mapping[str, Sequence[Drawing]], pictures: Mapping[str, Picture]
) -> list[Picture]:
    return [pictures[drawing.name] for drawing in drawings.get(task, ())]


def _task(
    id_: str, own: TaskEvidence, figures: Sequence[Picture], inside: Sequence[Picture]
) -> Section:
    judged = own.judged
    counts = [f"{len(own.rows):,} trials", f"{len(own.ranked):,} recipes"]
    sheets = [recipes_sheet(judged, own.ranked)]
    if not own.levels.empty:
        sheets.append(levels_sheet(judged, own.levels))
    if not own.health.empty:
        sheets.append(sheet_of(health_table(own.health)))
    facts = [*counts, *_judging(judged)]
    return Section(id_, judged.task, facts, figures, inside, sheets)


def _judging(judged: Judged) -> list[str]:
    better = "least" if judged.direction == "min" else "most"
    return [
        f"compared by {judged.metric} on test",
        f"selected by {better} {judged.objective} on validation",
        f"{judged.trivial_name}: {number(judged.trivial['test'])}",
    ]


def _across(evidence: Evidence, figures: Sequence[Picture]) -> Section:
    across = evidence.across
    if across.empty:
        return Section()
    tasks = len(evidence.tasks)
    power = across["power"].max()
    claim = (
        f"{tasks} tasks are too few for a claim about which level ranks first: that takes "
        f"{ENOUGH_TASKS} at least. With these, Friedman's test would find neighbours half a "
        f"standard deviation apart with a chance of {number(float(power), 2)} at most. The mean "
        f"effects below say how large a difference is, and how much it hangs on the task."
    )
    if left_out := _beaten(evidence):
        claim += (
            f" Not among them, since the best recipe is no better than the trivial predictor, so "
            f"that there is no way to have a share of: {', '.join(left_out)}."
        )
    if across["claimed"].any():
        claim = "Ranks over tasks, each with the critical difference and the power of its test."
    return Section(
        "across",
        "Over tasks",
        figures=figures,
        sheets=[sheet_of(across_table(across, tasks))],
        claim=claim,
    )


def _beaten(evidence: Evidence) -> list[str]:
    """Tasks whose best recipe is no better on test than the trivial predictor."""
    return [
        name
        for name, own in evidence.tasks.items()
        if not float(own.ranked["test"].iloc[0]) > own.judged.trivial["test"]
    ]


def _closing(evidence: Evidence) -> Iterator[Sheet]:
    if evidence.winners:
        yield sheet_of(winners_table(evidence.winners))
    if len(evidence.frame):
        yield sheet_of(costs_table(evidence.costs, evidence.seconds))


def _search(reading: Reading, gallery: Gallery, pictures: Mapping[str, Picture]) -> Content:
    tables = list(reading.tables())
    metrics = {name: judged.metric for name, judged in reading.judged.items()}
    return Content(
        facts=facts_of(reading),
        is_search=True,
        findings=search_findings(tables, metrics),
        metrics=metrics,
        claims=list(_tested(reading, gallery, pictures)),
        tasks=[
            _searched(reading, i, name, tables, [pictures[d.name] for d in gallery.tasks[name]])
            for i, name in enumerate(metrics, start=1)
        ],
    )


def _searched(
    reading: Reading, place: int, task: str, tables: Sequence[Table], figures: Sequence[Picture]
) -> Section:
    judged = reading.judged[task]
    own = [t for t in tables if t.name in (f"search-{task}", f"choice-{task}")]
    sheets = [sheet_of(table) for table in own]
    sheets.append(choices_sheet(judged, reading.log[1]))
    return Section(f"task-{place}", task, _judging(judged), figures, sheets=sheets)
