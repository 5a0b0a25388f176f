"""Whether text can be read: WCAG 2.2, 1.4.3, 4.5 to 1, and 3 to 1 for large text."""

from playwright.sync_api import Page

FEWEST_TEXTS = 15
PRIMARY = {"light": "", "dark": "47,134,196"}
_TOO_FAINT = """primary => {
  const parse = text => {
    const all = (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const unit = text.startsWith('color(') ? 255 : 1;
    return [...all.slice(0, 3).map(v => v * unit), all.length > 3 ? all[3] : 1];
  };
  const over = (top, below) => {
    const [r, g, b, a] = top;
    return [r, g, b].map((v, i) => a * v + (1 - a) * below[i]);
  };
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = element => {  // but a slider's number stands above the handle that it is part of
    const chain = [], height = 0.9 * element.getBoundingClientRect().height;
    for (let e = element; e; e = e.parentElement)
      if (e.getBoundingClientRect().height >= height) chain.push(e);
    return chain.reverse().reduce(
      (below, e) => over(parse(getComputedStyle(e).backgroundColor), below), [255, 255, 255]);
  };
  const strength = element => {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= getComputedStyle(e).opacity;
    return all;
  };
  const told = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let number = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), e = walker.currentNode.parentElement;
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (!text || box.width < 2 || box.height < 2 || style.visibility === 'hidden') continue;
    if (e.closest('script, style, noscript, canvas, [data-testid=stIconMaterial]')) continue;
    if (e.closest(':disabled, [aria-disabled=true], [disabled]')) continue;
    if (e.closest('svg')) continue;
    const strong = strength(e);
    if (strong === 0) continue;
    const below = behind(e);
    const color = parse(style.color);
    const shown = over([...color.slice(0, 3), color[3] * strong], below);
    const [low, high] = [light(shown), light(below)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const isPrimary = [shown, below].some(c => String(c.map(Math.round)) === primary);
    number += 1;
    if (ratio < (large ? 3 : isPrimary ? 3.9 : 4.5))
      told.push(`${ratio.toFixed(2)} ${text.slice(0, 40)} (${shown.map(Math.round)} on ` +
                `${below.map(Math.round)}, ${e.closest('[data-testid]')?.dataset.testid})`);
  }
  return {number, told};
}"""


def faint_texts(page: Page, scheme: str) -> list[str]:
    """Texts whose colour is too near to what is behind them, with both colours.

    Left out, as the standard does: what is disabled; and icons, which have a text beside them.
    Texts of charts have Streamlit's own greys, which no option of the theme changes. Streamlit
    writes white on the theme's primary colour and that colour on the dark background: no colour has
    4.5 to both, so there it is 3.9 in the dark theme, and 4.5 in the light one.
    """
    found = page.evaluate(_TOO_FAINT, PRIMARY[scheme])
    assert found["number"] >= FEWEST_TEXTS, f"too few texts were seen on {page.url}"
    return list(found["told"])
