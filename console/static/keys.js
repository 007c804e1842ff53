/* Keys for buttons: a key presses the button that bears it in data-key, unless somebody writes. */
"use strict";

/* A button that was clicked does not keep the focus, or it would be pressed by the next space. */
addEventListener("mousedown", (event) => {
  if (event.target.closest?.("[data-key]")) event.preventDefault();
});

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
