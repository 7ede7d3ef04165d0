// Elements, icons and pointers: what all parts of the front end share.

/** An element with attributes, listeners (`onclick`) and children; `null` children are left out. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const ICONS = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6 4.5h4.2v15H6zM13.8 4.5H18v15h-4.2z",
  previous: "M16.5 5v14L8.5 12zM5.5 5h2.4v14H5.5z",
  next: "M7.5 5v14l8-7zM16.1 5h2.4v14h-2.4z",
  loop: "M7 7h9.2l-1.9-1.9 1.4-1.4L20 8l-4.3 4.3-1.4-1.4L16.2 9H7a2 2 0 0 0-2 2v2H3v-2a4 4 0 0 1 4-4zm10 10H7.8l1.9 1.9-1.4 1.4L4 16l4.3-4.3 1.4 1.4L7.8 15H17a2 2 0 0 0 2-2v-2h2v2a4 4 0 0 1-4 4z",
  strip: "M3 6h18v12H3zm2 2v8h3.7V8zm5.4 0v8h3.2V8zm5 0v8H19V8z",
  save: "M11 3h2v9.2l3.3-3.3 1.4 1.4L12 16l-5.7-5.7 1.4-1.4 3.3 3.3zM4 18h16v2H4z",
  screen: "M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z",
  before: "M3 5h8v14H3zm2 2v10h4V7zm8-2h8v14h-8z",
};

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

/**
 * The root of a component. JupyterLab and the classic notebook act on keys that are meant for it
 * otherwise: the one has an attribute for that, the other listens where events bubble to.
 */
function root(model, kind, label) {
  const element = h("div", {
    class: `fyp-live ${kind}`,
    role: "group",
    "aria-label": label,
    "data-lm-suppress-shortcuts": "true",
    "data-jp-suppress-context-menu": "true",
  });
  element.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && event.key !== "Escape") event.stopPropagation();
  });
  const hide = () => {
    const still = model.get("still") && document.getElementById(model.get("still"));
    if (still) still.style.display = "none";
  };
  hide();
  model.on("change:still", hide);
  return [element, () => model.off("change:still", hide)];
}

/**
 * Follow one pointer (mouse, pen or finger) from press to release on `element`.
 *
 * `down(event)` says whether to follow it. `move(dx, dy, event)` gets the way from where it went
 * down; `up(moved, event)` ends it, `cancel()` where the system took the pointer away, as it does
 * when a finger begins to scroll the page.
 */
function followPointer(element, { down, move, up, cancel }) {
  let held = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || held || down?.(event) === false) return;
    held = { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held?.id) return;
    const dx = event.clientX - held.x;
    const dy = event.clientY - held.y;
    held.moved ||= Math.hypot(dx, dy) > 4;
    if (held.moved) move?.(dx, dy, event);
  });
  const end = (finish) => (event) => {
    if (event.pointerId !== held?.id) return;
    const { moved } = held;
    held = null;
    finish?.(moved, event);
  };
  element.addEventListener("pointerup", end(up));
  element.addEventListener("pointercancel", end(cancel));
}

/** A canvas that is drawn at the screen's own resolution, again whenever its size changes. */
function sharp(canvas, draw) {
  const redraw = () => {
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (!across || !down) return;
    if (canvas.width !== across) canvas.width = across;
    if (canvas.height !== down) canvas.height = down;
    const context = canvas.getContext("2d");
    context.setTransform(across / width, 0, 0, down / height, 0, 0);
    context.imageSmoothingQuality = "high";
    draw(context, width, height);
  };
  const observer = new ResizeObserver(redraw);
  observer.observe(canvas);
  return [redraw, () => observer.disconnect()];
}

/** Call `redraw` when the page turns light or dark. */
function onTheme(redraw) {
  const later = () => requestAnimationFrame(redraw);
  const observer = new MutationObserver(later);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true });
  }
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", later);
  return () => {
    observer.disconnect();
    query.removeEventListener("change", later);
  };
}

/** The colours that the style sheet gives `element`, by name: ink, dim, lit, bad, wrong. */
function coloursOf(element) {
  const style = getComputedStyle(element);
  const names = ["ink", "dim", "lit", "bad", "wrong"];
  return Object.fromEntries(names.map((n) => [n, style.getPropertyValue(`--fyp-${n}`).trim()]));
}

const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
