// The frame ruler: a strip of frames over their numbers, three marks, and the chosen frames below.

const SIDE = 16; // pixels left and right of the strip
const TOP = 34; // the lane of the mark for the number of frames
const STRIP = 64;
const AXIS = TOP + STRIP + 14;
const BAND = AXIS + 24; // the lane of the marks for start and stride
const CELLS = BAND + 46;
const CELL = 104; // most pixels of a chosen frame's side
const MAX_CELLS = 16;

class Ruler {
  constructor(model, element) {
    Object.assign(this, { model, element, pictures: new Map(), films: {}, held: false });
    this.canvas = h("canvas", { role: "img" });
    this.band = h("div", { class: "fyp-band", title: "Drag to move the chosen frames" });
    this.makeGrips();
    const grips = [this.band, ...this.grips.map((grip) => grip.element)];
    element.append(h("div", { class: "fyp-ruler-lane" }, this.canvas, ...grips));
    [this.redraw, this.unsize] = sharp(this.canvas, (...size) => this.paint(...size));
    const heard = {
      "change:strip": () => this.load("strip"),
      "change:chosen": () => this.load("chosen"),
      "change:start_frame change:frame_stride change:num_frames": () => this.redraw(),
    };
    for (const [events, act] of Object.entries(heard)) {
      for (const event of events.split(" ")) model.on(event, act);
    }
    this.unwatch = () => {
      for (const [events, act] of Object.entries(heard)) {
        for (const event of events.split(" ")) model.off(event, act);
      }
    };
    this.load("strip");
    this.load("chosen");
  }

  get start() { return this.model.get("start_frame"); }
  get stride() { return this.model.get("frame_stride"); }
  get count() { return this.model.get("num_frames"); }
  get length() { return this.model.get("clip_frames"); }
  get wanted() { return [...Array(this.count).keys()].map((i) => this.start + i * this.stride); }
  get end() { return this.start + (this.count - 1) * this.stride; }

  makeGrips() {
    const { model, length } = this;
    // The scale stays while a mark is held: it would run away under the hand otherwise.
    const hold = (held) => {
      this.held = held;
      this.element.classList.toggle("fyp-held", held);
      this.redraw();
    };
    const frames = (dx) => dx / this.pixels;
    const start = {
      label: "Start frame",
      hint: "Start frame: drag to move the chosen frames",
      class: "fyp-start",
      get: () => this.start,
      set: (value) => put(model, { start_frame: Math.round(value) }),
      least: () => 0,
      most: () => length,
      along: frames,
      text: (value) => `starts at frame ${value}`,
      hold,
    };
    const stride = {
      label: "Stride",
      hint: "Stride: drag to pull the chosen frames apart",
      class: "fyp-stride",
      get: () => this.stride,
      set: (value) => put(model, { frame_stride: Math.round(value) }),
      least: () => 1,
      most: () => Math.max(1, Math.ceil(length / 4), this.stride),
      along: (dx) => frames(dx) / Math.max(1, this.count - 1),
      text: (value) => `every ${value === 1 ? "frame" : `${value} frames`}`,
      hold,
    };
    const count = {
      label: "Number of frames",
      hint: "Number of frames: drag to take more or fewer",
      class: "fyp-count-mark",
      get: () => this.count,
      set: (value) => put(model, { num_frames: Math.round(value) }),
      least: () => 1,
      most: () => model.get("max_frames"),
      along: (dx) => frames(dx) / this.stride,
      text: (value) => `${value} frame${value === 1 ? "" : "s"}`,
      hold,
    };
    this.grips = [start, stride, count].map((options) => new Grip(model, options));
    let from;
    followPointer(this.band, {
      down: () => {
        from = this.start;
        hold(true);
      },
      move: (dx) => this.grips[0].wish(from + frames(dx)),
      up: () => hold(false),
      cancel: () => {
        this.grips[0].wish(from);
        hold(false);
      },
    });
  }

  async load(name) {
    const film = this.model.get(name);
    const turn = (this.films[name] = {});
    if (!film.numbers.length) return this.redraw();
    const decoded = await Film.decode(film);
    if (this.films[name] !== turn) return;
    film.numbers.forEach((number, i) => this.pictures.set(number, decoded.pictures[i]));
    this.shape = decoded.tiles[0];
    this.forget();
    this.redraw();
  }

