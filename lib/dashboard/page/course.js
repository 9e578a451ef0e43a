/** The last minutes, from which the charts are drawn. */
export class Course {
  constructor({ length, every }, points) {
    this.length = length;
    this.every = every;
    this.points = points;
  }

  add(point) {
    const oldest = point.at - this.length - this.every;
    this.points = [...this.points.filter(({ at }) => at >= oldest), point];
  }

  get now() {
    return this.points.at(-1)?.at ?? Date.now();
  }

  /** What came before a restart of the application, then what has come since. */
  goOn({ every }, points) {
    this.every = every;
    const first = points[0]?.at ?? Infinity;
    this.points = [...this.points.filter(({ at }) => at < first), ...points];
  }

  /**
   * The times in seconds, then the values of each reader, null where there is none.
   *
   * @param kind - 'pools' or 'hubs'
   */
  dataOf(kind, name, readers) {
    const data = [[], ...readers.map(() => [])];
    let previous;
    for (const { at, [kind]: points } of this.points) {
      if (previous !== undefined && at - previous > this.every * 2.5)
        push(data, (previous + at) / 2, undefined, readers);
      push(data, at, points[name], readers);
      previous = at;
    }
    return data;
  }
}

function push(data, at, point, readers) {
  data[0].push(at / 1000);
  readers.forEach((read, index) => data[index + 1].push(point === undefined ? null : (read(point) ?? null)));
}
