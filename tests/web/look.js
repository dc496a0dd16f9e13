// What a page looks like, in figures: everything that is shown, found by asking the browser what it computed.
(() => {
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** Paints colours over each other, [[css, alpha]], and returns what the eye gets: [r, g, b]. */
  const painted = (layers) => {
    pixel.clearRect(0, 0, 1, 1);
    for (const [colour, alpha] of layers) {
      pixel.globalAlpha = alpha;
      pixel.fillStyle = colour;
      pixel.fillRect(0, 0, 1, 1);
    }
    return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  /** What may lie behind an element: over a picture anything may, so the worst for white letters is taken. */
  const grounds = (element) => {
    const layers = [["Canvas", 1]], more = [];
    for (const one of ancestors(element)) {
      if (one.matches("figure")) layers.push(["white", 1]);
      else layers.push([getComputedStyle(one).backgroundColor, 1]);
      const bar = getComputedStyle(one, "::before");
      if (bar.content !== "none") more.push([bar.backgroundColor, Number(bar.opacity)]);
    }
    return more.length ? [layers, [...layers, ...more]] : [layers];
  };
  const ancestors = (element) => (element ? [...ancestors(element.parentElement), element] : []);
  const name = (element) => element.id || `${element.closest("[id]")?.id} ${element.localName}`;

  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    for (let node; (node = walker.nextNode()); ) {
      const element = node.parentElement;
      if (node.data.trim() && element.checkVisibility() && !element.closest("script, noscript, .unseen")) found.push(node);
    }
    return found;
  };

  const read = (node) => {
    const element = node.parentElement, style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const ratio = Math.min(...grounds(element).map((layers) => contrast(painted([...layers, [style.color, 1]]), painted(layers))));
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return { where: name(element), words: node.data.trim().slice(0, 40), ratio, needed: isLarge ? 3 : 4.5, size };
  };

  /** Words that stick out of the screen, or of the row or button that they are in. */
  const clipped = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const words = range.getBoundingClientRect();
    const box = node.parentElement.closest("li, button, dd, figcaption, section, main").getBoundingClientRect();
    return words.left < Math.max(0, box.left) - 1 || words.right > Math.min(innerWidth, box.right) + 1 || words.bottom > box.bottom + 1 || words.top < box.top - 1;
  };

  const focus = (element) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element), layers = grounds(element.parentElement)[0];
    const ratio = outlineStyle === "none" ? 1 : contrast(painted([...layers, [outlineColor, 1]]), painted(layers));
    return { where: name(element), width_px: parseFloat(outlineWidth), ratio };
  };

  return {
    focus,
    look: () => ({
      width_px: document.documentElement.scrollWidth,
      texts: texts().map(read),
      clipped: texts().filter(clipped).map((node) => [name(node.parentElement), node.data.trim()]),
      small: [...document.querySelectorAll("button, select, input")].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44).map(name),
    }),
  };
})()
