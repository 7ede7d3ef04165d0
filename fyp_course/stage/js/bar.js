// The control bar of a stage.

const SPEEDS = { "¼×": 0.25, "½×": 0.5, "1×": 1, "2×": 2 };

function button(name, label, act, extra = {}) {
  const element = h("button", { type: "button", class: "fyp-button", onclick: act, ...extra });
  element.append(icon(name));
  rename(element, label);
  return element;
}

function rename(element, label) {
  element.title = label;
  element.setAttribute("aria-label", label);
}

function press(element, pressed) {
  element.setAttribute("aria-pressed", String(pressed));
}

/** A range input that shows how far it is filled. */
function range(label, attributes, oninput) {
  const input = h("input", { type: "range", class: "fyp-range", "aria-label": label, ...attributes });
  input.addEventListener("input", () => {
    fill(input);
    oninput(Number(input.value));
  });
  fill(input);
  return input;
}

function fill(input) {
  const share = (input.value - input.min) / Math.max(1, input.max - input.min);
  input.style.setProperty("--fyp-filled", `${100 * share}%`);
}

class Bar {
  /** `stage` does what is asked for; the bar shows how things are when `update` is called. */
  constructor(stage) {
    this.stage = stage;
    const { clock } = stage;
    const toggle = () => (clock.playing ? clock.pause() : clock.play());
    this.play = button("play", "Play", toggle, { class: "fyp-button fyp-play" });
    this.scrub = range("Frame", { min: 0, step: 1, class: "fyp-range fyp-scrub" }, (index) => {
      if (clock.playing) clock.pause();
      clock.seek(index);
    });
    this.count = h("output", { class: "fyp-count" });
    this.speed = h("select", { class: "fyp-select", "aria-label": "Speed", title: "Speed" });
    for (const [name, value] of Object.entries(SPEEDS)) {
      this.speed.append(h("option", { value, selected: value === 1 }, name));
    }
    this.speed.addEventListener("change", () => (clock.speed = Number(this.speed.value)));
    this.loop = button("loop", "Loop", () => {
      clock.loop = !clock.loop;
      this.update();
    });
    this.fade = range("Strength of the skeleton over the result", { min: 0, max: 100, value: 0 }, (value) =>
      stage.overlay(value / 100),
    );
    this.over = h("label", { class: "fyp-over", title: "Lay the skeleton over the result" }, "Overlay", this.fade);
    this.before = button("before", "The last result beside the new one", () => stage.toggle("before"));
    this.strip = button("strip", "All moments beside each other", () => stage.toggle("strip"));
    this.save = button("save", "Download", () => this.openSaving());
    this.screen = button("screen", "Full screen", () => stage.fullScreen());
    this.element = h("div", { class: "fyp-bar" },
      h("div", { class: "fyp-keys" },
        button("previous", "Previous frame (←)", () => clock.step(-1)),
        this.play,
        button("next", "Next frame (→)", () => clock.step(1)),
      ),
      h("div", { class: "fyp-time" }, this.scrub, this.count),
      h("div", { class: "fyp-keys fyp-more" },
        this.over, this.speed, this.loop, this.before, this.strip, this.save, this.screen,
      ),
    );
    this.makeSaving();
    this.update();
  }

  makeSaving() {
    this.which = h("select", { class: "fyp-select", "aria-label": "What to download" });
    this.said = h("span", { role: "status", class: "fyp-caption" });
    const formats = { mp4: "MP4", gif: "GIF", webp: "WebP", png: "PNG sheet" };
    const buttons = Object.entries(formats).map(([format, name]) =>
      h("button", { type: "button", class: "fyp-button fyp-word", onclick: () => {
        this.said.textContent = "making the file …";
        this.stage.download(format, this.which.value);
      } }, name));
    this.saving = h("div", { class: "fyp-saving", hidden: true, role: "group", "aria-label": "Download" },
      h("span", {}, "Download"), this.which, h("span", {}, "as"), ...buttons, this.said);
  }

  openSaving() {
    this.saving.hidden = !this.saving.hidden;
    this.said.textContent = "";
    this.save.setAttribute("aria-expanded", String(!this.saving.hidden));
    if (!this.saving.hidden) this.which.focus();
  }

  /** What a film allows. */
  show(film) {
    this.scrub.max = film.count - 1;
    const still = film.count < 2;
    for (const element of this.element.querySelectorAll(".fyp-keys:first-child button")) element.disabled = still;
    this.scrub.disabled = still;
    this.over.hidden = !film.overlay.length;
    this.before.hidden = film.before < 0;
    this.strip.hidden = still;
    this.screen.hidden = !document.fullscreenEnabled;
    const titles = film.tiles.map(({ title }) => title);
    const all = titles.length > 1 ? [h("option", { value: "" }, "everything side by side")] : [];
    const chosen = this.which.value;
    this.which.replaceChildren(...all, ...titles.map((title) => h("option", { value: title }, title)));
    if (titles.includes(chosen)) this.which.value = chosen;
    this.update();
  }

  update() {
    const { clock, shown } = this.stage;
    const { index, count } = clock;
    if (this.playing !== clock.playing) {
      this.playing = clock.playing;
      rename(this.play, clock.playing ? "Pause (space)" : "Play (space)");
      this.play.replaceChildren(icon(clock.playing ? "pause" : "play"));
    }
    this.scrub.value = index;
    this.scrub.setAttribute("aria-valuetext", `frame ${index + 1} of ${count}`);
    fill(this.scrub);
    this.count.textContent = `${index + 1} / ${count}`;
    this.count.style.minWidth = `${2 * String(count).length + 2.5}ch`;
    press(this.loop, clock.loop);
    press(this.before, shown.before);
    press(this.strip, shown.strip);
  }
}
