"""The third wing: what makes the book, and nobody else needs.

`runs` is the table of training runs and does them; `claims` turns what they measured into verdicts; `ledger` keeps and
shows these, claim by claim; `address` is where a published copy is from; `citations` lets a link land on a work in the
references, `derivations` on an equation in the package, and back; `propositions` are framed by the theme; `opening` and
`departures` are what a chapter says of its claims and of the shipped model; `audit` measures the actors by readers of
real faces; `turing` asks a classifier whether made clips can be told from real ones, and the reader; `benchmark` sets a
model from elsewhere beside the book's; `figures` is the one style of the chapters' pictures. `your_face` is the page
that runs a model, and `tflite` says for it in ONNX the networks that find a face. `landing` makes what moves on the
first page, and `pages` leaves out what the theme would fetch from elsewhere. `checkout` knows where the chapters and
the results lie, and is asked for nothing else.

Chapters and the build import this wing; nothing in the package does. It works in a checkout of the book only. Start
reading with `runs`, whose table (`book/results/runs.toml`) says what every figure rests on.
"""
