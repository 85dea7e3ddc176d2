// What makes the pages for operators nicer where there are scripts: they ask for what is new while
// somebody looks at them, times are as they are where the reader lives, and texts can be copied.
const lang = document.documentElement.lang;
const moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(lang, { timeStyle: "short" });

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime())) {
      time.textContent = moment.format(date);
    }
  }
  for (const tick of root.querySelectorAll("[data-clock]")) {
    tick.textContent = clock.format(new Date(Number(tick.dataset.clock) * 1000));
  }
  for (const button of root.querySelectorAll("[data-copies]")) {
    button.hidden = false;
  }
}
localize(document);

// A page asks for what is new while it is seen, and not while somebody presses a button or selects a
// text that would be replaced under the hand.
const poll = document.getElementById("poll");
const lost = document.querySelector("[data-lost]");
const over = document.querySelector("[data-over]");
const PATIENCE = 2; // failures after which a page says that it is not new any more

let pressed = false;
let failures = 0;
let ended = false;

addEventListener("pointerdown", () => { pressed = true; });
for (const type of ["pointerup", "pointercancel", "blur"]) {
  addEventListener(type, () => { setTimeout(() => { pressed = false; }); });
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && poll) {
    globalThis.htmx?.trigger(poll, "live");
  }
});

function selects() {
  const selection = getSelection();
  return !selection.isCollapsed && selection.anchorNode?.parentElement?.closest(".work") !== null;
}

document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target === poll && (document.hidden || pressed || ended || selects())) {
    event.preventDefault();
  }
});

function failed() {
  failures++;
  lost.hidden = failures < PATIENCE;
}
for (const type of ["htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(type, failed);
}

document.body.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (target !== poll || detail.xhr.status === 0) {
    return;
  }
  if (detail.xhr.getResponseHeader("Monarch-Live")) {
    failures = 0;
    lost.hidden = true;
  } else if (detail.xhr.status >= 500) {
    failed();
  } else {
    ended = true; // somebody is not signed in any more, or what he may see has changed
    over.hidden = false;
    lost.hidden = true;
  }
});

// What has not changed stays as it is.
document.body.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  localize(detail.fragment);
  const box = detail.target.cloneNode(false);
  box.append(detail.fragment.cloneNode(true));
  if (box.isEqualNode(detail.target)) {
    detail.shouldSwap = false;
  }
});

// Copying works without the clipboard of secure pages, too.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copies]");
  if (!button) {
    return;
  }
  const source = document.getElementById(button.dataset.copies);
  const text = source.href ?? source.textContent;
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    const field = document.createElement("textarea");
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.textContent = button.dataset.done;
});

// A choice of what is shown needs no button.
for (const select of document.querySelectorAll("[data-sends]")) {
  select.form.querySelector("[data-sent]").hidden = true;
  select.addEventListener("change", () => select.form.submit());
}
