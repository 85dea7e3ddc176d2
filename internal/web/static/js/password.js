// Warns whoever chooses a password that some clients would cut it.
const MOST = 16; // bytes that all clients send

const password = document.getElementById("password");
const warning = document.querySelector("[data-too-long]");

function warn() {
  warning.hidden = new TextEncoder().encode(password.value).length <= MOST;
}
password.addEventListener("input", warn);
warn();
