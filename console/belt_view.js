/* The belt from above, drawn to scale in metres. The server tells of items a few times a second;
   the browser moves them by the time that has passed and the belt's speed. Everything is shown a
   moment late, so that an item can be drawn before it reaches the photo-eye. */

const LEAST_DELAY_S = 0.45;
const MOST_DELAY_S = 1.2;
const FLIGHT_S = 0.55;
const FRAME_S = 0.03;
const FORGET_S = 60;
const RULER_PX = 46;
const CHUTE_PX = 74;

export default {
  template: `<canvas class="belt-canvas" role="img" :aria-label="label"></canvas>`,
  props: { layout: Object, label: String },

  mounted() {
    this.items = new Map();
    this.pieces = [{ since: 0, metres: 0, speed: 0 }];
    this.offset = null;
    this.deadline = this.layout.deadline;
    this.words = "";
    this.drawn = 0;
    this.readColours = () => (this.colours = colours());
    this.readColours();
    addEventListener("scrapline-theme", this.readColours);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.$el.parentElement);
    this.resize();
    const tick = () => {
      this.ticking = requestAnimationFrame(tick);
      const now = performance.now() / 1000;
      if (now - this.drawn < FRAME_S) return;
      this.drawn = now;
      this.draw();
    };
    tick();
    window.scraplineBelt = this;
  },
  beforeUnmount() {
    cancelAnimationFrame(this.ticking);
    this.sizes.disconnect();
    removeEventListener("scrapline-theme", this.readColours);
  },

  methods: {
    /* What the server tells: its time in seconds, the belt's speed in metres a second of the wall's
       clock, the deadline's place, words to lay over a belt that stands, and the items' news. */
    tell(now, speed, deadline, words, news) {
      const offset = now - performance.now() / 1000;
      this.offset = this.offset === null ? offset : Math.max(offset, this.offset - 0.002);
      this.deadline = deadline;
      this.words = words;
      const last = this.pieces[this.pieces.length - 1];
      if (Math.abs(last.speed - speed) > 1e-6) {
        this.pieces.push({ since: now, metres: this.metres(now), speed });
        if (this.pieces.length > 64) this.pieces.shift();
      }
      for (const one of news) this.take(one, now);
      for (const [key, item] of this.items) if (now - item.seen > FORGET_S) this.items.delete(key);
    },

    take(one, now) {
      let item = this.items.get(one.key);
      if (!item) {
        if (one.seen === undefined) return;
        item = { key: one.key, lane: one.lane, seen: one.seen, start: this.metres(one.seen) };
        this.items.set(one.key, item);
      }
      if (one.image) {
        item.image = new Image();
        item.image.src = one.image;
      }
      if (one.verdict && !item.verdict) {
        item.verdict = one.verdict;
        item.bin = one.bin;
        item.takenFor = one.taken_for;
        item.decided = one.latency === null || one.latency === undefined ? now : item.seen + one.latency;
      }
    },

    forget() {
      this.items.clear();
    },

    /* Where every item is now, for tests and the curious: key, metres from the infeed, verdict. */
    riding() {
      const now = this.shownTime();
      return [...this.items.values()].map((item) => ({
        key: item.key, metres: this.place(item, now), verdict: item.verdict ?? null, picture: !!item.image,
      }));
    },

    metres(time) {
      let piece = this.pieces[0];
      for (const next of this.pieces) if (next.since <= time) piece = next;
      return piece.metres + piece.speed * (time - piece.since);
    },

    speed() {
      return this.pieces[this.pieces.length - 1].speed;
    },

    shownTime() {
      const speed = this.speed();
      const ride = speed > 0 ? this.layout.camera / speed : LEAST_DELAY_S;
      const delay = Math.min(MOST_DELAY_S, Math.max(LEAST_DELAY_S, ride));
      return performance.now() / 1000 + (this.offset ?? 0) - delay;
    },

    place(item, time) {
      return this.layout.camera + this.metres(time) - item.start;
    },

    resize() {
      const width = this.$el.parentElement.clientWidth;
      const lanes = this.layout.lanes;
      const roomy = width > 700;
      this.lane = lanes === 1 ? (roomy ? 92 : 64) : lanes <= 3 ? 62 : lanes <= 8 ? 38 : 20;
      this.height = RULER_PX + lanes * this.lane + (lanes - 1) * 6 + CHUTE_PX;
      this.width = width;
      const ratio = Math.min(2, devicePixelRatio || 1);
      this.$el.width = Math.round(width * ratio);
      this.$el.height = Math.round(this.height * ratio);
      this.$el.style.height = `${this.height}px`;
      this.pen = this.$el.getContext("2d");
      this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.draw();
    },

    /* An item's picture: as high as the lane allows, as narrow as the feeder's spacing asks. */
    size() {
      const spacing = (this.layout.spacing / this.layout.end) * (this.width - 20);
      return Math.max(12, Math.min(this.lane - 14, Math.max(30, 0.94 * spacing)));
    },

    x(metres) {
      return 10 + (metres / this.layout.end) * (this.width - 20);
    },
    top(lane) {
      return RULER_PX + lane * (this.lane + 6);
    },

    draw() {
      if (!this.pen || this.width < 20) return;
      const now = this.shownTime();
      this.pen.clearRect(0, 0, this.width, this.height);
      this.drawChutes();
      for (let lane = 0; lane < this.layout.lanes; lane++) this.drawBelt(lane, this.metres(now));
      this.drawPlaces();
      for (const item of this.items.values()) this.drawItem(item, now);
      if (this.words) this.drawWords();
    },

    drawBelt(lane, travelled) {
      const { pen, colours: c } = this;
      const top = this.top(lane);
      pen.fillStyle = c.belt;
      pen.fillRect(this.x(0), top, this.x(this.layout.end) - this.x(0), this.lane);
      pen.strokeStyle = c.beltMark;
      pen.lineWidth = 1.5;
      pen.beginPath();
      const step = this.layout.end > 8 ? 0.5 : 0.1;
      for (let metres = travelled % step; metres < this.layout.end; metres += step) {
        pen.moveTo(this.x(metres), top + 3);
        pen.lineTo(this.x(metres), top + this.lane - 3);
      }
      pen.stroke();
      pen.strokeStyle = c.beltEdge;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.moveTo(this.x(0), top);
      pen.lineTo(this.x(this.layout.end), top);
      pen.moveTo(this.x(0), top + this.lane);
      pen.lineTo(this.x(this.layout.end), top + this.lane);
      pen.stroke();
    },

    drawPlaces() {
      const { pen, colours: c, layout } = this;
      const bottom = this.top(layout.lanes - 1) + this.lane;
      const eye = this.x(layout.camera), jets = this.x(layout.ejector), late = this.x(this.deadline);
      pen.font = `500 ${this.width > 700 ? 13 : 11}px Roboto, system-ui, sans-serif`;
      pen.textBaseline = "alphabetic";
      // the photo-eye: a beam across the belt
      pen.fillStyle = c.eye;
      pen.globalAlpha = 0.22;
      pen.fillRect(eye - 7, RULER_PX - 6, 14, bottom - RULER_PX + 12);
      pen.globalAlpha = 1;
      this.rule(eye, bottom, c.eye, [], 2);
      // where an item is when its deadline passes
      if (layout.paced) {
        const hatch = Math.max(0, jets - late);
        pen.fillStyle = c.bad;
        pen.globalAlpha = 0.13;
        pen.fillRect(late, RULER_PX, hatch, bottom - RULER_PX);
        pen.globalAlpha = 1;
        this.rule(late, bottom, c.bad, [6, 4], 2);
      }
      this.rule(jets, bottom, c.ink, [], 2.5);
      pen.fillStyle = c.dim;
      pen.textAlign = "left";
      const narrow = this.width < 560;
      pen.fillText("infeed", this.x(0), 15);
      this.place_word("photo-eye", eye, 15, c.ink);
      if (layout.paced) this.place_word("deadline", late, narrow ? 36 : 36, c.bad, "right");
      this.place_word("ejectors", jets, 15, c.ink);
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
    },

    place_word(word, x, y, colour, align = "center") {
      this.pen.textAlign = align;
      this.pen.fillStyle = colour;
      this.pen.fillText(word, align === "right" ? x - 5 : x, y);
    },

    rule(x, bottom, colour, dashes, width) {
      const pen = this.pen;
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.setLineDash(dashes);
      pen.beginPath();
      pen.moveTo(x, RULER_PX - 8);
      pen.lineTo(x, bottom + 6);
      pen.stroke();
      pen.setLineDash([]);
    },

    /* A chute's middle line, as the four points of a curve: from the belt to its bin's card. */
    chute(bin) {
      const { layout } = this;
      const bottom = this.top(layout.lanes - 1) + this.lane;
      const at = layout.bins.indexOf(bin);
      const columns = layout.bins.length + (layout.residue ? 1 : 0);
      const from = at < 0 ? this.x(layout.end) - 8 : this.x(layout.ejector);
      const column = at < 0 ? columns - 1 : at;
      const wide = this.width > 700;
      const to = wide ? ((column + 0.5) / columns) * this.width : from;
      return [from, bottom + 2, from, bottom + CHUTE_PX * 0.7, to, bottom + CHUTE_PX * 0.3, to, this.height];
    },

    drawChutes() {
      const { pen, colours: c, layout } = this;
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
    },

    drawItem(item, now) {
      const metres = this.place(item, now);
      const size = this.size();
      const y = this.top(item.lane) + this.lane / 2;
      const leaves = item.bin ? this.layout.ejector : this.layout.end;
      const speed = this.speed();
      if (metres < -0.02 * this.layout.end) return;
      if (metres <= leaves || (item.bin === undefined && metres <= this.layout.end)) {
        this.drawPicture(item, this.x(metres), y, size, now, 1);
        return;
      }
      const flown = speed > 0 ? (metres - leaves) / speed / FLIGHT_S : 1;
      if (flown >= 1) {
        this.items.delete(item.key);
        return;
      }
      const [ax, ay, bx, by, cx, cy, dx, dy] = this.chute(item.bin || this.layout.residue);
      const t = flown, u = 1 - t;
      const fx = u * u * u * ax + 3 * u * u * t * bx + 3 * u * t * t * cx + t * t * t * dx;
      const fy = u * u * u * y + 3 * u * u * t * by + 3 * u * t * t * cy + t * t * t * dy;
      this.drawPicture(item, fx, fy, size * (1 - 0.55 * flown), now, 1 - flown * flown);
    },

    drawPicture(item, x, y, size, now, alpha) {
      const { pen, colours: c } = this;
      const known = item.verdict && now >= item.decided;
      const half = size / 2;
      pen.save();
      pen.globalAlpha = alpha;
      pen.beginPath();
      pen.roundRect(x - half, y - half, size, size, Math.min(8, size / 5));
      if (item.image?.complete && item.image.naturalWidth) {
        const { naturalWidth: w, naturalHeight: h } = item.image;
        const side = Math.min(w, h);
        pen.save();
        pen.clip();
        pen.drawImage(item.image, (w - side) / 2, (h - side) / 2, side, side, x - half, y - half, size, size);
        pen.restore();
      } else {
        pen.fillStyle = c.sunk;
        pen.fill();
        if (known && item.takenFor && size > 40) this.drawName(item.takenFor, x, y, size);
      }
      pen.lineWidth = known ? 3.5 : 1.5;
      pen.strokeStyle = known ? c[item.verdict] : c.dim;
      pen.stroke();
      if (known && size >= 16) this.drawMark(item.verdict, x + half - 4, y - half + 4, Math.min(11, Math.max(7, size / 4)));
      pen.restore();
    },

    /* In place of a picture: what the item was taken for. */
    drawName(name, x, y, size) {
      const { pen, colours: c } = this;
      pen.fillStyle = c.dim;
      pen.font = "500 12px Roboto, system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText(name, x, y + 4, size - 8);
      pen.beginPath();
      pen.roundRect(x - size / 2, y - size / 2, size, size, Math.min(8, size / 5));
    },

    drawMark(verdict, x, y, r) {
      const { pen, colours: c } = this;
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
    },

    drawWords() {
      const { pen, colours: c, layout } = this;
      const middle = (this.top(0) + this.top(layout.lanes - 1) + this.lane) / 2;
      pen.font = "500 16px Roboto, system-ui, sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      const wide = Math.min(this.width - 16, pen.measureText(this.words).width + 44);
      pen.fillStyle = c.card;
      pen.beginPath();
      pen.roundRect(this.width / 2 - wide / 2, middle - 21, wide, 42, 9);
      pen.fill();
      pen.strokeStyle = c.beltEdge;
      pen.lineWidth = 1;
      pen.stroke();
      pen.fillStyle = c.ink;
      pen.fillText(this.words, this.width / 2, middle + 1, wide - 24);
      pen.textBaseline = "alphabetic";
    },
  },
};

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
