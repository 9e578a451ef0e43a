import { h, put, show } from './dom.js';

const HEIGHT = 116;
const HEIGHT_ON_PHONES = 92;
/** What a chart covers; it begins with the least, so that a new page is not mostly empty. Milliseconds. */
const LENGTHS = [60_000, 120_000, 300_000];
const darkScheme = matchMedia('(prefers-color-scheme: dark)');
const AXIS_FONT = '11px system-ui, sans-serif';

function height() {
  return innerWidth <= 720 ? HEIGHT_ON_PHONES : HEIGHT;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * A small chart of the last minutes.
 *
 * @param series - `[{ label, colour, fill, dash, quiet }]`; quiet: without a value of its own in the heading
 * @param format - of its values
 * @param whole - they are counts
 * @param empty - what is said when there is nothing to draw
 */
export class Chart {
  constructor({ title, series, format, empty, whole = false }) {
    Object.assign(this, { series, format, whole });
    this.data = [[], ...series.map(() => [])];
    this.values = series.map(() => h('b', {}, '–'));
    const keys = series.flatMap(({ label, colour: name, quiet }, index) =>
      quiet
        ? []
        : [h('span', { class: 'key' }, h('i', { class: `swatch ${name}` }), label, ' ', this.values[index])],
    );
    this.plot = h('div', { class: 'plot', 'aria-hidden': 'true' });
    this.nothing = h('p', { class: 'plot-empty' }, empty);
    this.element = h(
      'figure',
      { class: 'chart' },
      h('figcaption', {}, h('span', { class: 'chart-title' }, title), h('span', { class: 'keys' }, ...keys)),
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
    this.isEmpty = !hasValues;
    const covered = now - (data[0][0] ?? 0) * 1000;
    this.length = LENGTHS.find((length) => length >= covered) ?? LENGTHS.at(-1);
    if (this.uplot === undefined) this.draw();
    else this.uplot.setData(this.drawn());
    if (this.hovered === undefined) this.tell(data[0].length - 1);
  }

  /** A line that lies on the ground tells nothing. */
  drawn() {
    return this.data.map((values, index) =>
      index > 0 && this.series[index - 1].aboveGround ? values.map(risen) : values,
    );
  }

  dispose() {
    this.resizing.disconnect();
    darkScheme.removeEventListener('change', this.redraw);
    this.uplot?.destroy();
  }

  fit() {
    const width = Math.floor(this.plot.clientWidth);
    if (this.uplot !== undefined && width > 0 && width !== this.uplot.width)
      this.uplot.setSize({ width, height: height() });
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
    this.uplot = new uPlot(this.options(width), this.drawn(), this.plot);
  }

  options(width) {
    const line = colour('line');
    const axis = { stroke: colour('ink-3'), font: AXIS_FONT, ticks: { show: false } };
    return {
      width,
      height: height(),
      padding: [6, 16, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 6, fill: colour('card'), width: 2 },
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
          size: 22,
          gap: 5,
          grid: { show: false },
          splits: () => this.marks().map((back) => (this.now - back) / 1000),
          values: () => this.marks().map(ago),
        },
        {
          ...axis,
          size: (_, labels) => 14 + Math.max(0, ...(labels ?? []).map(({ length }) => length)) * 6,
          gap: 6,
          splits: (_, __, ___, high) => this.levels(high),
          values: (_, levels) => levels.map((level) => (level === 0 ? '0' : this.format(level))),
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
          // Of the colour, which is six digits, so much.
          ...(fill && { fill: `${colour(name)}2e` }),
          ...(dash && { dash: [4, 4] }),
        })),
      ],
    };
  }

  /** The middle and the end. */
  marks() {
    return [this.length / 2, 0];
  }

  levels(high) {
    if (this.isEmpty) return [0];
    // Of connections there are whole ones only.
    const step = Math.max(tidy(high / 2), this.whole ? 1 : 0);
    return [0, 1, 2, 3, 4].map((steps) => steps * step).filter((level) => level <= high);
  }
}

/** Nothing where there is 0, but for where it rises from. */
function risen(value, index, values) {
  return value === 0 && !values[index - 1] && !values[index + 1] ? null : value;
}

function ago(ms) {
  if (ms === 0) return 'now';
  return ms < 60_000 ? `−${ms / 1000} s` : `−${ms / 60_000} min`;
}

/** The next lower number with one digit, which is 1, 2 or 5. */
function tidy(value) {
  const unit = 10 ** Math.floor(Math.log10(value || 1));
  return ([5, 2].find((digit) => value >= digit * unit) ?? 1) * unit;
}
