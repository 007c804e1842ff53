/* What every page of the console needs in the browser: theme, messages, and the watch over the
   connection. Loaded before the page is painted. */
"use strict";

const scrapline = (() => {
  const root = document.documentElement;
  const FIRST_MS = 10_000;
  const ASK_MS = 2000;
  let heard = null;
  let silenceMs = 0;
  let quiet = null;
  let asked = 0;

  function theme() {
    const wanted = localStorage.getItem("scrapline-theme");
    return wanted || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  }

  function applyTheme() {
    const dark = theme() === "dark";
    root.dataset.theme = dark ? "dark" : "light";
    document.body?.classList.toggle("body--dark", dark);
    document.body?.classList.toggle("body--light", !dark);
    window.dispatchEvent(new Event("scrapline-theme"));
  }

  function switchTheme() {
    localStorage.setItem("scrapline-theme", theme() === "dark" ? "light" : "dark");
    applyTheme();
  }

  function callMe(cookie, name) {
    document.cookie = `${cookie}=${encodeURIComponent(name)}; path=/; SameSite=Strict; max-age=31536000`;
    location.reload();
  }

  function strip(id, role) {
    let element = document.getElementById(id);
    if (!element) {
      element = document.createElement("div");
      element.id = id;
      element.setAttribute("role", role);
      document.body.append(element);
    }
    return element;
  }

  function say(words, bad) {
    const line = strip("said", "status");
    line.textContent = words;
    line.className = bad ? "shown bad" : "shown";
    clearTimeout(quiet);
    quiet = setTimeout(() => (line.className = ""), bad ? 8000 : 3500);
  }

  /* The console is there; without word for so long from now on it is taken to be silent. */
  function beat(limitMs) {
    silenceMs = limitMs;
    heard = performance.now();
    root.classList.remove("silent");
  }

  /* A console that started again knows no session of before: the page asks for another login. */
  async function askWhetherShutOut() {
    if (performance.now() - asked < ASK_MS) return;
    asked = performance.now();
    const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
    if (answer?.status === 401) location.reload();
  }

  function watch() {
    const silent = heard !== null && performance.now() - heard > silenceMs;
    if (silent) askWhetherShutOut();
    const line = strip("silence", "alert");
    if (silent === root.classList.contains("silent") && line.textContent) return;
    root.classList.toggle("silent", silent);
    const run = document.querySelector(".state-head")?.dataset.run;
    const where = run ? ` What became of the run: python run_line.py console ${run}` : "";
    line.textContent = silent ? `No word from the console: the run has ended, or the console is starting again. Trying to reach it …${where}` : "";
  }

  applyTheme();
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", applyTheme);
  addEventListener("DOMContentLoaded", () => {
    applyTheme();
    root.lang = "en";
    heard ??= performance.now() + FIRST_MS;
    setInterval(watch, 250);
  });
  return { switchTheme, callMe, say, strip, beat };
})();
window.scrapline = scrapline;
