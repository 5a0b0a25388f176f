"""How a report looks, and the script that draws its figures as they come into view."""

STYLE = """
:root { color-scheme: light dark; --text: #1f2430; --faint: #687080; --line: #dfe3ea;
  --back: #ffffff; --card: #f6f7f9; --link: #1f6fb2; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ec; --faint: #9aa3b2; --line: #333a46;
  --back: #12151b; --card: #1a1f27; --link: #7ab8ea; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 34px 0 10px; }
h3 { font-size: 16px; margin: 26px 0 4px; overflow-wrap: anywhere; }
a { color: var(--link); } p { margin: 6px 0; } .faint, figcaption { color: var(--faint); }
figcaption { font-size: 13.5px; min-height: 3em; } figcaption strong { color: var(--text); }
.state { display: inline-block; padding: 1px 10px; border-radius: 10px; background: var(--card);
  border: 1px solid var(--line); font-size: 13.5px; }
.problem, .note { border-left: 3px solid #d55e00; padding-left: 10px; }
.note { border-color: var(--line); }
.notes { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card);
  padding: 10px 12px; border-radius: 6px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 14px; margin: 6px 0; }
th, td { text-align: left; padding: 4px 16px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-variant-numeric: tabular-nums; }
.numbers td:nth-child(-n+2) { white-space: nowrap; }
th { color: var(--faint); font-weight: 600; }
pre { background: var(--card); padding: 10px 12px; border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: 13px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 18px; }
.figures:has(> :only-child) { grid-template-columns: 1fr; }
figure { margin: 10px 0; min-width: 0; border: 1px solid var(--line); border-radius: 8px;
  padding: 12px 14px 6px; break-inside: avoid; } .plot { height: 300px; }
.tall .plot { height: 460px; }
@media (max-width: 560px) { .figures { grid-template-columns: 1fr; } }
"""

DRAW = """
"use strict";
const css = getComputedStyle(document.documentElement);
const of = name => css.getPropertyValue(name).trim();
function draw(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "yes";
  const plot = figure.querySelector(".plot");
  const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
  const grid = { gridcolor: of("--line"), zerolinecolor: of("--line"), linecolor: of("--line"),
    automargin: true };
  Plotly.newPlot(plot, data, { ...layout, paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)", font: { color: of("--text"), size: 12 },
    margin: { l: 8, r: 12, t: 8, b: 8 }, height: plot.clientHeight,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    xaxis: { ...grid, ...layout.xaxis }, yaxis: { ...grid, ...layout.yaxis } },
    { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] });
}
const all = [...document.querySelectorAll("figure")];
const seen = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
}, { rootMargin: "600px" });
all.forEach(figure => seen.observe(figure));
addEventListener("beforeprint", () => all.forEach(draw));
"""
