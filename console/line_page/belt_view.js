/* The belt from above, drawn to scale in metres. The server tells of items a few times a second;
   the browser moves them by the time that has passed and the belt's speed. Everything is shown a
   moment late, so that an item can be drawn before it reaches the photo-eye. */

import { Drawing } from "/console-static/belt_drawing.js";

const LEAST_DELAY_S = 0.45;
const MOST_DELAY_S = 1.2;
const FLIGHT_S = 0.55;
const FRAME_S = 0.04;
const MOST_PAUSE_S = 0.2;
const DRAWING_SHARE = 0.15;
const FORGET_S = 60;

export default {
  template: `<canvas class="belt-canvas" role="img" :aria-label="label"></canvas>`,
  props: { layout: Object, label: String },

  mounted() {
    this.items = new Map();
    this.pieces = [{ since: 0, metres: 0, speed: 0 }];
    this.offset = null;
    this.deadline = this.layout.deadline;
    this.words = "";
    this.takes_s = 0;
    this.drawing = new Drawing(this.$el, this.layout);
    this.readColours = () => this.drawing.readColours();
    addEventListener("scrapline-theme", this.readColours);
    this.forget = () => this.drawing.forget();
    document.fonts.addEventListener("loadingdone", this.forget);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.$el.parentElement);
    this.resize();
    this.tick();
    window.scraplineBelt = this;
  },
  beforeUnmount() {
    clearTimeout(this.waiting);
    cancelAnimationFrame(this.ticking);
    this.sizes.disconnect();
    removeEventListener("scrapline-theme", this.readColours);
    document.fonts.removeEventListener("loadingdone", this.forget);
  },

  methods: {
    /* Draw now and again, not more than a share of the time: where processors are few or busy, the
       belt moves in larger steps rather than take them from the line. */
    tick() {
      const began = performance.now();
      try {
        this.draw();
      } finally {
        this.takes_s = 0.8 * this.takes_s + 0.2 * (performance.now() - began) / 1000;
        const pause_s = Math.max(FRAME_S, Math.min(MOST_PAUSE_S, this.takes_s / DRAWING_SHARE));
        this.waiting = setTimeout(() => (this.ticking = requestAnimationFrame(() => this.tick())), 1000 * pause_s);
      }
    },

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
      for (const item of this.items.values()) if (now - item.seen > FORGET_S) this.drop(item);
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

    drop(item) {
      this.items.delete(item.key);
      item.face?.close();
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
      this.drawing.resize(this.$el.parentElement.clientWidth);
      this.draw();
    },

    draw() {
      const { drawing } = this;
      if (drawing.width < 20) return;
      const now = this.shownTime();
      drawing.clear();
      drawing.drawGround();
      drawing.drawMarks(this.metres(now));
      drawing.drawPlaces(this.deadline);
      for (const item of this.items.values()) this.drawItem(item, now);
      if (this.words) drawing.drawWords(this.words);
    },

    /* On the belt, or on its way through a chute; gone when it has reached its bin. */
    drawItem(item, now) {
      const { drawing, layout } = this;
      const metres = this.place(item, now);
      if (metres < -0.02 * layout.end) return;
      const size = drawing.size();
      const y = drawing.top(item.lane) + drawing.lane / 2;
      const known = !!item.verdict && now >= item.decided;
      const leaves = item.bin ? layout.ejector : layout.end;
      if (metres <= leaves) {
        drawing.drawItem(item, drawing.x(metres), y, size, known, 1);
        return;
      }
      const flown = this.speed() > 0 ? (metres - leaves) / this.speed() / FLIGHT_S : 1;
      if (flown >= 1) {
        this.drop(item);
        return;
      }
      const [left, down] = drawing.along(item.bin || layout.residue, y, flown);
      drawing.drawItem(item, left, down, size * (1 - 0.55 * flown), known, 1 - flown * flown);
    },
  },
};
