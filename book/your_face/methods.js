import { Model } from "./model.js";

// The model behind the page, begun when it is first asked for, and which of its methods draws.

export class Methods {
  // `told(text, share)` hears how far it is; `may()` says whether another method may be chosen now, and `chosen(former)`
  // is told that one was.
  constructor(choice, { root, model }, { told, may, chosen }) {
    [this.choice, this.root, this.told, this.first, this.name, this.starting] = [choice, root, told, model, model, null];
    choice.addEventListener("change", () => {
      if (!may()) return this.use(this.name); // one thing after the other
      const former = this.name;
      this.use(choice.value);
      chosen(former);
    });
  }

  use(name) {
    this.name = this.choice.value = name;
  }

  started() {
    this.starting ??= Model.start(this.root, this.name, this.told);
    this.starting.catch(() => { this.starting = null; });
    return this.starting;
  }

  async opened() {
    return (await this.started()).opened(this.name);
  }

  // The one that reads how strong an expression is, with what finds a face: the first.
  async reader() {
    const model = await this.started();
    await model.reading();
    return model.opened(this.first);
  }

  // The reader has asked for the model, and the photo comes a moment later.
  prepare() {
    this.started().then((model) => Promise.all([model.reading(), this.opened()])).catch(() => {}); // told later
  }
}
