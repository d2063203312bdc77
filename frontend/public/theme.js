/* Runs before the first paint, so that a dark page never flashes white. A file, not an inline script: see README.md. */
(function () {
  var root = document.documentElement;
  var choice = null;
  try {
    choice = window.localStorage.getItem("headrace.theme");
  } catch (error) {
    choice = null; /* A browser that refuses storage gets the system's theme. */
  }
  var dark = choice === "dark" || (choice !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  root.setAttribute("data-theme", dark ? "dark" : "light");
})();
