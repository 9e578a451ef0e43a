/** Lets only so much be under way at once; the rest waits in line. */
export class FewAtOnce {
  private running = 0;
  private readonly line: (() => void)[] = [];

  constructor(private readonly most: number) {}

  async run<R>(work: () => Promise<R>): Promise<R> {
    if (this.running < this.most) this.running += 1;
    // Whoever ends hands the place on.
    else await new Promise<void>((resolve) => this.line.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.line.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
