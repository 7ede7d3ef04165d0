// Something to hold on to: a slider for screen readers and keys, a mark or an edge for hands.

/**
 * `label` names it; `get()` gives the value, `set(value)` takes a wish and may limit it;
 * `along(dx, dy)` says how far the value goes when the pointer has gone (dx, dy) pixels from where
 * it went down. `hold(held)` is told when it is taken and let go; `text(value)` is what is read.
 */
class Grip {
  constructor(model, options) {
    Object.assign(this, { model, ...options });
    this.element = h("div", {
      class: `fyp-grip ${options.class ?? ""}`,
      role: "slider",
      tabindex: 0,
      "aria-label": options.label,
      title: options.hint ?? options.label,
    });
    followPointer(this.element, {
      down: () => {
        this.from = this.get();
        this.element.focus({ preventScroll: true });
        this.hold?.(true);
      },
      move: (dx, dy) => this.wish(this.from + this.along(dx, dy)),
      up: () => this.hold?.(false),
      cancel: () => {
        this.wish(this.from);
        this.hold?.(false);
      },
    });
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    const ends = { Home: -Infinity, End: Infinity };
    const { key } = event;
    if (!(key in steps || key in ends) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.wish(key in ends ? ends[key] : this.get() + steps[key]);
  }

  wish(value) {
    this.set(clamp(value, this.least?.() ?? -Infinity, this.most?.() ?? Infinity));
  }

  update() {
    const value = this.get();
    this.element.setAttribute("aria-valuenow", value);
    this.element.setAttribute("aria-valuetext", this.text(value));
    if (this.least) this.element.setAttribute("aria-valuemin", this.least());
    if (this.most) this.element.setAttribute("aria-valuemax", this.most());
  }
}

/** Set whole numbers of the model, and send those that changed. */
function put(model, values) {
  const changed = Object.entries(values).filter(([name, value]) => model.get(name) !== value);
  if (!changed.length) return;
  model.set(Object.fromEntries(changed));
  model.save_changes();
}

/** A pattern of slanted lines for what is wrong. */
function hatch(context, colour, x, y, width, height) {
  if (width <= 0 || height <= 0) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.globalAlpha = 0.28;
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
  context.globalAlpha = 0.9;
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  for (let at = x - height; at < x + width; at += 10) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}
