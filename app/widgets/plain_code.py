"""A box of text to copy, such as a command.

`st.code` loads a highlighter of 1.5 MB even where no language is named; this costs next to nothing.
"""

from streamlit.components.v2 import component

_HTML = """
<div class="box">
  <pre tabindex="0"></pre>
  <button type="button" title="Copy"></button>
</div>
"""
_CSS = """
.box { position: relative; }
pre {
  margin: 0; padding: 12px 64px 12px 14px; overflow: auto; box-sizing: border-box;
  font: 13px/1.55 var(--st-code-font, monospace); white-space: pre-wrap; overflow-wrap: anywhere;
  color: var(--st-code-text-color, var(--st-text-color));
  background: var(--st-code-background-color, var(--st-secondary-background-color));
  border-radius: var(--st-base-radius);
}
button {
  position: absolute; top: 6px; right: 6px; padding: 3px 8px; cursor: pointer;
  font: 12px/1.4 var(--st-font); color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-base-radius);
}
pre:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
_SCRIPT = """
export default function ({ data, parentElement }) {
  const text = parentElement.querySelector("pre"), button = parentElement.querySelector("button");
  text.textContent = data.text;
  text.style.whiteSpace = data.wrap ? "" : "pre";
  text.style.maxHeight = data.height ? `${data.height}px` : "";
  button.textContent = "Copy";
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
      button.textContent = "Copied";
    } catch {  // not allowed to: the text is selected, for Ctrl+C
      getSelection().selectAllChildren(text);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
}
"""
_box = component("finegates_plain_code", html=_HTML, css=_CSS, js=_SCRIPT)


def plain_code(text: str, key: str, *, height: int | None = None, wrap: bool = True) -> None:
    """Shows the text as it is, with a button that copies it.

    Args:
        text: Of one or more lines.
        key: Of the element; no two on a page have the same.
        height: In pixels, the most that it may be high; then it scrolls.
        wrap: Breaks long lines; else they scroll.
    """
    _box(data={"text": text, "height": height, "wrap": wrap}, key=key)
