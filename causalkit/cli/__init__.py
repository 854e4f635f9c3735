"""The command line: what the library does, from files to files, for people and for scripts.

A command is a function that reads files, calls the library, and returns an
:class:`~causalkit.cli.running.Answer`: the text for people, the values for `--json`, and the exit
status. Everything that commands have in common is put around it once, in
:mod:`causalkit.cli.running`: `--json` and `--quiet`, progress on a terminal, remarks and warnings
on standard error, errors as one sentence, and the status that a script can ask for. Options that
several commands have are in :mod:`causalkit.cli.options`, what an option may name (algorithms,
tests, scores, estimators) in the tables of :mod:`causalkit.cli.choices`. A new command is a
function, and a row in the table of :mod:`causalkit.cli.app`.

========================  ==========================================================
`learning`                `discover`, `series`, `suggest`: from data to a graph
`answering`               `identify`, `estimate`, `analyze`: from a graph to an effect
`generators`              `generate`, `compare`: data with a known truth, and who finds it
`drawing`                 `plot`, `convert`: graphs to pictures and other formats
`bundled`                 `datasets`, `demo`: what comes with the package
========================  ==========================================================
"""
