/** Makes promises and hands out what resolves them, without a function of its own for each: there are thousands in a turn. */
export class Pledges<T> {
  private lastResolve: (value: T) => void = () => undefined;

  /** Resolves what `make()` has just made. Read it before anything else is called. */
  get resolve(): (value: T) => void {
    return this.lastResolve;
  }

  make(): Promise<T> {
    return new Promise<T>(this.keep);
  }

  private readonly keep = (resolve: (value: T) => void): void => {
    this.lastResolve = resolve;
  };
}
