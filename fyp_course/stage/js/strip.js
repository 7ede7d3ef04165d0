// Nothing moves: up to eight moments beside each other, one video a row.

const MOMENTS = 8;
const SMALL = 72; // pixels: narrower moments go in two rows
const GAP = 4; // pixels between them

class Strip {
  /** `onPick(index)` is called when a moment is pressed. */
  constructor(clock, onPick) {
    Object.assign(this, { clock, onPick });
    this.element = h("div", { class: "fyp-strip" });
    this.rows = [];
    this.columns = MOMENTS;
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
    this.fit();
  }

  /** All moments in one row, or in two where they would be too small. */
  fit() {
    const some = this.moments.length;
    const narrow = some > 1 && this.element.clientWidth < SMALL * some;
    this.columns = narrow ? Math.ceil(some / 2) : some;
    for (const { canvas, tile } of this.rows) {
      const { width, height } = this.film.tiles[tile];
      const rows = Math.ceil(some / this.columns);
      canvas.style.aspectRatio = `${width * this.columns} / ${height * rows}`;
      canvas.style.maxWidth = `${220 * this.columns}px`;
    }
  }

  row(tile) {
    const { title, caption } = this.film.tiles[tile];
    const canvas = h("canvas", { role: "img" });
    const some = this.moments.length;
    canvas.setAttribute("aria-label", `${title}, ${some} moments from left to right`);
    const [draw, close] = sharp(canvas, (...size) => this.paint(tile, ...size));
    followPointer(canvas, {
      up: (moved, event) => {
        const box = canvas.getBoundingClientRect();
        const rows = Math.ceil(some / this.columns);
        const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
        const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
        if (!moved) this.onPick(this.moments[clamp(row * this.columns + column, 0, some - 1)]);
      },
    });
    const words = h("figcaption", { class: "fyp-caption" }, caption);
    const element = h("figure", {}, h("div", { class: "fyp-title" }, title), canvas, words);
    return { element, canvas, tile, draw, close };
  }

  paint(tile, context, width) {
    const { moments, columns } = this;
    const across = (width - GAP * (columns - 1)) / columns;
    const down = (across * this.film.tiles[tile].height) / this.film.tiles[tile].width;
    const { index } = this.clock;
    const nearest = moments.reduce((a, b) => (Math.abs(b - index) < Math.abs(a - index) ? b : a));
    const { lit } = coloursOf(this.element);
    const size = clamp(across / 8, 9, 12);
    context.clearRect(0, 0, width, 10_000);
    context.font = `600 ${size}px system-ui, sans-serif`;
    moments.forEach((moment, i) => {
      const x = (i % columns) * (across + GAP);
      const y = Math.floor(i / columns) * (down + GAP);
      this.film.draw(context, tile, moment, x, y, across, down);
      const label = String(moment + 1);
      context.fillStyle = "rgba(0, 0, 0, 0.65)";
      context.fillRect(x, y, context.measureText(label).width + size, size * 1.5);
      context.fillStyle = "#fff";
      context.fillText(label, x + size / 2, y + size * 1.1);
      if (moment !== nearest) return;
      context.strokeStyle = lit;
      context.lineWidth = 3;
      context.strokeRect(x + 1.5, y + 1.5, across - 3, down - 3);
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
