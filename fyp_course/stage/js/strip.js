// Nothing moves: up to eight moments beside each other, one video a row.

const MOMENTS = 8;
const GAP = 4;

class Strip {
  /** `onPick(index)` is called when a moment is pressed. */
  constructor(clock, onPick) {
    Object.assign(this, { clock, onPick });
    this.element = h("div", { class: "fyp-strip" });
    this.rows = [];
  }

  get moments() {
    const { count } = this.clock;
    const some = Math.min(count, MOMENTS);
    return [...Array(some).keys()].map((i) => Math.round((i * (count - 1)) / Math.max(1, some - 1)));
  }

  show(film, tiles) {
    this.close();
    this.film = film;
    this.rows = tiles.map((tile) => this.row(tile));
    this.element.replaceChildren(...this.rows.map((row) => row.element));
  }

  row(tile) {
    const { title, caption, width, height } = this.film.tiles[tile];
    const canvas = h("canvas", { role: "img" });
    const some = this.moments.length;
    canvas.setAttribute("aria-label", `${title}, ${some} moments from left to right`);
    canvas.style.aspectRatio = `${width * some} / ${height}`;
    canvas.style.maxWidth = `${220 * some}px`;
    const [draw, close] = sharp(canvas, (...size) => this.paint(tile, ...size));
    followPointer(canvas, {
      up: (moved, event) => {
        const box = canvas.getBoundingClientRect();
        const column = Math.floor(((event.clientX - box.left) / box.width) * some);
        if (!moved) this.onPick(this.moments[clamp(column, 0, some - 1)]);
      },
    });
    const words = h("figcaption", { class: "fyp-caption" }, caption);
    const element = h("figure", {}, h("div", { class: "fyp-title" }, title), canvas, words);
    return { element, draw, close };
  }

  paint(tile, context, width, height) {
    const { moments } = this;
    const across = (width - GAP * (moments.length - 1)) / moments.length;
    const down = (across * this.film.tiles[tile].height) / this.film.tiles[tile].width;
    const top = (height - down) / 2;
    const { index } = this.clock;
    const nearest = moments.reduce((a, b) => (Math.abs(b - index) < Math.abs(a - index) ? b : a));
    const { lit } = coloursOf(this.element);
    context.clearRect(0, 0, width, height);
    context.font = "600 11px system-ui, sans-serif";
    moments.forEach((moment, i) => {
      const x = i * (across + GAP);
      this.film.draw(context, tile, moment, x, top, across, down);
      const label = String(moment + 1);
      context.fillStyle = "rgba(0, 0, 0, 0.65)";
      context.fillRect(x, top, context.measureText(label).width + 10, 17);
      context.fillStyle = "#fff";
      context.fillText(label, x + 5, top + 12.5);
      if (moment !== nearest) return;
      context.strokeStyle = lit;
      context.lineWidth = 3;
      context.strokeRect(x + 1.5, top + 1.5, across - 3, down - 3);
    });
  }

  draw() {
    for (const row of this.rows) row.draw();
  }

  close() {
    for (const row of this.rows) row.close();
    this.rows = [];
  }
}
