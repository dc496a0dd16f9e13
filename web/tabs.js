// Tabs as ARIA has them: arrows, Home and End go from one to the next, and one is shown at a time.

/** Calls chosen(panel's id) whenever another one is shown. */
export function tabs(list, chosen) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const show = (tab) => {
    for (const one of all) {
      const isShown = one === tab;
      one.setAttribute("aria-selected", isShown);
      one.tabIndex = isShown ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !isShown;
    }
    chosen(tab.getAttribute("aria-controls"));
  };
  for (const tab of all) tab.addEventListener("click", () => show(tab));
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement), last = all.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    all[to].focus();
    show(all[to]);
  });
}
