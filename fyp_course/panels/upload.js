// A button that sends a file to the kernel in pieces, each after the kernel has taken the one
// before. upload.py has the other side and says what the messages mean.

const PATIENCE = 10_000; // milliseconds without an answer after which the kernel is asked
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function part(tag, parent, properties = {}, attributes = {}) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

// One file on its way. `tell` gets what there is to say: a text, its kind, and the bytes so far.
class Transfer {
  constructor(model, file, tell) {
    Object.assign(this, { model, file, tell, sent: 0, over: false });
    this.id = `${Date.now()}-${Math.random()}`;
    this.hear = (message) => this.answer(message);
    model.on("msg:custom", this.hear);
    this.send({ kind: "begin", name: file.name, size: file.size });
  }

  send(message, buffers) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PATIENCE);
    this.model.send({ ...message, id: this.id }, undefined, buffers);
  }

  // A piece that was lost with a connection is sent again; one that waits is only waited for.
  ask() {
    this.tell("waiting for the kernel: it may be busy with a cell …", "wait");
    this.send({ kind: "where", sent: this.sent });
  }

  async answer(message) {
    if (message.id !== this.id || this.over) return;
    clearTimeout(this.timer);
    if (message.kind === "next") {
      if (message.sent === undefined || message.sent === this.sent) await this.go(message.offset);
    } else if (message.kind === "whole") {
      this.tell(`${this.file.name} has arrived and is looked at …`, "wait", this.file.size);
    } else {
      this.end(message.sentence, message.kind);
    }
  }

  async go(offset) {
    const { file, model } = this;
    this.tell(`${file.name}: ${megabytes(offset)} of ${megabytes(file.size)} MB`, "go", offset);
    try {
      const piece = await file.slice(offset, offset + model.get("piece")).arrayBuffer();
      if (this.over) return;
      this.sent += 1;
      this.send({ kind: "piece", offset }, [piece]);
    } catch {
      this.model.send({ kind: "cancel", id: this.id });
      this.end(`${file.name} can no longer be read: choose it again.`, "no");
    }
  }

  cancel() {
    if (!this.over) this.model.send({ kind: "cancel", id: this.id });
  }

  end(text, kind) {
    this.over = true;
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.hear);
    this.tell(text, kind);
  }
}

function render({ model, el }) {
  el.classList.add("fyp-upload");
  const look = "jupyter-widgets jupyter-button widget-button lm-Widget";
  const choose = part("button", el, { type: "button", className: look });
  choose.textContent = model.get("label");
  const name = { "aria-label": model.get("label") };
  const input = part("input", el, { type: "file", accept: model.get("accept"), hidden: true }, name);
  const share = { "aria-label": "share of the file that has arrived" };
  const bar = part("progress", el, { hidden: true, value: 0 }, share);
  const cancel = part("button", el, { type: "button", className: look, hidden: true });
  cancel.textContent = "Cancel";
  const status = part("span", el, {}, { role: "status" });
  let transfer = null;

  const said = () => {
    if (transfer && !transfer.over) return;
    status.textContent = model.get("said");
    status.dataset.kind = model.get("refused") ? "no" : "done";
  };
  const tell = (text, kind, bytes) => {
    const over = kind === "done" || kind === "no";
    status.textContent = text;
    status.dataset.kind = kind;
    choose.disabled = !over;
    bar.hidden = cancel.hidden = over;
    if (bytes !== undefined) bar.value = bytes;
  };
  choose.onclick = () => input.click();
  cancel.onclick = () => transfer?.cancel();
  input.onchange = () => {
    const [file] = input.files;
    if (!file) return;
    bar.max = file.size || 1;
    tell(`${file.name}: waiting for the kernel …`, "wait", 0);
    transfer = new Transfer(model, file, tell);
    input.value = "";
  };
  model.on("change:said", said);
  said();
  return () => {
    model.off("change:said", said);
    transfer?.cancel();
  };
}

export default { initialize: ({ model }) => model.send({ kind: "hello" }), render };
