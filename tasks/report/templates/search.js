(() => {
  const form = document.getElementById("search");
  const words = document.getElementById("words");
  const slice = document.getElementById("slice");
  const found = document.getElementById("found");
  const rows = [...document.querySelectorAll("article")].map((row) => [row, row.textContent.toLowerCase()]);
  const look = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [row, text] of rows) {
      const fits = (!slice.value || row.dataset.slice === slice.value) && wanted.every((word) => text.includes(word));
      row.hidden = !fits;
      count += fits;
    }
    found.textContent = `${count} of ${rows.length} rows`;
  };
  form.addEventListener("input", look);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  look();
})();
