"""What the published pages need that Jupyter Book does not bring.

Extensions of Sphinx: `citations` gives every reference an address, `derivations` links an equation in the package with
its derivation in a chapter, and `offline` leaves out what the theme would fetch from elsewhere. While the book is
built, `propositions` frames propositions, `address` puts in where a published copy is from, `landing` makes what moves
on the first page, and `your_face` the page that runs a model, for which `tflite` writes networks as ONNX; `live` is a
chapter's button for that page.

``book/build.py`` and ``_config.yml`` name these modules, and chapters `live`. Start with `your_face`.
"""
