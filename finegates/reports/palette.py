"""Colour and shape of each method, the same in every chart of pages and reports.

The palette is Okabe and Ito's, made for colour-blind readers, its blue a little lighter so that it
reads on a dark page too. Shapes have the names that Vega and Plotly share; two are SVG paths.
"""

BLUE, ORANGE, GREEN, PINK = "#2b7fc0", "#e69f00", "#009e73", "#cc79a7"
RED, SKY, GRAY = "#d55e00", "#56b4e9", "#808890"

HEXAGON = "M0.9,0.5L0,1L-0.9,0.5L-0.9,-0.5L0,-1L0.9,-0.5Z"
STAR = (
    "M0,-0.8L0.18,-0.25L0.76,-0.25L0.29,0.1L0.47,0.65L0,0.3L-0.47,0.65L-0.29,0.1L-0.76,-0.25"
    "L-0.18,-0.25Z"
)

METHOD_LOOKS = {
    "finegates": (BLUE, "circle"),
    "finegates-attention": ("#5e9fd8", "triangle-left"),
    "finegates-one-vector": ("#3d6ea5", "square"),
    "finegates+lora": (ORANGE, "diamond"),
    "finegates+full": ("#b8109c", "triangle-right"),
    "finegates+lora-outside": ("#b9770e", "triangle-right"),
    "finegates+lora-attention": ("#c9a227", "triangle-left"),
    "finegates+lora-one-vector": ("#94651a", "square"),
    "finegates-hinge": ("#e08ac0", "triangle-up"),
    "finegates-official": ("#00a88a", "square"),
    "magnitude": ("#9a6a50", "cross"),
    "sensitivity": ("#6f4bb0", "cross"),
    "magnitude-full": ("#d23c1e", "triangle-down"),
    "sensitivity-full": ("#8a5fd0", "triangle-left"),
    "cofi": ("#b04a4a", "diamond"),
    "graspruned": ("#a08a00", "circle"),
    "importance": ("#4f7a3a", "triangle-up"),
    "lora-importance": ("#6f9a52", "triangle-down"),
    "full": ("#6b7685", HEXAGON),
    "lora": ("#a044e8", STAR),
    "lora-fa": ("#7d63d8", "triangle-up"),
    "lora-xs": ("#b673d9", "triangle-down"),
    "vera": ("#8f4bab", "cross"),
    "sparta": ("#7f8a1e", "diamond"),
    "compacter": ("#2f8f9d", "triangle-right"),
    "compacter++": ("#45a0c0", "circle"),
    "ether": ("#6f9440", "triangle-left"),
    "ether+": ("#5b8c3a", "square"),
    "melora": ("#a86ce0", "square"),
    "polar": ("#7a4fc0", "diamond"),
    "lorta": ("#c45bd0", "circle"),
    "loretta-adp": ("#3f8a80", "triangle-down"),
    "loretta-rep": ("#5c9488", "cross"),
    "adamix": ("#b0566a", "diamond"),
    "adamix-lora": ("#c86f83", "triangle-up"),
    "sara": ("#94a12f", "triangle-up"),
    "dynamic-subset": ("#66701a", "square"),
    "shears": ("#c45ab3", "triangle-down"),
}
"""Colour and shape of each method, the same on every page. The main methods differ in both and
stay apart in simulated protanopia, deuteranopia and tritanopia; a variant has a tone of its
family's colour and another shape."""
