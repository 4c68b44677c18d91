// Where a photo comes from: a file, a drop, the clipboard, the camera, an example. `choose(blob, eyes)` is given it,
// `load(file)` a curve that is dropped and says whether it takes any, `prepare()` is called when the reader has asked
// for a photo, which comes a moment later, and `say(text)` is told what is wrong.
export function photoSources(root, examples, { choose, load, prepare, say }) {
  const find = (name) => root.querySelector(`.i2v-${name}`);
  const chosen = (blob, eyes) => {
    closed();
    choose(blob, eyes);
  };
  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith("image/"));
    if (file) chosen(file);
    return Boolean(file);
  };

  const input = find("file").querySelector("input");
  input.addEventListener("change", () => { take(input.files); input.value = ""; });
  for (const name of ["file", "camera"]) find(name).addEventListener("click", prepare);
  root.addEventListener("dragenter", ({ dataTransfer }) => { if (dataTransfer?.types.includes("Files")) prepare(); });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    const { files } = event.dataTransfer;
    if (files[0]?.name.endsWith(".json") && load(files[0])) return;
    if (!take(files)) say("That is no picture. Drop a JPEG, PNG or WebP file.");
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData && take(event.clipboardData.files)) event.preventDefault();
  });
  root.querySelectorAll(".i2v-example").forEach((button, i) => button.addEventListener("click", () => {
    const { picture, eyes } = examples[i];
    const bytes = Uint8Array.from(atob(picture.split(",")[1]), (letter) => letter.charCodeAt(0));
    chosen(new Blob([bytes], { type: "image/jpeg" }), eyes);
  }));

  // The camera: asked for, shown, and let go of with the picture that is taken or when it is not wanted any more.
  const camera = find("camera");
  let end = null;
  function shown(ending) {
    end = ending;
    find("film").hidden = !end;
    camera.setAttribute("aria-expanded", Boolean(end));
    camera.textContent = end ? "Close the camera" : "Use the camera";
  }
  function closed(taken = false) {
    const still = end?.(taken);
    shown(null);
    return still;
  }
  camera.addEventListener("click", async () => {
    if (end) return closed();
    camera.disabled = true;
    try {
      say("Asking for the camera …");
      shown(await filming(find("film").querySelector("video")));
      say("You see yourself as in a mirror; the picture will be as others see you, and stays here.");
      find("take").focus();
    } catch (error) {
      say(error.message);
    } finally {
      camera.disabled = false;
    }
  });
  find("take").addEventListener("click", () => choose(closed(true)));
}
