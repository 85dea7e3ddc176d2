// Tells when the messenger's own scripts do not come, and offers to load the page again.
(() => {
  const page = document.documentElement;
  const patience = 20_000;

  function failed() {
    const text = document.getElementById("state-text");
    const button = document.getElementById("state-button");
    if (!text || !button || page.dataset.messenger === "ready") return;
    text.textContent = text.dataset.failed ?? "";
    button.textContent = button.dataset.again ?? "";
    button.hidden = false;
    button.addEventListener("click", () => location.reload());
  }

  setTimeout(failed, patience);
  window.addEventListener("error", failed, { capture: true, once: true }); // a script that does not load, too
})();
