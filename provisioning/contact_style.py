"""How a contact sheet looks, and how its filter works without a script."""

from __future__ import annotations

from collections.abc import Iterable

STYLE = """
:root{color-scheme:light dark;--line:#d5d9de;--paper:#f4f5f7;--card:#fff;--ink:#1b1f24;--dim:#5c6670;--bad:#b3261e;
--doubt:#8a5a00;--good:#1e6b3a;--bad-bg:#fbe9e7;--doubt-bg:#fff3d6;--good-bg:#e3f3e8}
@media (prefers-color-scheme:dark){:root{--line:#3a4149;--paper:#14171a;--card:#1d2126;--ink:#e8eaed;--dim:#9aa4ae;
--bad:#ff8a80;--doubt:#ffcc66;--good:#7fd19b;--bad-bg:#3b1f1d;--doubt-bg:#3a2f14;--good-bg:#173222}}
*{box-sizing:border-box}
body{margin:0;padding:1.25rem 1.5rem;background:var(--paper);color:var(--ink);font:14px/1.4 system-ui,sans-serif}
header{max-width:60rem}h1{font-size:1.4rem;margin:0 0 .3rem}header p{margin:.2rem 0}
.note,.small,figcaption{color:var(--dim)}nav{margin:.5rem 0}nav a,nav b{padding:.1rem .35rem}
details{margin:1rem 0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem 1rem}
summary{font-weight:600;color:var(--bad);cursor:pointer}
table{border-collapse:collapse;margin-top:.5rem;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-top:1px solid var(--line)}
td{overflow-wrap:anywhere}td:first-child{white-space:nowrap}
input[name=show]{position:absolute;opacity:0}
input[name=show]+label{display:inline-block;margin:.8rem .35rem .2rem 0;padding:.3rem .75rem;cursor:pointer;
border:1px solid var(--line);border-radius:99px;background:var(--card)}
input[name=show]:checked+label{outline:2px solid currentColor;outline-offset:-1px}
input[name=show]:focus-visible+label{outline:3px solid #2563eb}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(13.5rem,1fr));gap:.75rem;margin-top:.8rem}
article{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--bad);border-radius:8px;
padding:.7rem;content-visibility:auto;contain-intrinsic-size:auto 17rem;overflow-wrap:anywhere}
article.accepted{border-top-color:var(--good)}article.duplicate{border-top-color:var(--doubt)}
.pictures{display:flex;flex-wrap:wrap;gap:.4rem}
figure{margin:0;width:96px}figure img,.none{width:96px;height:96px;object-fit:contain;display:block;border-radius:4px;
background:var(--paper)}.none{display:grid;place-content:center;color:var(--dim);font-size:12px}
figcaption{font-size:11px;line-height:1.2;margin-top:.15rem}
article:not(.duplicate) figcaption{display:none}
h2{font-size:1rem;margin:.5rem 0 0}article p{margin:.15rem 0}.small{font-size:12px}
.outcome{padding:.05rem .45rem;border-radius:4px;font-weight:600;background:var(--bad-bg);color:var(--bad)}
.accepted .outcome{background:var(--good-bg);color:var(--good)}
.duplicate .outcome{background:var(--doubt-bg);color:var(--doubt)}
.out h2::after{content:"not used";font-weight:400;font-size:12px;color:var(--bad);margin-left:.5rem}
.response{display:inline-block;padding:0 .4rem;border-radius:4px;font-weight:600;border:1px solid}
.response.red{color:#b3261e}.response.amber{color:#8a5a00}.response.green{color:#1e6b3a}
@media (prefers-color-scheme:dark){
.response.red{color:#ff8a80}.response.amber{color:#ffcc66}.response.green{color:#7fd19b}}
.young{border:1px solid currentColor;border-radius:4px;padding:0 .3rem;font-weight:600}
@media print{input[name=show]+label{display:none}article{break-inside:avoid}}
"""


def filter_rules(outcomes: Iterable[str]) -> str:
    """Rules that hide every card but those of the outcome whose button is pressed."""
    return "".join(f"#show-{each}:checked~main>article:not(.{each}){{display:none}}" for each in outcomes)
