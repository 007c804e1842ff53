/* What the person at the desk has before their eyes: the next item may be on its way. */
"use strict";

/* The item whose picture is painted, or failed for good; none while a picture is still coming. */
function scraplineSeen() {
  const question = document.getElementById("question");
  const picture = question.querySelector("img");
  return picture && !picture.complete ? null : question.dataset.frame;
}
