/** Characters sent at once, unless one item is longer. */
const MOST_CHARACTERS = 256 * 1024;

/** What is said in one turn of the event loop goes out together: each command costs far more than what is in it. */
export class TurnBatch<T> {
  private items: T[] = [];
  private characters = 0;
  private isScheduled = false;

  /** @param flush - never called with nothing */
  constructor(
    private readonly most: number,
    private readonly flush: (items: readonly T[]) => void,
  ) {}

  add(item: T, characters: number): void {
    this.items.push(item);
    this.characters += characters;
    if (this.items.length >= this.most || this.characters >= MOST_CHARACTERS) return this.send();
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.send();
    });
  }

  private send(): void {
    const { items } = this;
    if (items.length === 0) return;
    this.items = [];
    this.characters = 0;
    this.flush(items);
  }
}
