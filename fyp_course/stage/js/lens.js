// The crop lens: the frame with its crop box on a scale of 512, and what the model sees of it.

const MARGIN = 30; // pixels around the picture: for the scale, and for edges beyond the picture
const SIDES = ["left", "right", "top", "bottom"];

class Lens {
  constructor(model, element) {
    Object.assign(this, { model, element, wish: null });
    this.canvas = h("canvas", { role: "img", class: "fyp-source" });
    this.seen = h("canvas", { role: "img", "aria-label": "What the model sees" });
    this.box = h("div", { class: "fyp-box", title: "Drag to move the crop" });
    this.said = h("div", { class: "fyp-caption", role: "status" });
    this.makeGrips();
    this.source = h("div", { class: "fyp-lens-lane" }, this.canvas, this.box,
      ...this.corners, ...Object.values(this.edges).map((grip) => grip.element));
    this.size = h("div", { class: "fyp-title" });
    element.append(
      h("figure", { class: "fyp-lens-source" }, this.size, this.source, this.said),
      h("figure", { class: "fyp-lens-seen" },
        h("div", { class: "fyp-title" }, "what the model sees"),
        h("div", { class: "fyp-screen" }, this.seen)),
    );
    const [draw, unsize] = sharp(this.canvas, (...size) => this.paint(...size));
    const [drawSeen, unsizeSeen] = sharp(this.seen, (...size) => this.paintSeen(...size));
    this.redraw = () => {
      draw();
      drawSeen();
    };
    const heard = SIDES.map((side) => [`change:crop_${side}`, () => this.redraw()]);
    heard.push(["change:film", () => this.load()]);
    for (const [event, act] of heard) model.on(event, act);
    this.close = () => {
      for (const [event, act] of heard) model.off(event, act);
      unsize();
      unsizeSeen();
      this.turn = {};
      this.film?.close();
    };
    this.load();
  }

  async load() {
    const turn = (this.turn = {});
    const film = await Film.decode(this.model.get("film"));
    if (this.turn !== turn) return film.close();
    this.film?.close();
    this.film = film;
    const { width, height } = film.tiles[0];
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    this.size.textContent = `source, ${width} × ${height}`;
    this.redraw();
  }

  /** The frame in reference pixels. */
  get full() {
    const { width, height } = this.film.tiles[0];
    const unit = this.model.get("scale") / Math.min(width, height);
    return { width: width * unit, height: height * unit };
  }

  crop(side) {
    return this.model.get(`crop_${side}`);
  }

  /** What is left of an axis for `side`, and how far its crop may go. */
  room(side) {
    const full = side === "left" || side === "right" ? this.full.width : this.full.height;
    const opposite = { left: "right", right: "left", top: "bottom", bottom: "top" }[side];
    return Math.max(0, Math.floor(full - this.crop(opposite) - this.model.get("least")));
  }

  makeGrips() {
    const { model } = this;
    const wish = (values) => {
      // Where the hand is, also beyond the picture; the model gets what fits.
      this.wish = values;
      const fitting = Object.entries(values).map(([side, value]) =>
        [`crop_${side}`, clamp(Math.round(value), 0, this.room(side))]);
      put(model, Object.fromEntries(fitting));
      this.redraw();
    };
    const hold = (held) => {
      if (!held) this.wish = null;
      this.element.classList.toggle("fyp-held", held);
      this.redraw();
    };
    const ways = { left: (dx) => dx, right: (dx) => -dx, top: (_dx, dy) => dy, bottom: (_dx, dy) => -dy };
    this.edges = Object.fromEntries(SIDES.map((side) => [side, new Grip(model, {
      label: `Crop ${side}`,
      class: `fyp-edge fyp-edge-${side}`,
      get: () => this.crop(side),
      set: (value) => {
        if (Number.isFinite(value)) wish({ [side]: value });
        else put(model, { [`crop_${side}`]: value > 0 ? this.room(side) : 0 });
        if (!this.element.classList.contains("fyp-held")) hold(false);
      },
      most: undefined,
      along: (dx, dy) => ways[side](dx, dy) / this.pixels,
      text: (value) => `${value} of ${Math.round(side === "left" || side === "right" ? this.full.width : this.full.height)} cut off`,
      hold,
    })]));
    this.corners = [["left", "top"], ["right", "top"], ["left", "bottom"], ["right", "bottom"]].map((sides) =>
      this.handle(h("div", { class: `fyp-corner fyp-corner-${sides.join("-")}` }), sides, (from, dx, dy) =>
        wish(Object.fromEntries(sides.map((side) => [side, from[side] + ways[side](dx, dy) / this.pixels]))), hold));
    this.handle(this.box, SIDES, (from, dx, dy) => this.move(from, dx / this.pixels, dy / this.pixels), hold);
  }

