const body = document.querySelector("tbody"), rows = [...body.rows];
const word = document.getElementById("word"), level = document.getElementById("level"), shown = document.getElementById("shown");
const fixable = document.getElementById("fixable"), exploited = document.getElementById("exploited");
function filter() {
  const wanted = word.value.toLowerCase();
  let count = 0;
  for (const row of rows) {
    const fits = (!level.value || row.dataset.level === level.value) && row.textContent.toLowerCase().includes(wanted)
      && (!fixable.checked || "fixable" in row.dataset) && (!exploited.checked || "exploited" in row.dataset);
    row.hidden = !fits;
    count += fits;
  }
  shown.textContent = count + " of " + rows.length + " shown";
}
word.addEventListener("input", filter);
for (const choice of [level, fixable, exploited]) choice.addEventListener("change", filter);
document.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => {
  const head = button.parentElement, down = head.getAttribute("aria-sort") === "ascending";
  document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = row => row.cells[column].dataset.key || row.cells[column].textContent;
  rows.sort((a, b) => key(a).localeCompare(key(b), "en", {numeric: true}) * (down ? -1 : 1));
  body.append(...rows);
}));
filter();
