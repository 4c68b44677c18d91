// The page's side of what carries the photo along (carrying.js), a Worker beside that of the model.
export class Carrier {
  constructor(script) {
    [this.told, this.count] = [new Map(), 0];
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data: { id, moved } }) => {
      URL.revokeObjectURL(address); // it has been read
      this.told.get(id)[0](moved);
      this.told.delete(id);
    };
    this.worker.onerror = (event) => {
      for (const [, failed] of this.told.values()) failed(new Error(event.message || "What pastes the face back failed."));
      this.told.clear();
    };
  }

  // How a frame differs from the one at rest, for the photo to follow: {rest, frame, crop, size, mask}, as `change` takes
  // them.
  change(given) {
    const id = (this.count += 1);
    return new Promise((...ends) => {
      this.told.set(id, ends);
      this.worker.postMessage({ id, ...given });
    });
  }
}
