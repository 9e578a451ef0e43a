import type { BatchObservableCallback, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import { HUB_FIGURES, type HubFigure, openHubs } from '../hub/hub-figures.js';
import type { HubRegistry } from '../hub/index.js';

/** The instruments of the hubs' metrics, read in one callback when somebody collects. */
export class HubInstruments {
  private readonly instruments: readonly { figure: HubFigure; observable: Observable }[];
  private readonly observe: BatchObservableCallback;

  constructor(
    private readonly meter: Meter,
    private readonly prefix: string,
    private readonly hubs: HubRegistry,
  ) {
    this.instruments = HUB_FIGURES.map((figure) => ({ figure, observable: this.instrument(figure) }));
    this.observe = (result) => this.tellAll(result);
    meter.addBatchObservableCallback(this.observe, this.observables());
  }

  stop(): void {
    this.meter.removeBatchObservableCallback(this.observe, this.observables());
  }

  private instrument({ name, kind, unit, help: description }: HubFigure): Observable {
    const title = `${this.prefix}.${name}`;
    if (kind === 'total') return this.meter.createObservableCounter(title, { unit, description });
    if (kind === 'state') return this.meter.createObservableGauge(title, { unit, description });
    return this.meter.createObservableUpDownCounter(title, { unit, description });
  }

  private observables(): Observable[] {
    return this.instruments.map(({ observable }) => observable);
  }

  private async tellAll(result: BatchObservableResult): Promise<void> {
    const { prefix } = this;
    for (const hub of openHubs(this.hubs)) {
      const stats = hub.stats();
      for (const { figure, observable } of this.instruments) {
        for (const { value, label } of await figure.read(hub, stats)) {
          const of = label === undefined ? {} : { [`${prefix}.${label.name}`]: label.value };
          result.observe(observable, value, { [`${prefix}.name`]: hub.name, ...of });
        }
      }
    }
  }
}
