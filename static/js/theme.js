// Runs before the first paint: the theme that was chosen here, else the system's.
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage is blocked: the system's theme holds */ }
document.documentElement.classList.add("js");
