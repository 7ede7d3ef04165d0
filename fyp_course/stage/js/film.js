// Frames of several videos, decoded. Picture i holds frame i of every video, so what is drawn from
// it is in step.

class Film {
  /** From the model's `film` (see film.py). */
  static async decode(film) {
    const { buffer, byteOffset } = film.data;
    let start = byteOffset ?? 0;
    const blobs = film.sizes.map((size) => {
      const bytes = new Uint8Array(buffer ?? film.data, start, size);
      start += size;
      return new Blob([bytes], { type: "image/jpeg" });
    });
    return new Film(film, await Promise.all(blobs.map((blob) => createImageBitmap(blob))));
  }

  constructor(film, pictures) {
    Object.assign(this, film, { pictures, keyed: new Map() });
  }

  /** Draw frame `index` of video `tile` into a rectangle. */
  draw(context, tile, index, x, y, width, height) {
    const { x: left, width: across, height: down } = this.tiles[tile];
    context.drawImage(this.pictures[index], left, 0, across, down, x, y, width, height);
  }

  /** The same with its black background transparent: what a skeleton is laid over a video with. */
  drawKeyed(context, tile, index, x, y, width, height) {
    const key = `${tile} ${index}`;
    if (!this.keyed.has(key)) this.keyed.set(key, this.key(tile, index));
    context.drawImage(this.keyed.get(key), x, y, width, height);
  }

  key(tile, index) {
    const { width, height } = this.tiles[tile];
    const canvas = h("canvas", { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    this.draw(context, tile, index, 0, 0, width, height);
    const image = context.getImageData(0, 0, width, height);
    const { data } = image;
    for (let i = 0; i < data.length; i += 4) {
      // The brightest channel is how much of the line covers the pixel; a JPEG's black is not
      // quite black.
      const most = Math.max(data[i], data[i + 1], data[i + 2]);
      if (most) for (let c = 0; c < 3; c++) data[i + c] = (data[i + c] * 255) / most;
      data[i + 3] = clamp((most - 24) * 1.25, 0, 255);
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  close() {
    for (const picture of this.pictures) picture.close();
    this.keyed.clear();
  }
}
