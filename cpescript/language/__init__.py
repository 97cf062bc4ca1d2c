"""The `.cpes` language: parser, syntax tree, checker, compiler to a timeline, formatter, plan.

From text to timeline, one module a step: `tokens` and `layout` (lines and words), `tables` and `parser` (the automaton
of `grammar/cpes.lark`), `build` and `tree` (syntax), `expressions`, `claims`, `statements` (names and types checked,
steps made), `program` (params and matrix put in), `timeline` (the result, and the seam to execution).

What others use:

* `loader.load(path, catalogue) -> (Program | None, Bag)`, `loader.load_text(text, source, catalogue)`,
  `loader.check(path, catalogue) -> Bag`
* `program.Program.cases(params=, params_file=, environment=) -> (list[Timeline], Bag)`
* `params.parse_assignments(["size=200"]) -> (mapping, Bag)` for `--param`
* `catalogue.standard_catalogue()`, the names that this installation knows
* `formatter.format_text(text, source) -> (text | None, Bag)`
* `plan.plan_text(timeline) -> str`, `plan.plan_data(timeline) -> dict`
* `tables.build_tables(grammar_text) -> bytes`, for building the wheel
"""
