/**
 * A text that grows, told in pieces that are never taken back. The last word is held back until more follows it: where two segments
 * overlap, the second may still change it.
 */
export class TextStream {
  #told = 0;

  /**
   * Takes the text up to here.
   *
   * @returns what can be told now; empty for nothing
   */
  grow(text: string): string {
    return this.#tell(wordsOf(text).slice(0, -1));
  }

  /** Takes the whole text. @returns the rest */
  end(text: string): string {
    return this.#tell(wordsOf(text));
  }

  #tell(words: readonly string[]): string {
    if (words.length <= this.#told) return '';
    const lead = this.#told === 0 ? '' : ' ';
    const piece = lead + words.slice(this.#told).join(' ');
    this.#told = words.length;
    return piece;
  }
}

function wordsOf(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
