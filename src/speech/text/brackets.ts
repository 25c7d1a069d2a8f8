/**
 * Takes out what stands in `<…>` and `[…]`, one mixed with the other, then what stands in `(…)`, by the rules of Whisper's
 * normalisers: brackets do not nest, and one that is never closed stays.
 */
export function dropBracketed(text: string): string {
  return drop(drop(text, /[<[]/g, /[>\]]/g, 0), /\(/g, /\)/g, 1);
}

/** Each search goes on where the last one ended: a text of opening brackets alone takes no longer than another. */
function drop(text: string, open: RegExp, close: RegExp, atLeast: number): string {
  let kept = '';
  let from = 0;
  open.lastIndex = 0;
  for (let opened = open.exec(text); opened !== null; opened = open.exec(text)) {
    const inside = opened.index + 1;
    close.lastIndex = inside;
    const closed = close.exec(text);
    if (closed === null) break;
    if (closed.index - inside < atLeast) continue;
    kept += text.slice(from, opened.index);
    from = closed.index + 1;
    open.lastIndex = from;
  }
  return kept + text.slice(from);
}