  /** Only what is on the strip or chosen is kept, and what was chosen a while ago. */
  forget() {
    const needed = new Set([...this.model.get("strip").numbers, ...this.model.get("chosen").numbers]);
    for (const number of this.pictures.keys()) {
      if (this.pictures.size <= 200) break;
      if (!needed.has(number)) this.pictures.delete(number);
    }
  }

  nearest(number) {
    let best = null;
    for (const known of this.pictures.keys()) {
      if (best === null || Math.abs(known - number) < Math.abs(best - number)) best = known;
    }
    return this.pictures.get(best);
  }

  /** Fill a rectangle with the middle of frame `number`. */
  picture(context, number, x, y, width, height) {
    const picture = this.nearest(number);
    if (!picture) return;
    const { width: across, height: down } = this.shape;
    const scale = Math.max(width / across, height / down);
    const [w, t] = [width / scale, height / scale];
    context.drawImage(picture, (across - w) / 2, (down - t) / 2, w, t, x, y, width, height);
  }

  paint(context, width) {
    if (!this.held || !this.last) this.last = Math.max(this.length - 1, this.end, 1);
    this.pixels = (width - 2 * SIDE) / this.last;
    const across = (frame) => SIDE + Math.min(frame, this.last) * this.pixels;
    const colours = coloursOf(this.element);
    context.clearRect(0, 0, width, 1000);
    const cells = this.cells(width);
    const height = CELLS + cells.side + 24;
    if (this.canvas.style.height !== `${height}px`) {
      this.canvas.style.height = `${height}px`; // which draws again
      return;
    }
    this.paintStrip(context, across, colours);
    this.paintAxis(context, across, colours, width);
    this.paintCells(context, across, colours, cells);
    this.place(across, width);
  }

  /** Of the chosen frames that the kernel sends (ruler.py) as many as have room. */
  cells(width) {
    const sent = spread(this.count, Math.min(this.count, MAX_CELLS));
    const shown = clamp(Math.floor((width - 2 * SIDE) / 52), 1, sent.length);
    const indices = spread(sent.length, shown).map((i) => sent[i]);
    const step = (width - 2 * SIDE) / shown;
    const side = Math.round(clamp(step - 8, 12, CELL)); // whole: the height is compared
    return { indices, step, side };
  }

  paintStrip(context, across, colours) {
    const end = across(this.length - 1);
    const ratio = this.shape ? this.shape.width / this.shape.height : 1;
    const slots = Math.max(1, Math.round((end - SIDE) / (STRIP * ratio)));
    const slot = (end - SIDE) / slots;
    const { wanted } = this;
    context.save();
    context.beginPath();
    context.roundRect(SIDE, TOP, Math.max(1, end - SIDE), STRIP, 6);
    context.clip();
    for (let i = 0; i < slots; i++) {
      const [first, after] = [(i * this.length) / slots, ((i + 1) * this.length) / slots];
      const chosen = wanted.find((number) => first <= number && number < after);
      const x = SIDE + i * slot;
      this.picture(context, chosen ?? (first + after) / 2, x, TOP, slot + 0.5, STRIP);
      if (chosen === undefined) {
        context.fillStyle = "rgba(24, 27, 34, 0.55)";
        context.fillRect(x, TOP, slot + 0.5, STRIP);
      }
      context.fillStyle = "rgba(0, 0, 0, 0.6)";
      context.fillRect(x - 0.5, TOP, 1, STRIP);
    }
    context.restore();
    if (this.end >= this.length) {
      const past = across(this.last) - end;
      hatch(context, colours.bad, end + 1, TOP, past, STRIP);
    }
  }

