/* The Classify page in the browser: where pictures come from, and sending them one at a time. The
   files stay here; the console asks for one again when it is to be asked about otherwise. */
"use strict";

const scraplineClassify = (() => {
  const LIVE_MS = 500;
  const root = document.documentElement; // what is shown by its classes is out of the console's way
  const files = new Map();
  const fresh = new Set(); // numbers of pictures that are to be looked at when they are answered
  const waiting = [];
  let address = "";
  let mostBytes = 0;
  let last = 0;
  let sending = false;
  let done = 0;
  let stream = null;
  let live = null;

  const byId = (id) => document.getElementById(`classify-${id}`);

  function begin(where, limit) {
    address = where;
    mostBytes = limit;
    byId("files").addEventListener("change", (event) => {
      add(event.target.files);
      event.target.value = "";
    });
    addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      add(event.clipboardData.files);
    });
    addEventListener("dragover", (event) => {
      event.preventDefault();
      root.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) root.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("dropping");
      add(event.dataTransfer.files);
    });
    root.dataset.classify = "ready";
  }

  const reveal = () => byId("stage").scrollIntoView({ block: "nearest" });
  const choose = () => byId("files").click();

  function add(list) {
    if (list.length) fresh.add(last + 1);
    for (const file of list) {
      last += 1;
      files.set(last, file);
      queue(last);
    }
    pump();
  }

  function queue(number) {
    if (!waiting.includes(number)) waiting.push(number);
  }

  function again(numbers) {
    for (const number of numbers) if (files.has(number)) queue(number);
    pump();
  }

  function forget() {
    files.clear();
    waiting.length = 0;
  }

  async function pump() {
    if (sending) return;
    sending = true;
    done = 0;
    while (waiting.length) {
      const number = waiting.shift();
      done += 1;
      byId("status").textContent = `Asking about picture ${done} of ${done + waiting.length} …`;
      if (files.has(number)) await send(number, files.get(number));
    }
    sending = false;
    byId("status").textContent = "";
  }

  async function send(number, file) {
    const headers = { "X-Picture-Name": encodeURIComponent(file.name), "X-Picture-Bytes": file.size };
    const body = file.size > mostBytes ? "" : file;
    const look = fresh.delete(number) ? "?look" : "";
    try {
      const answer = await fetch(`${address}/${number}${look}`, { method: "POST", headers, body });
      if (answer.status === 204 || answer.status === 413) return true;
      waiting.length = 0;
      scrapline.say((await answer.text()).trim(), true);
    } catch {
      scrapline.say(`${file.name}: could not be read or sent. Folders cannot be dropped, only files.`, true);
    }
    return false;
  }

  async function webcam() {
    if (stream) return stopWebcam();
    if (!navigator.mediaDevices) {
      return scrapline.say("The browser gives the webcam to pages of this machine or over HTTPS only.", true);
    }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    } catch (error) {
      const words = { NotAllowedError: "The browser was told not to give the webcam.", NotFoundError: "There is no webcam." };
      return scrapline.say(words[error.name] ?? `The webcam does not come on: ${error.message}`, true);
    }
    stream.getVideoTracks()[0].addEventListener("ended", stopWebcam);
    byId("video").srcObject = stream;
    await byId("video").play();
    show();
  }

  function stopWebcam() {
    if (live) stopLive();
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    byId("video").srcObject = null;
    show();
  }

  function show() {
    root.classList.toggle("webcam-on", Boolean(stream));
    byId("webcam").setAttribute("aria-pressed", String(Boolean(stream)));
    byId("live").setAttribute("aria-pressed", String(Boolean(live)));
  }

  async function frame(name) {
    const video = byId("video");
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    return new File([blob], name);
  }

  const clock = () => new Date().toTimeString().slice(0, 8).replaceAll(":", ".");

  async function shoot() {
    if (stream) add([await frame(`webcam ${clock()}.jpg`)]);
  }

  /* One row for all frames of a spell; the next frame is taken when the last one is answered. */
  async function runLive(mine) {
    last += 1;
    const number = last;
    fresh.add(number);
    const name = `webcam, live from ${clock()}`;
    while (live === mine) {
      const began = performance.now();
      const picture = await frame(name);
      files.set(number, picture);
      if (!(await send(number, picture))) return stopLive();
      const left = LIVE_MS - (performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, Math.max(left, 0)));
    }
  }

  function stopLive() {
    live = null;
    show();
  }

  function toggleLive() {
    if (!stream) return;
    if (live) return stopLive();
    live = Symbol("live");
    runLive(live);
    show();
  }

  return { begin, choose, reveal, again, forget, webcam, shoot, live: toggleLive };
})();
window.scraplineClassify = scraplineClassify;
