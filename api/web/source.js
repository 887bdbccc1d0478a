"use strict";
(function () {
  const notice = document.getElementById("notice");

  // Positions count code points; a string of JavaScript counts UTF-16 units.
  function unitOf(text, point) {
    let unit = 0;
    for (const character of text) {
      if (point-- <= 0) break;
      unit += character.length;
    }
    return unit;
  }

  function clear() {
    for (const mark of document.querySelectorAll("mark")) {
      const line = mark.parentNode;
      mark.replaceWith(mark.textContent);
      line.normalize();
    }
    notice.hidden = true;
  }

  function highlight(line, from, to) {
    const text = line.textContent;
    const begin = unitOf(text, from), end = unitOf(text, to);
    if (begin >= end) return null;
    const mark = document.createElement("mark");
    mark.textContent = text.slice(begin, end);
    line.replaceChildren(text.slice(0, begin), mark, text.slice(end));
    return mark;
  }

  function show() {
    clear();
    const asked = /^#c=(\d+)-(\d+)$/.exec(location.hash);
    if (!asked) return;
    const start = Number(asked[1]), end = Number(asked[2]);
    let first = null;
    for (const line of document.querySelectorAll("article p")) {
      const offset = Number(line.dataset.s);
      if (offset >= end) break;
      const mark = highlight(line, Math.max(0, start - offset), end - offset);
      first = first || mark;
    }
    if (first) {
      first.scrollIntoView({ block: "center" });
    } else {
      notice.textContent = "链接所指的位置不在这份文件里。";
      notice.hidden = false;
    }
  }

  addEventListener("hashchange", show);
  show();
})();
