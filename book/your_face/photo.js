import { cropMatrix, warp } from "./crop.js";

// A photo as a canvas, and the face's crop of it.

const MOST = 4096; // px, its longer side

export function canvasOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
}

// A photo's file at its own resolution, upright, on white.
export async function opened(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error("This file is no picture that the browser can read. Give a JPEG, PNG or WebP file.");
  }
  const scale = Math.min(1, MOST / Math.max(bitmap.width, bitmap.height));
  const [canvas, pen] = canvasOf(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

// All of a canvas as {data, width, height, channels}.
export function pixelsOf(canvas) {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { data, width, height, channels: 4 };
}

// The crop of a photo by its eyes, the one on the left first, and the way there.
export function cropped(canvas, eyes, size) {
  const [[x0, y0], [x1, y1]] = eyes;
  if (Math.hypot(x1 - x0, y1 - y0) < 4) throw new Error("The eyes lie in one place. Put a ring on each.");
  const matrix = cropMatrix(eyes, size);
  return { eyes, size, matrix, crop: warp(pixelsOf(canvas), matrix, size) };
}
