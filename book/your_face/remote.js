// A Worker, from its script: each question is a promise of its answer.
export class Remote {
  constructor(script) {
    this.asked = new Map();
    this.count = 0;
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data: { id, made, error } }) => {
      URL.revokeObjectURL(address); // it has been read
      const [done, failed] = this.asked.get(id);
      this.asked.delete(id);
      error ? failed(new Error(error)) : done(made);
    };
    this.worker.onerror = (event) => {
      for (const [, failed] of this.asked.values()) failed(new Error(event.message || "A Worker of this page failed."));
      this.asked.clear();
    };
  }

  ask(kind, given, moved = []) {
    const id = (this.count += 1);
    return new Promise((done, failed) => {
      this.asked.set(id, [done, failed]);
      this.worker.postMessage({ id, kind, given }, moved);
    });
  }
}
