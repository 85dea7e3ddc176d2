// What makes the pages of an account nicer where there are scripts: times as they are where the
// reader lives, and the focus in a good place after a list has changed in the page.
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime())) {
      time.textContent = format.format(date);
    }
  }
}
localize(document);

// htmx gives the focus back to the button that was pressed. If that is gone, with somebody who was
// removed for instance, the list itself gets it. Good news goes after a while, so that it covers
// nothing; what went wrong stays.
const READ = 8000; // ms

let reading = 0;

document.body.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id !== "lists") {
    return;
  }
  if (document.activeElement === document.body) {
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }
  clearTimeout(reading);
  reading = setTimeout(() => document.querySelector("#notice .floats .good")?.remove(), READ);
});
