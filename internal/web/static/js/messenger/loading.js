// Tells when the messenger's own scripts do not come, and offers to load the page again.
(() => {
  const page = document.documentElement;
  const patience = 20_000;
  const ready = () => page.dataset.messenger === "ready";

  function failed() {
    const text = document.getElementById("state-text");
    const button = document.getElementById("state-button");
    if (!text || !button || ready()) return;
    text.textContent = text.dataset.failed ?? "";
    button.textContent = button.dataset.again ?? "";
    button.hidden = false;
    button.addEventListener("click", () => {
      if (!ready()) location.reload(); // else they came late, and the button is theirs
    });
  }

  setTimeout(failed, patience);
  window.addEventListener("error", failed, { capture: true, once: true }); // a script that does not load, too
})();
