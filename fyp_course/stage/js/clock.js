// The one clock of a stage: which frame is seen now.

class Clock {
  /** `onFrame()` is called when the frame changes, `onState()` when it begins or ends to play. */
  constructor(onFrame, onState) {
    Object.assign(this, { onFrame, onState, count: 1, fps: 8, speed: 1, loop: true });
    Object.assign(this, { position: 0, playing: false, seen: true, last: 0, request: 0 });
  }

  get index() {
    return Math.min(Math.floor(this.position), this.count - 1);
  }

  play() {
    if (this.count < 2) return;
    if (!this.loop && this.index === this.count - 1) this.position = 0;
    this.set(true);
    this.onFrame();
  }

  pause() {
    this.position = this.index;
    this.set(false);
    this.onFrame();
  }

  set(playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    this.last = 0;
    cancelAnimationFrame(this.request);
    if (playing) this.wait();
    this.onState();
  }

  wait() {
    this.request = requestAnimationFrame((now) => this.tick(now));
  }

  seek(index) {
    this.position = clamp(index, 0, this.count - 1);
    this.onFrame();
  }

  /** One frame on or back, and stay there. */
  step(by) {
    this.position = (this.index + by + this.count) % this.count;
    this.pause();
  }

  tick(now) {
    const before = this.index;
    // A page that was hidden goes on where it was.
    const seconds = this.last && this.seen ? Math.min((now - this.last) / 1000, 0.5) : 0;
    this.last = now;
    this.position += seconds * this.fps * this.speed;
    if (this.position >= this.count) {
      if (!this.loop) {
        this.position = this.count - 1;
        this.pause();
        return;
      }
      this.position %= this.count;
    }
    if (this.index !== before) this.onFrame();
    this.wait();
  }
}
