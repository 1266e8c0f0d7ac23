"""The papers that a hospital or a manufacturer asks for: `python -m tools.papers OUT --junit RESULTS`.

`sources` reads what stands in `deploy/papers`, `pyproject.toml` and the docs; `results` what a run of the tests found;
`documents` makes the papers of both. The same sources and results give the same bytes.
"""
