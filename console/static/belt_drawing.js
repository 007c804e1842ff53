/* What can be drawn of a belt, on a canvas, to scale: the belt itself and its places, the chutes
   below, an item, and words over it all. Knows nothing of time.

   What looks the same in the next picture is painted once and copied from then on: without a
   graphics card, outlines and letters of a hundred items thirty times a second would keep a core
   busy. */

const RULER_PX = 46;
const CHUTE_PX = 74;
const MARGIN_PX = 10;

export class Drawing {
  constructor(canvas, layout) {
    this.canvas = canvas;
    this.layout = layout;
    this.width = 0;
    this.readColours();
  }

  readColours() {
    this.colours = colours();
    this.forget();
  }

  /* Paint everything anew. */
  forget() {
    this.ground = this.places = null;
    this.looks = new Map();
  }

  clear() {
    this.pen.clearRect(0, 0, this.width, this.height);
  }

  /* What `paint(pen)` draws, to be copied; size in CSS pixels. */
  painted(width, height, paint) {
    const canvas = new OffscreenCanvas(Math.ceil(width * this.ratio), Math.ceil(height * this.ratio));
    const pen = canvas.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    paint(pen);
    return canvas.transferToImageBitmap();
  }

  /* Put what was painted at (x, y), on whole pixels of the screen: nothing has to be blended. */
  copy(bitmap, x, y) {
    const { pen, ratio } = this;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(bitmap, Math.round(x * ratio), Math.round(y * ratio));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /* Take the room that the page gives; `width` in CSS pixels. */
  resize(width) {
    const lanes = this.layout.lanes;
    const roomy = width > 700;
    this.lane = lanes === 1 ? (roomy ? 92 : 64) : lanes <= 3 ? 62 : lanes <= 8 ? 38 : 20;
    this.height = RULER_PX + lanes * this.lane + (lanes - 1) * 6 + CHUTE_PX;
    this.width = width;
    const ratio = (this.ratio = Math.min(2, devicePixelRatio || 1));
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.height = `${this.height}px`;
    this.pen = this.canvas.getContext("2d");
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.forget();
  }

  /* An item's picture: as high as the lane allows, as narrow as the feeder's spacing asks. */
  size() {
    const spacing = (this.layout.spacing / this.layout.end) * (this.width - 20);
    return Math.max(12, Math.min(this.lane - 14, Math.max(30, 0.94 * spacing)));
  }

  x(metres) {
    return 10 + (metres / this.layout.end) * (this.width - 20);
  }

  top(lane) {
    return RULER_PX + lane * (this.lane + 6);
  }

  /* Chutes and belts, without what moves. */
  drawGround() {
    this.ground ??= this.painted(this.width, this.height, (pen) => {
      this.paintChutes(pen);
      for (let lane = 0; lane < this.layout.lanes; lane++) this.paintBelt(pen, this.top(lane));
    });
    this.copy(this.ground, 0, 0);
  }

  paintBelt(pen, top) {
    const c = this.colours;
    pen.fillStyle = c.belt;
    pen.fillRect(this.x(0), top, this.x(this.layout.end) - this.x(0), this.lane);
    pen.strokeStyle = c.beltEdge;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(this.x(0), top);
    pen.lineTo(this.x(this.layout.end), top);
    pen.moveTo(this.x(0), top + this.lane);
    pen.lineTo(this.x(this.layout.end), top + this.lane);
    pen.stroke();
  }

  /* The lines by which one sees belts move. */
  drawMarks(travelled) {
    const pen = this.pen;
    pen.fillStyle = this.colours.beltMark;
    const step = this.layout.end > 8 ? 0.5 : 0.1;
    for (let lane = 0; lane < this.layout.lanes; lane++) {
      for (let metres = travelled % step; metres < this.layout.end; metres += step) {
        pen.fillRect(this.x(metres), this.top(lane) + 3, 1.5, this.lane - 6);
      }
    }
  }

  drawPlaces(deadline) {
    if (this.places?.deadline !== deadline) {
      const bitmap = this.painted(this.width, this.height, (pen) => this.paintPlaces(pen, deadline));
      this.places = { bitmap, deadline };
    }
    this.copy(this.places.bitmap, 0, 0);
  }

  paintPlaces(pen, deadline) {
    const { colours: c, layout } = this;
    const bottom = this.top(layout.lanes - 1) + this.lane;
    const eye = this.x(layout.camera), jets = this.x(layout.ejector), late = this.x(deadline);
    pen.font = `500 ${this.width > 700 ? 13 : 11}px Roboto, system-ui, sans-serif`;
    pen.textBaseline = "alphabetic";
    // the photo-eye: a beam across the belt
    pen.fillStyle = c.eye;
    pen.globalAlpha = 0.22;
    pen.fillRect(eye - 7, RULER_PX - 6, 14, bottom - RULER_PX + 12);
    pen.globalAlpha = 1;
    this.rule(pen, eye, bottom, c.eye, [], 2);
    // where an item is when its deadline passes
    if (layout.paced) {
      const hatch = Math.max(0, jets - late);
      pen.fillStyle = c.bad;
      pen.globalAlpha = 0.13;
      pen.fillRect(late, RULER_PX, hatch, bottom - RULER_PX);
      pen.globalAlpha = 1;
      this.rule(pen, late, bottom, c.bad, [6, 4], 2);
    }
    this.rule(pen, jets, bottom, c.ink, [], 2.5);
    pen.fillStyle = c.dim;
    pen.textAlign = "left";
    const narrow = this.width < 560;
    pen.fillText("infeed", this.x(0), 15);
    this.word(pen, "photo-eye", eye, 15, c.ink);
    if (layout.paced) this.word(pen, "deadline", late, 36, c.bad, "right");
    this.word(pen, "ejectors", jets, 15, c.ink);
    pen.fillStyle = c.dim;
    pen.textAlign = "right";
    pen.fillText(narrow ? "end" : `end, ${metric(layout.end)}`, this.x(layout.end), 15);
    pen.textAlign = "center";
    if (!narrow) {
      pen.font = "400 12px Roboto, system-ui, sans-serif";
      pen.fillText(metric(layout.camera), eye, 32);
      pen.textAlign = "left";
      pen.fillText(metric(layout.ejector), jets - 14, 32);
    }
  }

  word(pen, word, x, y, colour, align = "center") {
    pen.textAlign = align;
    pen.fillStyle = colour;
    pen.fillText(word, align === "right" ? x - 5 : x, y);
  }

  rule(pen, x, bottom, colour, dashes, width) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dashes);
    pen.beginPath();
    pen.moveTo(x, RULER_PX - 8);
    pen.lineTo(x, bottom + 6);
    pen.stroke();
    pen.setLineDash([]);
  }

  /* A chute's middle line, as the four points of a curve: from the belt to its bin's card. */
  chute(bin) {
    const { layout } = this;
    const bottom = this.top(layout.lanes - 1) + this.lane;
    const at = layout.bins.indexOf(bin);
    const columns = layout.bins.length + (layout.residue ? 1 : 0);
    const from = at < 0 ? this.x(layout.end) - 8 : this.x(layout.ejector);
    const column = at < 0 ? columns - 1 : at;
    const wide = this.width > 700 && layout.spread;
    const to = wide ? ((column + 0.5) / columns) * this.width : from;
    return [from, bottom + 2, from, bottom + CHUTE_PX * 0.7, to, bottom + CHUTE_PX * 0.3, to, this.height];
  }

  /* Where something is that has come through a part `t` of a chute, from `y` on the belt. */
  along(bin, y, t) {
    const [ax, , bx, by, cx, cy, dx, dy] = this.chute(bin);
    const u = 1 - t;
    return [
      u * u * u * ax + 3 * u * u * t * bx + 3 * u * t * t * cx + t * t * t * dx,
      u * u * u * y + 3 * u * u * t * by + 3 * u * t * t * cy + t * t * t * dy,
    ];
  }

  paintChutes(pen) {
    const { colours: c, layout } = this;
    for (const bin of [...layout.bins, layout.residue].filter(Boolean)) {
      const [ax, ay, bx, by, cx, cy, dx, dy] = this.chute(bin);
      pen.strokeStyle = c.belt;
      pen.lineWidth = this.width > 700 ? 10 : 6;
      pen.lineCap = "round";
      pen.beginPath();
      pen.moveTo(ax, ay);
      pen.bezierCurveTo(bx, by, cx, cy, dx, dy);
      pen.stroke();
    }
  }

  /* One item around (x, y), as wide and high as `side`, and pale if that is not its size on the
     belt; its verdict's outline and sign once that is `known`. */
  drawItem(item, x, y, side, known, alpha) {
    this.drawLook(this.faceOf(item, known), x, y, side, alpha);
    const verdict = known ? item.verdict : "";
    const outline = this.look(`outline ${verdict}`, (pen, middle, size) => this.paintOutline(pen, verdict, middle, size));
    this.drawLook(outline, x, y, side, alpha);
  }

  drawLook(bitmap, x, y, side, alpha) {
    const size = this.size();
    const whole = (side * (size + 2 * MARGIN_PX)) / size;
    if (side === size) {
      this.copy(bitmap, x - whole / 2, y - whole / 2);
      return;
    }
    this.pen.globalAlpha = alpha;
    this.pen.drawImage(bitmap, x - whole / 2, y - whole / 2, whole, whole);
    this.pen.globalAlpha = 1;
  }

  /* An item's picture; in place of one: what it was taken for. */
  faceOf(item, known) {
    if (!item.image?.complete || !item.image.naturalWidth) {
      const name = (known && item.takenFor) || "";
      return this.look(`face ${name}`, (pen, middle, size) => this.paintName(pen, name, middle, size));
    }
    if (item.painted !== this.looks) {
      item.painted = this.looks;
      item.face?.close();
      item.face = this.square((pen, middle, size) => this.paintPicture(pen, item.image, middle, size));
    }
    return item.face;
  }

  /* What many items have in common is painted once. */
  look(name, paint) {
    if (!this.looks.has(name)) this.looks.set(name, this.square(paint));
    return this.looks.get(name);
  }

  square(paint) {
    const size = this.size();
    const whole = size + 2 * MARGIN_PX;
    return this.painted(whole, whole, (pen) => paint(pen, whole / 2, size));
  }

  /* The path of a square with round corners around the middle. */
  traceSquare(pen, middle, size) {
    pen.beginPath();
    pen.roundRect(middle - size / 2, middle - size / 2, size, size, Math.min(8, size / 5));
  }

  paintPicture(pen, image, middle, size) {
    const { naturalWidth: w, naturalHeight: h } = image;
    const side = Math.min(w, h);
    this.traceSquare(pen, middle, size);
    pen.clip();
    pen.drawImage(image, (w - side) / 2, (h - side) / 2, side, side, middle - size / 2, middle - size / 2, size, size);
  }

  paintName(pen, name, middle, size) {
    this.traceSquare(pen, middle, size);
    pen.fillStyle = this.colours.sunk;
    pen.fill();
    if (size <= 40) return;
    pen.fillStyle = this.colours.dim;
    pen.font = "500 12px Roboto, system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(name, middle, middle + 4, size - 8);
  }

  /* Without a verdict: that of an item that has none yet. */
  paintOutline(pen, verdict, middle, size) {
    this.traceSquare(pen, middle, size);
    pen.lineWidth = verdict ? 3.5 : 1.5;
    pen.strokeStyle = verdict ? this.colours[verdict] : this.colours.dim;
    pen.stroke();
    if (!verdict || size < 16) return;
    const corner = size / 2 - 4;
    this.paintMark(pen, verdict, middle + corner, middle - corner, Math.min(11, Math.max(7, size / 4)));
  }

  paintMark(pen, verdict, x, y, r) {
    const c = this.colours;
    const mark = this.layout.marks[verdict];
    pen.beginPath();
    outline(pen, mark.shape, x, y, r);
    pen.fillStyle = c[verdict];
    pen.fill();
    pen.lineWidth = 1.5;
    pen.strokeStyle = c.card;
    pen.stroke();
    pen.fillStyle = mark.pale ? "#fff" : "#14171a";
    pen.font = `700 ${Math.round(r * 1.2)}px Roboto, system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(mark.letter, x, y + (mark.shape === "triangle" ? r * 0.25 : r * 0.08));
    pen.textBaseline = "alphabetic";
  }

  drawWords(words) {
    const { pen, colours: c, layout } = this;
    const middle = (this.top(0) + this.top(layout.lanes - 1) + this.lane) / 2;
    pen.font = "500 16px Roboto, system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const wide = Math.min(this.width - 16, pen.measureText(words).width + 44);
    pen.fillStyle = c.card;
    pen.beginPath();
    pen.roundRect(this.width / 2 - wide / 2, middle - 21, wide, 42, 9);
    pen.fill();
    pen.strokeStyle = c.beltEdge;
    pen.lineWidth = 1;
    pen.stroke();
    pen.fillStyle = c.ink;
    pen.fillText(words, this.width / 2, middle + 1, wide - 24);
    pen.textBaseline = "alphabetic";
  }
}

const VERDICTS = ["sorted", "residue_ok", "low_confidence", "missed", "missorted", "late", "expired", "dropped", "failed"];

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const found = {
    belt: of("belt"), beltEdge: of("belt-edge"), beltMark: of("belt-mark"), ink: of("ink"), dim: of("dim"),
    card: of("card"), sunk: of("sunk"), bad: of("bad"), eye: of("accent"),
  };
  for (const verdict of VERDICTS) found[verdict] = of(verdict);
  return found;
}

function outline(pen, shape, x, y, r) {
  switch (shape) {
    case "circle": pen.arc(x, y, r, 0, 7); break;
    case "square": pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8); break;
    case "diamond": polygon(pen, x, y, [[0, -1.2 * r], [1.2 * r, 0], [0, 1.2 * r], [-1.2 * r, 0]]); break;
    case "triangle": polygon(pen, x, y, [[0, -1.15 * r], [1.25 * r, r], [-1.25 * r, r]]); break;
    default: pen.rect(x - r * 0.45, y - r * 1.1, r * 0.9, r * 2.2); pen.rect(x - r * 1.1, y - r * 0.45, r * 2.2, r * 0.9);
  }
}

function polygon(pen, x, y, corners) {
  corners.forEach(([dx, dy], n) => (n ? pen.lineTo(x + dx, y + dy) : pen.moveTo(x + dx, y + dy)));
  pen.closePath();
}

function metric(metres) {
  return `${metres.toFixed(metres < 10 ? 2 : 1)} m`;
}
