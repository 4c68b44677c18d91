// The note that a picture is synthetic, inside its file.

const letters = (words) => Uint8Array.from([...words].map((letter) => letter.charCodeAt(0)));

function joined(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
}

function number(value, bytes, little = false) {
  const out = Uint8Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 255);
  return little ? out.reverse() : out;
}

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

// A PNG with a tEXt chunk after its header, which is 33 bytes long with the signature.
export function notedPng(bytes, note) {
  const chunk = joined(letters("tEXt"), letters("Comment"), [0], letters(note));
  return joined(bytes.slice(0, 33), number(chunk.length - 4, 4), chunk, number(crc(chunk), 4), bytes.slice(33));
}

// A WebP with an EXIF description: one of a single chunk gets the header that says so.
export function notedWebp(bytes, note, width, height) {
  const said = joined(letters(note), [0]);
  const entry = joined(number(0x010e, 2, true), number(2, 2, true), number(said.length, 4, true), number(26, 4, true));
  const tiff = joined(letters("II*\0"), number(8, 4, true), number(1, 2, true), entry, number(0, 4, true), said);
  const chunk = (name, data) =>
    joined(letters(name), number(data.length, 4, true), data, new Uint8Array(data.length % 2));
  let body = bytes.slice(12);
  if (String.fromCharCode(...body.slice(0, 4)) === "VP8X") body[8] |= 8;
  else body = joined(chunk("VP8X", joined([8, 0, 0, 0], number(width - 1, 3, true), number(height - 1, 3, true))), body);
  body = joined(body, chunk("EXIF", tiff));
  return joined(letters("RIFF"), number(body.length + 4, 4, true), letters("WEBP"), body);
}

// A canvas as a file that says what it is.
export async function noted(canvas, type, note) {
  const blob = await new Promise((done) => canvas.toBlob(done, type, 0.95));
  if (!blob || blob.type !== type) throw new Error(`This browser cannot write ${type}. Save it as PNG.`);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const made = type === "image/png" ? notedPng(bytes, note) : notedWebp(bytes, note, canvas.width, canvas.height);
  return new Blob([made], { type });
}

export function offer(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