  handle(element, sides, move, hold) {
    let from;
    followPointer(element, {
      down: () => {
        from = Object.fromEntries(sides.map((side) => [side, this.crop(side)]));
        hold(true);
      },
      move: (dx, dy) => move(from, dx, dy),
      up: () => hold(false),
      cancel: () => {
        put(this.model, Object.fromEntries(sides.map((side) => [`crop_${side}`, from[side]])));
        hold(false);
      },
    });
    return element;
  }

  /** Move the whole box; it keeps its size and stops at the picture's edges. */
  move(from, dx, dy) {
    const x = clamp(Math.round(dx), -from.left, from.right);
    const y = clamp(Math.round(dy), -from.top, from.bottom);
    put(this.model, {
      crop_left: from.left + x,
      crop_right: from.right - x,
      crop_top: from.top + y,
      crop_bottom: from.bottom - y,
    });
  }

  /** The box as its four edges in reference pixels, as it is or as the hand wishes it. */
  edgesAt(wish) {
    const crop = (side) => wish?.[side] ?? this.crop(side);
    const { width, height } = this.full;
    return { left: crop("left"), top: crop("top"), right: width - crop("right"), bottom: height - crop("bottom") };
  }

  /** The largest square in the middle of what is left (see clip.crop_box); null for too little. */
  square() {
    const { left, top, right, bottom } = this.edgesAt();
    const [across, down] = [right - left, bottom - top];
    if (Math.min(across, down) < this.model.get("least")) return null;
    const side = Math.min(across, down);
    return { x: left + (across - side) / 2, y: top + (down - side) / 2, side };
  }

  paint(context, width, height) {
    if (!this.film) return;
    const { full } = this;
    this.pixels = (width - 2 * MARGIN) / full.width;
    const down = full.height * this.pixels;
    if (Math.abs(down + 2 * MARGIN - height) > 1) {
      this.canvas.style.aspectRatio = "auto";
      this.canvas.style.height = `${down + 2 * MARGIN}px`; // which draws again
      return;
    }
    const colours = coloursOf(this.element);
    const at = (value) => MARGIN + value * this.pixels;
    context.clearRect(0, 0, width, height);
    this.film.draw(context, 0, 0, MARGIN, MARGIN, full.width * this.pixels, down);
    this.shade(context, at, full);
    this.paintScale(context, at, colours);
    this.paintWrong(context, at, colours);
    this.place(at);
  }

  /** What the crop cuts off is darkest, what falls away because the rest must be square half dark. */
  shade(context, at, full) {
    const square = this.square();
    if (!square) return;
    const outside = (box, colour) => {
      context.fillStyle = colour;
      context.beginPath();
      context.rect(at(0), at(0), full.width * this.pixels, full.height * this.pixels);
      context.rect(at(box.left), at(box.top), (box.right - box.left) * this.pixels, (box.bottom - box.top) * this.pixels);
      context.fill("evenodd");
    };
    const { x, y, side } = square;
    outside(this.edgesAt(), "rgba(72, 82, 104, 0.55)");
    outside({ left: x, top: y, right: x + side, bottom: y + side }, "rgba(52, 60, 78, 0.5)");
    context.strokeStyle = coloursOf(this.element).lit;
    context.lineWidth = 2;
    context.setLineDash([6, 4]);
    context.strokeRect(at(x) + 1, at(y) + 1, side * this.pixels - 2, side * this.pixels - 2);
    context.setLineDash([]);
  }

