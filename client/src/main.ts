import "./frames.ts";

const app = document.getElementById("app");
if (app) app.textContent = "termhub";
