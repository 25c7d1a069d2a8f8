/**
 * Tells the words of a text that is heard again and again while it grows: those on which two hypotheses in a row agree, never taken
 * back (LocalAgreement-2: Macháček, Dabre, Bojar 2023, "Turning Whisper into Real-Time Transcription System", section 3).
 */
export class Agreement {
  #before: readonly string[] = [];
  #told: readonly string[] = [];

  /**
   * Takes the next hypothesis.
   *
   * @returns words that are told now, with a space before them where others were told; empty for none
   */
  hear(text: string): string {
    const words = text.split(' ').filter((word) => word !== '');
    let agreed = 0;
    while (agreed < words.length && words[agreed] === this.#before[agreed]) agreed++;
    this.#before = words;
    // Words that were told and are heard otherwise now stand: the final text is the one that counts.
    if (this.#told.some((word, place) => word !== words[place]) || agreed <= this.#told.length) return '';
    const delta = words.slice(this.#told.length, agreed).join(' ');
    const lead = this.#told.length > 0 ? ' ' : '';
    this.#told = words.slice(0, agreed);
    return lead + delta;
  }
}
