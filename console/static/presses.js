/* Every press of a button that asks the console for something is acknowledged here at once, and
   answered or refused by the console. What cannot be undone is asked about first, by its name. */
"use strict";

const scraplinePress = (() => {
  const SHOWN_MS = 300;
  const LATE_MS = 4000;
  const SETTLE_MS = 600;
  const waiting = new Map();

  /* `emit` sends the press. An element with a question in data-ask is asked about before. */
  function press(element, emit, words) {
    const { ask, askMore, askYes } = element.dataset;
    words ||= element.getAttribute("aria-label") || element.textContent;
    if (ask) question(ask, askMore || "", askYes || words, () => send(element, emit, askYes || words));
    else send(element, emit, words);
  }

  function send(element, emit, words) {
    if (!element.isConnected || element.disabled) {
      scrapline.say(`Not sent, the page has changed: ${words}`, true);
      return;
    }
    if (document.documentElement.classList.contains("silent")) {
      scrapline.say(`Not sent, no word from the console: ${words}`, true);
      return;
    }
    const known = waiting.get(element.id) ?? { count: 0, since: performance.now(), element };
    waiting.set(element.id, { ...known, words, count: known.count + 1 });
    element.dataset.waiting = "yes";
    emit();
  }

  /* The console has done, or refused, what the element asked for. */
  function answered(id) {
    const known = waiting.get(id);
    if (!known) return;
    known.count -= 1;
    if (known.count > 0) return;
    waiting.delete(id);
    delete known.element.dataset.waiting;
    tell();
  }

  function tell() {
    const line = scrapline.strip("waiting", "status");
    const now = performance.now();
    const [oldest] = waiting.values();
    const passed = oldest ? now - oldest.since : 0;
    const words = passed < SHOWN_MS ? "" : passed < LATE_MS ? `Sent: ${oldest.words} …` : `No answer yet to: ${oldest.words}. It was sent.`;
    if (line.textContent !== words) line.textContent = words;
    line.className = words ? "shown" : "";
  }

  /* Names what is to be done and what comes of it. The second press of a double click falls on a
     button that is not enabled yet. */
  function question(title, more, yes, then) {
    document.querySelector("#question-box")?.remove();
    const box = document.createElement("dialog");
    box.id = "question-box";
    box.setAttribute("aria-labelledby", "question-title");
    box.setAttribute("aria-describedby", "question-more");
    const add = (parent, tag, words, classes) => {
      const element = document.createElement(tag);
      element.textContent = words;
      element.className = classes;
      return parent.appendChild(element);
    };
    add(box, "h2", title, "").id = "question-title";
    add(box, "p", more, "dim").id = "question-more";
    const row = add(box, "div", "", "row");
    const no = add(row, "button", "Cancel", "button");
    const does = add(row, "button", yes, "button danger asking");
    does.disabled = true;
    setTimeout(() => (does.disabled = false), SETTLE_MS);
    no.addEventListener("click", () => box.close());
    does.addEventListener("click", () => {
      box.close();
      then();
    });
    box.addEventListener("close", () => box.remove());
    // A click beside the buttons takes the focus from none of them.
    box.addEventListener("mousedown", (event) => event.target.closest("button") || event.preventDefault());
    document.body.append(box);
    box.showModal();
    no.focus();
  }

  /* -- number fields: what is typed holds nothing until it is sent ----------------------------- */

  function typed(input) {
    input.form.dataset.draft = input.value !== (input.dataset.inForce ?? "") || input.validity.badInput ? "yes" : "no";
  }

  function reset(input) {
    input.value = input.dataset.inForce ?? "";
    typed(input);
  }

  function key(event) {
    if (event.key === "Escape") reset(event.target);
  }

  /* The wheel scrolls the page, whatever is under it. */
  function wheel(event) {
    if (event.target === document.activeElement) event.target.blur();
  }

  /* What holds now; a draft is left alone unless it was just answered. */
  function inForce(id, value, wasAnswered) {
    const input = document.getElementById(id);
    if (!input) return;
    const drafted = input.form.dataset.draft === "yes";
    input.dataset.inForce = value;
    if (wasAnswered || !drafted) input.value = value;
    typed(input);
  }

  function submit(event, emit) {
    event.preventDefault();
    const [input] = event.target.elements;
    const { label } = event.target.dataset;
    if (input.value === "") {
      scrapline.say(`Not sent: ${label}: not a number`, true);
      reset(input);
      return;
    }
    press(event.target, () => emit(input.value), `${label} ${input.value}`);
  }

  addEventListener("DOMContentLoaded", () => setInterval(tell, 100));
  return { press, answered, typed, key, wheel, inForce, submit };
})();
window.scraplinePress = scraplinePress;