  paintAxis(context, across, colours, width) {
    const end = across(this.length - 1);
    context.lineWidth = 1;
    context.strokeStyle = colours.dim;
    context.beginPath();
    context.moveTo(SIDE, AXIS + 0.5);
    context.lineTo(end, AXIS + 0.5);
    context.stroke();
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    const gap = niceStep(46 / this.pixels);
    for (let number = 0; number <= this.last; number += gap) {
      const x = across(number);
      context.fillStyle = number < this.length ? colours.dim : colours.wrong;
      context.fillRect(x - 0.5, AXIS, 1, 4);
      const label = String(number);
      const half = context.measureText(label).width / 2;
      context.fillText(label, clamp(x, half, width - half), AXIS + 15);
    }
    for (const number of this.wanted) {
      const [x, inside] = [across(number), number < this.length];
      context.fillStyle = inside ? colours.ink : colours.bad;
      context.fillRect(x - 1, AXIS - 8, 2, 13);
      context.fillStyle = inside ? colours.lit : colours.bad;
      context.fillRect(x - 3, AXIS - 11, 6, 6);
    }
  }

  paintCells(context, across, colours, { indices, step, side }) {
    const { wanted } = this;
    indices.forEach((index, i) => {
      const number = wanted[index];
      const inside = number < this.length;
      const middle = SIDE + step * (i + 0.5);
      const left = middle - side / 2;
      context.strokeStyle = inside ? colours.dim : colours.bad;
      context.globalAlpha = 0.5;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(across(number), BAND + 26);
      context.lineTo(middle, CELLS - 3);
      context.stroke();
      context.globalAlpha = 1;
      context.save();
      context.beginPath();
      context.roundRect(left, CELLS, side, side, 6);
      context.clip();
      if (inside) this.picture(context, number, left, CELLS, side, side);
      else hatch(context, colours.bad, left, CELLS, side, side);
      context.restore();
      context.textAlign = "center";
      context.font = "600 11px system-ui, sans-serif";
      context.fillStyle = inside ? colours.ink : colours.wrong;
      context.fillText(String(number), middle, CELLS + side + 15);
    });
  }

  /** Put the marks where they belong; where two would meet, the second one gives way. */
  place(across, width) {
    const [start, stride, count] = this.grips.map((grip) => grip.element);
    const [first, last] = [across(this.start), across(this.end)];
    start.textContent = `start ${this.start}`;
    stride.textContent = `stride ${this.stride}`;
    count.textContent = `${this.count} frame${this.count === 1 ? "" : "s"}`;
    for (const grip of this.grips) grip.update();
    start.style.top = stride.style.top = this.band.style.top = `${BAND}px`;
    const wrong = this.end >= this.length;
    for (const mark of [stride, count, this.band]) mark.classList.toggle("fyp-wrong", wrong);
    const [wide, far] = [start.offsetWidth, stride.offsetWidth];
    const left = clamp(first - wide, 0, width - wide - far - 4);
    start.style.left = `${left}px`;
    stride.style.left = `${clamp(last, left + wide + 4, width - far)}px`;
    count.style.left = `${clamp(last - count.offsetWidth / 2, 0, width - count.offsetWidth)}px`;
    Object.assign(this.band.style, { left: `${first}px`, width: `${Math.max(2, last - first)}px` });
    const numbers = this.wanted;
    const listed = numbers.length > 4 ? `${numbers.slice(0, 3).join(", ")} … ${this.end}` : numbers.join(", ");
    const problem = wrong ? `; the clip ends at ${this.length - 1}` : "";
    this.canvas.setAttribute("aria-label", `Frame ruler: frames ${listed} of ${this.length}${problem}`);
  }

  close() {
    this.unwatch();
    this.unsize();
    this.films = {};
    for (const picture of this.pictures.values()) picture.close();
  }
}

/** `some` of the numbers below `count`, evenly, first and last among them. */
function spread(count, some) {
  const step = (count - 1) / Math.max(1, some - 1);
  return [...Array(some).keys()].map((i) => Math.floor(i * step + 0.5));
}

/** The first of 1, 2, 5, 10, 20, 50 … that is not below `least`. */
function niceStep(least) {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= least) return step * power;
  }
}

export default {
  render({ model, el }) {
    const [element, release] = root(model, "fyp-ruler", "Frame ruler");
    el.append(element);
    const ruler = new Ruler(model, element);
    const unwatch = onTheme(ruler.redraw);
    return () => {
      ruler.close();
      unwatch();
      release();
    };
  },
};
