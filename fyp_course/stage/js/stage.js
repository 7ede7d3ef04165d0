// The stage: the model's film, one clock, a view for each video, and the bar.

const LEAST = { 1: 240, 2: 130 }; // pixels of a tile's width, by how many there are
const GAP_TILES = 12;
let made = 0;

class Stage {
  constructor(model, element) {
    Object.assign(this, { model, element, views: [], strength: 0, sent: -1, turn: 0 });
    this.shown = { before: true, strip: matchMedia("(prefers-reduced-motion: reduce)").matches };
    this.clock = new Clock(() => this.draw(), () => this.tell());
    this.strip = new Strip(this.clock, (index) => {
      this.clock.pause();
      this.clock.seek(index);
    });
    this.tiles = h("div", { class: "fyp-tiles" });
    this.bar = new Bar(this);
    this.words = h("div", { class: "fyp-unseen", role: "status", id: `fyp-words-${++made}` });
    element.setAttribute("aria-describedby", this.words.id);
    element.append(this.tiles, this.strip.element, this.bar.element, this.bar.saving, this.words);
    element.addEventListener("keydown", (event) => this.key(event));
    this.begun = false;
    this.watch();
    this.load();
  }

  watch() {
    const heard = {
      "change:film": () => this.load(),
      "change:frame": () => this.follow(),
      "change:playing": () => this.obey(),
      "change:stale": () => this.mark(),
      "change:alt": () => this.describe(),
      "msg:custom": (content, buffers) => this.answer(content, buffers),
    };
    for (const [event, act] of Object.entries(heard)) this.model.on(event, act);
    const resize = new ResizeObserver(() => this.arrange());
    resize.observe(this.element);
    // A stage that is scrolled out of sight stands still.
    const sight = new IntersectionObserver((seen) => (this.clock.seen = seen.at(-1).isIntersecting));
    sight.observe(this.element);
    this.unwatch = () => {
      for (const [event, act] of Object.entries(heard)) this.model.off(event, act);
      resize.disconnect();
      sight.disconnect();
    };
  }

  async load() {
    const turn = ++this.turn;
    const film = await Film.decode(this.model.get("film"));
    if (turn !== this.turn) return film.close(); // a newer one came meanwhile
    this.film?.close();
    this.film = film;
    if (film.reduced && !this.begun) this.shown.strip = true;
    Object.assign(this.clock, { count: film.count, fps: film.fps });
    if (!this.begun) this.clock.seek(this.model.get("frame"));
    this.clock.position = Math.min(this.clock.position, film.count - 1e-6);
    this.bar.show(film);
    this.lay();
    this.describe();
    this.mark();
    if (!this.begun && !this.shown.strip) this.obey();
    this.begun = true;
    this.tell();
    if (film.count < 2) this.clock.pause();
  }

  /** Views for the videos that are shown; those that stay keep their canvas. */
  lay() {
    const { film, shown } = this;
    const tiles = film.tiles.map((_tile, i) => i).filter((i) => i !== film.before || shown.before);
    while (this.views.length > tiles.length) this.views.pop().close();
    while (this.views.length < tiles.length) this.views.push(new View(this.clock));
    this.views.forEach((view, i) => {
      view.layers = [new ScrubLayer(view)];
      const [over, under] = film.overlay;
      if (tiles[i] === under) view.layers.unshift(new OverlayLayer(view, over));
      view.show(film, tiles[i]);
    });
    this.tiles.replaceChildren(...this.views.map((view) => view.element));
    this.tiles.hidden = shown.strip;
    this.strip.element.hidden = !shown.strip;
    if (shown.strip) this.strip.show(film, tiles);
    else this.strip.close();
    const titles = tiles.map((tile) => film.tiles[tile].title);
    this.element.setAttribute("aria-label", `${titles.join(", ")}: in step`);
    this.overlay(this.strength);
    this.arrange();
  }

  /** As many columns as fit, filled evenly. */
  arrange() {
    const count = this.views.length;
    if (!count) return;
    if (this.shown.strip && this.film) this.strip.fit();
    const least = (LEAST[count] ?? 170) + GAP_TILES;
    const fit = clamp(Math.floor((this.tiles.clientWidth + GAP_TILES) / least), 1, count);
    const columns = Math.ceil(count / Math.ceil(count / fit));
    this.element.style.setProperty("--fyp-columns", columns);
    this.element.style.setProperty("--fyp-rows", Math.ceil(count / columns));
  }

  draw() {
    if (!this.film) return;
    if (this.shown.strip) this.strip.draw();
    else for (const view of this.views) view.draw();
    this.bar.update();
    this.tell();
  }

  /** Let the kernel know where it stands still, and that it plays: not every frame, as messages would
   * keep a kernel alive that nobody uses. */
  tell() {
    const { index, playing } = this.clock;
    if (!this.begun) return;
    if (playing === this.model.get("playing") && (playing || index === this.sent)) return;
    this.sent = index;
    this.model.set({ frame: index, playing });
    this.model.save_changes();
    this.bar.update();
  }

  follow() {
    const index = this.model.get("frame");
    if (index !== this.sent && index !== this.clock.index) this.clock.seek(index);
  }

  obey() {
    if (this.model.get("playing") === this.clock.playing) return;
    this.clock.playing ? this.clock.pause() : this.clock.play();
  }

  mark() {
    const { result } = this.film ?? {};
    for (const view of this.views) view.mark.hidden = !(this.model.get("stale") && view.tile === result);
  }

  describe() {
    this.words.textContent = this.model.get("alt");
  }

  overlay(strength) {
    this.strength = strength;
    for (const view of this.views) {
      for (const layer of view.layers) if (layer instanceof OverlayLayer) layer.strength = strength;
      view.draw();
    }
  }

  toggle(what) {
    this.shown[what] = !this.shown[what];
    if (what === "strip" && this.shown.strip) this.clock.pause();
    this.lay();
    this.mark();
    this.bar.update();
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen();
  }

  download(format, title) {
    this.model.send({ ask: "file", format, title });
  }

  answer(content, buffers) {
    if (content.answer === "problem") this.bar.said.textContent = content.text;
    if (content.answer !== "file") return;
    const address = URL.createObjectURL(new Blob([buffers[0]]));
    h("a", { href: address, download: content.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    this.bar.said.textContent = `saved as ${content.name}`;
  }

  key(event) {
    const { clock } = this;
    const at = event.target;
    const own = at.matches("select") || (at.matches("input") && at !== this.bar.scrub);
    if (own || event.altKey || event.ctrlKey || event.metaKey) return;
    const keys = {
      ArrowLeft: () => clock.step(-1),
      ArrowRight: () => clock.step(1),
      Home: () => { clock.pause(); clock.seek(0); },
      End: () => { clock.pause(); clock.seek(clock.count - 1); },
    };
    if (!at.matches("button")) keys[" "] = () => (clock.playing ? clock.pause() : clock.play());
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  close() {
    this.unwatch();
    this.clock.set(false);
    this.strip.close();
    for (const view of this.views) view.close();
    this.turn++;
    this.film?.close();
  }
}

export default {
  render({ model, el }) {
    const [element, release] = root(model, "fyp-stage", "Videos in step");
    element.tabIndex = 0;
    el.append(element);
    const stage = new Stage(model, element);
    const unwatch = onTheme(() => stage.draw());
    return () => {
      stage.close();
      unwatch();
      release();
    };
  },
};