  paintScale(context, at, colours) {
    const { full } = this;
    context.font = "10.5px system-ui, sans-serif";
    context.fillStyle = colours.dim;
    const gap = this.pixels * 64 >= 26 ? 64 : 128;
    for (let number = 0; number <= Math.max(full.width, full.height); number += gap / 2) {
      const named = number % gap === 0;
      const length = named ? 6 : 3;
      if (number <= full.width) {
        context.fillRect(at(number) - 0.5, MARGIN - 2 - length, 1, length);
        context.textAlign = "center";
        if (named) context.fillText(String(number), at(number), MARGIN - 11);
      }
      if (number <= full.height) {
        context.fillRect(MARGIN - 2 - length, at(number) - 0.5, length, 1);
        context.textAlign = "right";
        if (named && number) context.fillText(String(number), MARGIN - 10, at(number) + 3.5);
      }
    }
  }

  /** Edges beyond the picture, and crops that leave too little. */
  paintWrong(context, at, colours) {
    const { full } = this;
    const box = this.edgesAt(this.wish);
    const beyond = (x, y, right, bottom) =>
      hatch(context, colours.bad, at(x), at(y), (right - x) * this.pixels, (bottom - y) * this.pixels);
    const most = MARGIN / this.pixels; // as far as the margin shows
    const [top, bottom] = [Math.max(box.top, -most), Math.min(box.bottom, full.height + most)];
    beyond(Math.max(box.left, -most), top, 0, bottom);
    beyond(full.width, top, Math.min(box.right, full.width + most), bottom);
    beyond(Math.max(0, box.left), Math.max(box.top, -most), Math.min(full.width, box.right), 0);
    beyond(Math.max(0, box.left), full.height, Math.min(full.width, box.right), bottom);
    let problem = "";
    for (const [low, high, size, names] of [
      [box.left, box.right, full.width, ["left", "right"]],
      [box.top, box.bottom, full.height, ["top", "bottom"]],
    ]) {
      if (high - low >= this.model.get("least")) continue;
      hatch(context, colours.bad, at(0), at(0), full.width * this.pixels, full.height * this.pixels);
      problem = `Crop ${names[0]} and crop ${names[1]} together leave too little of ${Math.round(size)}: ` +
        `${this.model.get("least")} must stay.`;
    }
    if (!problem && (box.left < 0 || box.top < 0 || box.right > full.width || box.bottom > full.height)) {
      problem = "There is no picture beyond its edge.";
    }
    this.said.textContent = problem;
    this.said.classList.toggle("fyp-problem", Boolean(problem));
  }

  place(at) {
    const { left, top, right, bottom } = this.edgesAt(this.wish);
    const [x, y, far, low] = [Math.min(left, right), Math.min(top, bottom), Math.max(left, right), Math.max(top, bottom)].map(at);
    this.source.style.setProperty("--x", `${x}px`);
    this.source.style.setProperty("--y", `${y}px`);
    this.source.style.setProperty("--far", `${far}px`);
    this.source.style.setProperty("--low", `${low}px`);
    this.box.classList.toggle("fyp-wrong", Boolean(this.said.textContent));
    for (const side of SIDES) {
      const grip = this.edges[side];
      grip.update();
      grip.element.setAttribute("aria-valuemin", 0);
      grip.element.setAttribute("aria-valuemax", this.room(side));
      grip.element.dataset.value = this.crop(side) || "";
    }
    const cut = SIDES.map((side) => `${side} ${this.crop(side)}`).join(", ");
    this.canvas.setAttribute("aria-label", `Crop lens, of a short side of 512: ${cut}`);
  }

  paintSeen(context, width, height) {
    if (!this.film) return;
    const square = this.square();
    if (!square) {
      hatch(context, coloursOf(this.element).bad, 0, 0, width, height);
      return;
    }
    const unit = Math.min(this.film.tiles[0].width, this.film.tiles[0].height) / this.model.get("scale");
    const [x, y, side] = [square.x, square.y, square.side].map((value) => value * unit);
    context.clearRect(0, 0, width, height);
    context.drawImage(this.film.pictures[0], x, y, side, side, 0, 0, width, height);
  }
}

export default {
  render({ model, el }) {
    const [element, release] = root(model, "fyp-lens", "Crop lens");
    el.append(element);
    const lens = new Lens(model, element);
    const unwatch = onTheme(lens.redraw);
    return () => {
      lens.close();
      unwatch();
      release();
    };
  },
};
