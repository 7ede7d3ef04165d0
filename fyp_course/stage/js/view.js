// One video on the stage: title, picture, caption. What lies over the picture are layers.

/**
 * A layer may have `draw(context, size, index)`, and `down(point, event)`, which says whether it
 * takes the pointer, with `move(point)`, `up(point, moved)` and `cancel()`. Points are in pixels
 * of the video. The last layer is on top and is asked first.
 */
class View {
  constructor(clock) {
    this.clock = clock;
    this.layers = [];
    this.canvas = h("canvas", { role: "img" });
    this.title = h("div", { class: "fyp-title" });
    this.mark = h("div", { class: "fyp-stale", hidden: true }, "The controls have changed since");
    this.caption = h("figcaption", { class: "fyp-caption" });
    const screen = h("div", { class: "fyp-screen" }, this.canvas, this.mark);
    this.element = h("figure", { class: "fyp-tile" }, this.title, screen, this.caption);
    [this.draw, this.close] = sharp(this.canvas, (...size) => this.paint(...size));
    this.listen();
  }

  show(film, tile) {
    Object.assign(this, { film, tile });
    const { title, caption, width, height } = film.tiles[tile];
    this.title.textContent = this.title.title = title;
    this.caption.textContent = caption;
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    this.canvas.setAttribute("aria-label", caption ? `${title}: ${caption}` : title);
    this.draw();
  }

  paint(context, width, height) {
    if (!this.film) return;
    const { index } = this.clock;
    this.film.draw(context, this.tile, index, 0, 0, width, height);
    for (const layer of this.layers) layer.draw?.(context, { width, height }, index);
    this.canvas.dataset.frame = index;
  }

  /** Where an event is, in pixels of the video. */
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { width, height } = this.film.tiles[this.tile];
    return {
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
    };
  }

  listen() {
    let taker;
    followPointer(this.canvas, {
      down: (event) => {
        if (!this.film) return false;
        const point = this.point(event);
        taker = this.layers.findLast((layer) => layer.down?.(point, event));
        return Boolean(taker);
      },
      move: (_dx, _dy, event) => taker.move?.(this.point(event)),
      up: (moved, event) => taker.up?.(this.point(event), moved),
      cancel: () => taker.cancel?.(),
    });
  }
}

/** Press a picture to play or pause; drag across it to move through time. */
class ScrubLayer {
  constructor(view) {
    this.view = view;
  }

  down(point) {
    const { clock } = this.view;
    this.from = { x: point.x, index: clock.index, playing: clock.playing };
    return true;
  }

  move(point) {
    const { clock, film, tile } = this.view;
    if (clock.playing) clock.pause();
    const share = (point.x - this.from.x) / film.tiles[tile].width;
    clock.seek(Math.round(this.from.index + share * clock.count));
  }

  up(_point, moved) {
    const { clock } = this.view;
    if (!moved) clock.playing ? clock.pause() : clock.play();
    else if (this.from.playing) clock.play();
  }

  cancel() {
    const { clock } = this.view;
    clock.seek(this.from.index);
    if (this.from.playing) clock.play();
  }
}

/** The skeleton over the video that was made from it, as strong as `strength` (0 to 1) says. */
class OverlayLayer {
  constructor(view, tile) {
    Object.assign(this, { view, tile, strength: 0 });
  }

  draw(context, { width, height }, index) {
    if (!this.strength) return;
    context.globalAlpha = this.strength;
    this.view.film.drawKeyed(context, this.tile, index, 0, 0, width, height);
    context.globalAlpha = 1;
  }
}
