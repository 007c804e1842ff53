/* Keys for buttons: a key presses the button that bears it in data-key, unless somebody writes. */
"use strict";

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const on = event.target;
  if (on.closest?.("input, select, textarea")) return;
  if ((event.key === " " || event.key === "Enter") && on.closest?.("button, a, summary")) return;
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
