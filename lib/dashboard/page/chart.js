import { h, put, show } from './dom.js';

const HEIGHT = 104;
const darkScheme = matchMedia('(prefers-color-scheme: dark)');
const AXIS_FONT = '11px system-ui, sans-serif';

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * A small chart of the last minutes.
 *
 * @param series - `[{ label, colour, fill, dash, quiet }]`; quiet: without a value of its own in the heading
 * @param format - of its values
 * @param empty - what is said when there is nothing to draw
 */
export class Chart {
  constructor({ title, series, format, empty, length }) {
    Object.assign(this, { series, format, length });
    this.data = [[], ...series.map(() => [])];
    this.values = series.map(() => h('b', {}, '–'));
    const keys = series.flatMap(({ label, colour: name, quiet }, index) =>
      quiet
        ? []
        : [h('span', { class: 'key' }, h('i', { class: `swatch ${name}` }), label, ' ', this.values[index])],
    );
    this.plot = h('div', { class: 'plot', 'aria-hidden': 'true' });
    this.nothing = h('p', { class: 'plot-empty' }, empty);
    this.title = h('span', { class: 'chart-title' }, title);
    this.element = h(
      'figure',
      { class: 'chart' },
      h('figcaption', {}, this.title, h('span', { class: 'keys' }, ...keys)),
      h('div', { class: 'plot-place' }, this.plot, this.nothing),
    );
    this.resizing = new ResizeObserver(() => this.fit());
    this.resizing.observe(this.plot);
    this.redraw = () => this.draw();
    darkScheme.addEventListener('change', this.redraw);
  }

  /** @param data - the times in seconds, then the values of each series */
  update(data, now) {
    this.data = data;
    this.now = now;
    const hasValues = data
      .slice(1)
      .some((values, index) => !this.series[index].quiet && values.some((v) => v !== null));
    show(this.nothing, !hasValues);
    if (this.uplot === undefined) this.draw();
    else this.uplot.setData(data);
    if (this.hovered === undefined) this.tell(data[0].length - 1);
  }

  dispose() {
    this.resizing.disconnect();
    darkScheme.removeEventListener('change', this.redraw);
    this.uplot?.destroy();
  }

  fit() {
    const width = Math.floor(this.plot.clientWidth);
    if (this.uplot !== undefined && width > 0 && width !== this.uplot.width)
      this.uplot.setSize({ width, height: HEIGHT });
    else if (this.uplot === undefined) this.draw();
  }

  tell(index) {
    this.values.forEach((value, place) => {
      const at = this.data[place + 1][index];
      put(value, at === null || at === undefined ? '–' : this.format(at));
    });
  }

  draw() {
    const width = Math.floor(this.plot.clientWidth);
    if (width === 0 || this.now === undefined) return;
    this.uplot?.destroy();
    this.uplot = new uPlot(this.options(width), this.data, this.plot);
  }

  options(width) {
    const line = colour('line');
    const axis = { stroke: colour('ink-3'), font: AXIS_FONT, ticks: { show: false } };
    return {
      width,
      height: HEIGHT,
      padding: [6, 4, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 6, fill: colour('card'), width: 2 },
        dataIdx: undefined,
      },
      hooks: {
        setCursor: [
          ({ cursor }) => {
            this.hovered = cursor.idx ?? undefined;
            this.tell(this.hovered ?? this.data[0].length - 1);
          },
        ],
      },
      scales: {
        x: { time: true, range: () => [(this.now - this.length) / 1000, this.now / 1000] },
        y: { range: (_, __, highest) => [0, Math.max(highest ?? 0, this.series[0].least ?? 1) * 1.08] },
      },
      axes: [
        {
          ...axis,
          size: 20,
          gap: 2,
          grid: { show: false },
          splits: () => this.minutes(),
          values: (_, splits) => splits.map((at) => minutesAgo(this.now / 1000 - at)),
        },
        {
          ...axis,
          size: 46,
          gap: 4,
          splits: (_, __, low, high) =>
            [0, tidy(high / 2.3), tidy(high / 2.3) * 2].filter((v) => v >= low && v <= high),
          values: (_, splits) => splits.map((value) => (value === 0 ? '0' : this.format(value))),
          grid: { stroke: line, width: 1 },
        },
      ],
      series: [
        {},
        ...this.series.map(({ label, colour: name, fill, dash, width: strength }) => ({
          label,
          stroke: colour(name),
          width: strength ?? 1.5,
          points: { show: false },
          spanGaps: false,
          ...(fill && { fill: `color-mix(in srgb, ${colour(name)} 18%, transparent)` }),
          ...(dash && { dash: [4, 4] }),
        })),
      ],
    };
  }

  minutes() {
    const marks = [];
    for (let back = Math.floor(this.length / 60_000); back >= 0; back -= 1)
      marks.push(this.now / 1000 - back * 60);
    return marks;
  }
}

function minutesAgo(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes === 0) return 'now';
  return minutes % 2 === 0 ? `−${minutes} min` : '';
}

/** The next lower number with one digit that matters, or half a digit more. */
function tidy(value) {
  const unit = 10 ** Math.floor(Math.log10(value || 1));
  const step = [5, 2.5, 2, 1].find((each) => value >= each * unit) ?? 1;
  return step * unit;
}
