"""What the book's figures rest on: training runs, planned in one table, done, measured and kept.

`plan` reads the table ``book/results/runs.toml``; `learning` trains a run, and goes on where it was interrupted;
`measuring` measures it; `results` writes and reads ``book/results/<run>``, as rows and means with intervals. `effects`
compares two systems over people and seeds, and `preference` stands in for raters. `systems` lists what the papers
compare with, and `poses` has the forecasts of poses, whose data may not be passed on.

Every other room may import this one; it imports only i2vlib and `checkout`. Start with `plan`, whose runs the
command ``python -m i2vbook.evidence`` does.
"""
