import { along } from "./curves.js";
import { noted } from "./files.js";
import { gif } from "./gif.js";
import { STOPS } from "./model.js";
import { pasted, placeOf } from "./paste.js";
import { canvasOf } from "./photo.js";
import { played, writtenCurve } from "./timing.js";

// What the reader takes along, each a function from a scene to a Blob. A scene is {photo, frames, picture, expressions,
// curve, at, end, note}: `at` are the stops that are shown, `end` those where the curve is 1.

const LONGEST = 300; // frames of a GIF
const STRIP = { height: 320, gap: 2, shares: [0, 0.2, 0.4, 0.6, 0.8, 1] }; // px

// The frame of some stops, and how the photo follows it.
async function drawnFrame({ frames, expressions }, stops) {
  const asked = expressions.stops(...stops);
  await frames.draw(asked);
  return frames.at(asked);
}

// The photo at its own resolution with one frame in it.
async function rendered(scene) {
  const { canvas: whole, matrix, size } = scene.photo;
  const [canvas, ink] = canvasOf(whole.width, whole.height);
  ink.drawImage(whole, 0, 0);
  const { moved } = await drawnFrame(scene, scene.at);
  if (!moved) return canvas;
  const place = placeOf(matrix, size, canvas.width, canvas.height);
  const still = ink.getImageData(place.left, place.top, place.width, place.height);
  ink.putImageData(pasted(still, place, moved), place.left, place.top);
  return canvas;
}

// Frames side by side, white pixels between them, each the picture, which shows the last one afterwards.
async function strip(scene) {
  const { picture, end } = scene;
  const { height, gap, shares } = STRIP;
  const width = Math.round((height * picture.canvas.width) / picture.canvas.height);
  const [canvas, ink] = canvasOf(shares.length * (width + gap) - gap, height);
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, canvas.width, height);
  for (const [column, share] of shares.entries()) {
    picture.show(await drawnFrame(scene, along(share, end)));
    ink.drawImage(picture.canvas, column * (width + gap), 0, width, height);
  }
  return canvas;
}

async function film(scene) {
  const { picture, curve, end, note } = scene;
  const shares = played(curve);
  if (shares.length > LONGEST)
    throw new Error(`This curve has ${shares.length} frames; a GIF of this page has up to ${LONGEST}. Take a shorter one, or i2vlib.`);
  const { left, top } = picture.place;
  const parts = [];
  for (const share of shares) parts.push({ left, top, patch: picture.patch(await drawnFrame(scene, along(share, end))) });
  return gif(picture.pen.getImageData(0, 0, picture.canvas.width, picture.canvas.height), parts, Math.round(100 / curve.fps), note);
}

export const SAVERS = {
  gif: film,
  png: async (scene) => noted(await rendered(scene), "image/png", scene.note),
  webp: async (scene) => noted(await rendered(scene), "image/webp", scene.note),
  strip: async (scene) => noted(await strip(scene), "image/png", scene.note),
  json: async ({ expressions, curve, end }) => {
    const amounts = Object.fromEntries(expressions.axes.filter(Boolean).map((each, axis) => [each, STOPS[end[axis]]]));
    return new Blob([writtenCurve(curve, amounts)], { type: "application/json" });
  },
};
